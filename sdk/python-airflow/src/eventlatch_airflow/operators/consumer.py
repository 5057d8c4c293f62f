"""The old plugin's sensor, so that its DAGs need another import and nothing else."""

from __future__ import annotations

from typing import Any

from eventlatch_airflow.api import Wait
from eventlatch_airflow.compat import AirflowException, Context
from eventlatch_airflow.sensors import EventLatchSensor

#: Why a parameter changes nothing any more.
_NO_MEANING = {
    "broker": "the service reads Kafka ([kafka] brokers in its configuration)",
    "group_id": "the service has one consumer group for all sensors ([kafka] group)",
    "client_id": "the service is the client",
    "session": "the service keeps what has come, in its own store",
}


class KafkaConsumerOperator(EventLatchSensor):
    """Waits for Kafka messages as the event plugin's operator of this name did, by the eventlatch service.

    It takes the old parameters; ``broker``, ``group_id``, ``client_id`` and ``session`` change nothing any more, which the
    log says. Those of :class:`~eventlatch_airflow.sensors.EventLatchSensor` are taken too.

    :param soft_fail: ``True``: what is missing at the deadline is skipped, and this task. ``False``: failed
    :param mode: ``"defer"`` (default) holds no worker; ``"reschedule"`` looks every ``poke_interval`` seconds;
        ``"poke"`` holds a worker
    :param mark_success: ``False``: the tasks are not marked as their messages come
    :param debug_mode: the log says why what is missing has not come
    """

    def __init__(
        self,
        *,
        broker: str | None = None,
        group_id: str | None = None,
        client_id: str | None = None,
        session: Any = None,
        soft_fail: bool = False,
        mode: str = "defer",
        debug_mode: bool = False,
        **kwargs: Any,
    ) -> None:
        if "on_timeout" in kwargs and soft_fail:
            raise ValueError("`soft_fail` and `on_timeout` say the same: give one of them")
        if soft_fail:
            kwargs["on_timeout"] = "skip"
        if mode == "defer":
            super().__init__(**kwargs)
        else:
            super().__init__(deferrable=False, mode=mode, **kwargs)
        self.debug_mode = debug_mode
        given = {"broker": broker, "group_id": group_id, "client_id": client_id, "session": session}
        self._without_meaning = [name for name, value in given.items() if value is not None]

    def _opened(self, context: Context) -> Wait:
        wait = super()._opened(context)
        if self.debug_mode and wait["state"] == "waiting":
            self._explain(wait)
        return wait

    def execute(self, context: Context) -> Any:
        """As the sensor does, and says once what has lost its meaning."""
        for name in self._without_meaning:
            self.log.info("`%s` changes nothing: %s", name, _NO_MEANING[name])
        return super().execute(context)

    def _timed_out(self, text: str) -> AirflowException:
        """The old operator was tried again after its deadline, where the task has retries."""
        return AirflowException(text)
