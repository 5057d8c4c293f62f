"""What wakes a deferred task: the service says that its wait has settled."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from eventlatch_airflow.following import follower


class WaitTrigger(BaseTrigger):
    """Fires when a wait has ended and everything of it was told to Airflow.

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
        wait = await follower(self.eventlatch_conn_id).settled(self.sensor, self.wait)
        yield TriggerEvent(dict(wait))  # type: ignore[no-untyped-call]
