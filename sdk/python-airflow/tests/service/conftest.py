from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from running import Running

from eventlatch_airflow import triggers


@pytest.fixture(autouse=True)
def prompt(monkeypatch: pytest.MonkeyPatch) -> None:
    """No scheduler here has to hear of a deferral before its task may come back."""
    monkeypatch.setattr(triggers, "earliest_return", lambda: 0)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    running = Running(tmp_path)
    yield running
    running.stop()


@pytest.fixture
def connection(running: Running, monkeypatch: pytest.MonkeyPatch) -> str:
    """An Airflow connection to it."""
    uri = f"eventlatch://:secret@127.0.0.1:{running.port}"
    monkeypatch.setenv("AIRFLOW_CONN_EVENTLATCH_TEST", uri)
    return "eventlatch_test"
