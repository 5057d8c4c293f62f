"""A run of a task without Airflow around it."""

from __future__ import annotations

from datetime import datetime
from types import SimpleNamespace
from typing import Any


def context(
    run_id: str = "manual__1",
    *,
    try_number: int = 1,
    map_index: int = -1,
    task_id: str = "gate",
    **run: Any,
) -> Any:
    """What a task is given, as far as the package looks at it."""
    ti = SimpleNamespace(dag_id="dag", task_id=task_id, run_id=run_id, try_number=try_number, map_index=map_index)
    of_run = {"run_type": "asset_triggered", "logical_date": None, "run_after": None, "data_interval_end": None, **run}
    return {"ti": ti, "dag_run": SimpleNamespace(run_id=run_id, **of_run)}


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
