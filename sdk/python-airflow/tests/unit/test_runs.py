from typing import Any

import pytest
from support import context, moment

from eventlatch_airflow import runs


def test_a_wait_is_named_after_its_run_and_try() -> None:
    assert runs.wait_name(context("r"), shared=False, number=1) == "r"
    assert runs.wait_name(context("r"), shared=False, number=3) == "r (try 3)"
    assert runs.wait_name(context("r"), shared=True, number=1) == "dag.gate/r"
    assert runs.wait_name(context("r", map_index=2), shared=True, number=2) == "dag.gate[2]/r (try 2)"


def test_a_sensor_is_named_after_its_task_and_where_runs_differ_after_the_run() -> None:
    assert runs.own_sensor(context("r"), of_one_run=False) == "dag.gate"
    assert runs.own_sensor(context("r", map_index=0), of_one_run=True) == "dag.gate[0]/r"


def test_long_names_fit_and_stay_different() -> None:
    names = {runs.fitted("x" * 300 + end) for end in ("a", "b")}
    assert len(names) == 2
    assert all(len(name) == runs.LONGEST for name in names)


@pytest.mark.parametrize(
    ("run_id", "wait", "of_run"),
    [
        ("r", "r", True),
        ("r", "r (try 2)", True),
        ("r", "dag.gate/r", True),
        ("r", "dag.gate/r (try 2)", True),
        ("r", "other", False),
        ("r", "r2", False),
    ],
)
def test_waits_of_a_run(run_id: str, wait: str, of_run: bool) -> None:
    assert runs.is_of_run(wait, run_id) is of_run


LATER = moment("2026-01-06T00:00:00+00:00")
EARLIER = moment("2026-01-05T00:00:00+00:00")


@pytest.mark.parametrize(
    ("run", "due"),
    [
        # Airflow 3 says when a run was due; Airflow 2 has the end of the interval for it.
        ({"run_type": "backfill", "logical_date": EARLIER, "run_after": LATER}, LATER),
        ({"run_type": "scheduled", "logical_date": EARLIER, "data_interval_end": LATER}, LATER),
        ({"run_type": "manual", "logical_date": EARLIER, "run_after": LATER}, EARLIER),
        ({"run_type": "manual", "logical_date": None, "run_after": LATER}, LATER),
        ({"run_type": "asset_triggered", "run_after": LATER}, None),
    ],
)
def test_a_run_waits_on_the_day_on_which_it_was_due(run: dict[str, Any], due: Any) -> None:
    assert runs.due(context(**run)) == due
