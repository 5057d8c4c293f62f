"""Two kinds of templates in wanted messages.

``{{ ds }}`` is Airflow's and becomes text before the service sees it. ``{{yyyymm|dt.format(format='%Y%m')}}`` is the
service's, which fills it in anew for each business date. They are told apart by what only the service has: filters that
begin with ``dt.``, and the name ``yyyymm``.
"""

from __future__ import annotations

import re
from typing import Any

_OF_SERVICE = re.compile(r"\{\{(?:(?!\}\}).)*(?:\|\s*dt\.|\byyyymm\b)(?:(?!\}\}).)*\}\}", re.DOTALL)
_OF_AIRFLOW = re.compile(r"\{\{|\{%")


def shield(text: str) -> str:
    """The text, with what is the service's kept from Airflow."""
    return _OF_SERVICE.sub(lambda found: "{% raw %}" + found.group() + "{% endraw %}", text)


def depends_on_run(value: Any) -> bool:
    """Whether a value may come out differently in another run: by Airflow's templates, or by another task's result."""
    if isinstance(value, dict):
        return any(map(depends_on_run, value.values()))
    if isinstance(value, (list, tuple)):
        return any(map(depends_on_run, value))
    if isinstance(value, str):
        return _OF_AIRFLOW.search(_OF_SERVICE.sub("", value)) is not None
    return not (value is None or isinstance(value, (bool, int, float)))
