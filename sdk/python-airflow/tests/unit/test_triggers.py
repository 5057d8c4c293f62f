"""When a deferred task may come back; what a trigger waits for is told by the tests with the service."""

import airflow
import pytest

from eventlatch_airflow.triggers import earliest_return


def test_airflow_3_has_to_hear_of_a_deferral_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(airflow, "__version__", "3.3.2")
    assert earliest_return() == 5 + 5
    monkeypatch.setenv("AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL", "1")
    assert earliest_return() == 1 + 5
    monkeypatch.setattr(airflow, "__version__", "2.11.2")
    assert earliest_return() == 0
