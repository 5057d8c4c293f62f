"""What a run of a DAG is called with the service, and on which day it waits."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import cast

from eventlatch_airflow.compat import Context

#: The longest name that the service takes.
LONGEST = 200


def fitted(name: str) -> str:
    """The name, or where it is too long its beginning with a hash of the whole."""
    if len(name) <= LONGEST:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:16]
    return f"{name[: LONGEST - len(digest) - 1]}~{digest}"


def own_sensor(context: Context, of_one_run: bool) -> str:
    """The name of a sensor that nobody named: that of the task, and of the run where each run wants something else."""
    ti = context["ti"]
    task = f"{ti.dag_id}.{ti.task_id}"
    if map_index(context) is not None:
        task = f"{task}[{map_index(context)}]"
    return fitted(f"{task}/{ti.run_id}" if of_one_run else task)


def wait_name(context: Context, shared: bool, number: int) -> str:
    """The name of the wait of a try.

    It is the run's; where the sensor has a name of its own, other tasks may wait on it too, and the task goes before.
    """
    run = str(context["ti"].run_id)
    if shared:
        run = f"{own_sensor(context, of_one_run=False)}/{run}"
    return fitted(run if number == 1 else f"{run} (try {number})")


def map_index(context: Context) -> int | None:
    """Which of the mapped instances of the task this is. None: it is not mapped."""
    index = getattr(context["ti"], "map_index", None)
    return index if index is not None and index >= 0 else None


def due(context: Context) -> datetime | None:
    """When the run was to begin. None: now.

    A backfill waits on the day on which the run would have begun, so that it sees what the run would have seen. That is
    the end of the data interval, not the logical date, which may be the interval's beginning.
    """
    run = context["dag_run"]
    kind = str(getattr(run.run_type, "value", run.run_type))
    if kind in ("scheduled", "backfill"):
        moment = getattr(run, "run_after", None) or run.data_interval_end
    elif kind == "manual":
        moment = run.logical_date or getattr(run, "run_after", None)
    else:
        moment = None
    return cast(datetime | None, moment)


def is_of_run(wait: str, run_id: str) -> bool:
    """Whether a wait is one of a run's, of whatever try and task."""
    run, _, _ = wait.partition(" (try ")
    return run == fitted(run_id) or run.endswith(f"/{run_id}")
