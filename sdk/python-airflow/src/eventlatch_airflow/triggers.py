"""What wakes a deferred task: the service says that its wait has settled."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import airflow
from airflow.configuration import conf
from airflow.triggers.base import BaseTrigger, TriggerEvent

from eventlatch_airflow.following import follower

#: So long a busy scheduler may take to hear what its executor knows, in seconds.
HEARING = 5


def earliest_return() -> float:
    """How many seconds after its trigger has begun a deferred task may come back.

    When a task defers, its process ends, and a worker of Airflow 3 tells so up to ``min_heartbeat_interval`` late. A scheduler
    that hears it only when the same task is queued or runs again takes it for the end of that, and fails the task with a
    *state mismatch* (issues 66374, 67287 and 72716 of apache/airflow).
    """
    if airflow.__version__.startswith("2."):
        return 0
    return conf.getint("workers", "min_heartbeat_interval", fallback=5) + HEARING


class WaitTrigger(BaseTrigger):
    """Fires when a wait has ended and everything of it was told to Airflow, and not before the task may come back
    (:func:`earliest_return`).

    However many there are in a triggerer process, they share one connection to the service
    (:mod:`eventlatch_airflow.following`).

    :param eventlatch_conn_id: the connection to the service
    :param sensor: the name of the sensor
    :param wait: the name of the wait
    """

    def __init__(self, eventlatch_conn_id: str, sensor: str, wait: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.eventlatch_conn_id = eventlatch_conn_id
        self.sensor = sensor
        self.wait = wait

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """For the trigger's row in Airflow's database. The token is in the connection, and not in here."""
        keys = {"eventlatch_conn_id": self.eventlatch_conn_id, "sensor": self.sensor, "wait": self.wait}
        return f"{type(self).__module__}.{type(self).__qualname__}", keys

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """One event: the wait as it ended."""
        begun = time.monotonic()
        wait = await follower(self.eventlatch_conn_id).settled(self.sensor, self.wait)
        await asyncio.sleep(begun + earliest_return() - time.monotonic())
        yield TriggerEvent(dict(wait))  # type: ignore[no-untyped-call]
