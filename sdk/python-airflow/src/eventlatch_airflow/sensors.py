"""A task that waits for Kafka messages: the *gate* in front of the tasks that show them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from eventlatch_airflow import runs, templates
from eventlatch_airflow.api import Service, ServiceAwayError, ServiceError, Wait, is_settled
from eventlatch_airflow.compat import (
    AirflowException,
    AirflowFailException,
    AirflowSensorTimeout,
    AirflowSkipException,
    BaseSensorOperator,
    Context,
    PokeReturnValue,
)
from eventlatch_airflow.hooks import DEFAULT_CONNECTION, EventLatchHook
from eventlatch_airflow.triggers import WaitTrigger

#: The service keeps the deadline; Airflow's own is out of the way.
_NEVER = timedelta(days=3650)

#: A request of a task in the mode ``poke`` is answered when there is something to tell, or after so many seconds.
_PATIENT_REQUEST = 60


class EventLatchSensor(BaseSensorOperator):
    """Waits until the wanted messages have come.

    The task defines its sensor with the service, opens a wait for its run and defers: it holds no worker slot and no
    connection to Kafka. The service marks a task of the same run when its message comes. This task ends when the
    wait has ended and all of that was told to Airflow.

    Each try has a wait of its own, so a retry or a clear begins a new deadline, has what has already come, and marks
    cleared tasks again; the wait of the try before is cancelled.

    :param msgs: the wanted messages; ``task_id`` in each names the task that it marks. May hold templates of Airflow
        (``{{ ds }}``) and of the service (``{{yyyymm|dt.format(format='%Y%m')}}``). ``None``: the service has the sensor
        already, from a file
    :param sensor_name: the sensor's name with the service. Default ``DAG_ID.TASK_ID``
    :param timeout: seconds from now, a ``timedelta``, a cron expression in the sensor's zone, or ``None``: until the
        earliest end of a window in which something is missing
    :param on_timeout: ``"fail"`` or ``"skip"`` what is missing, and this task
    :param late: ``"heal"``: a message that comes after the deadline still marks its task. Default ``"ignore"``
    :param require: how many of the messages are needed: ``"all"``, ``"any"`` or a number
    :param timezone: the IANA name of the sensor's zone. Default: the service's
    :param business_date: which day's (or hour's) messages count. Default: when the run was due, or the logical date of a
        run that was triggered by hand
    :param mark_success: ``False``: only this task follows the messages, no other is marked
    :param deferrable: ``False``: by the ``mode`` of Airflow's sensors, ``"poke"`` or ``"reschedule"``
    :param eventlatch_conn_id: the connection to the service
    """

    template_fields: Sequence[str] = ("msgs", "sensor_name", "business_date", "wait_timeout", "eventlatch_conn_id")
    ui_color = "#e8d9f2"

    def __init__(
        self,
        *,
        msgs: Sequence[dict[str, Any]] | None = None,
        sensor_name: str | None = None,
        timeout: float | timedelta | str | None = None,
        on_timeout: str = "fail",
        late: str = "ignore",
        require: str | int = "all",
        timezone: str | None = None,
        business_date: str | date | datetime | None = None,
        mark_success: bool = True,
        deferrable: bool = True,
        eventlatch_conn_id: str = DEFAULT_CONNECTION,
        **kwargs: Any,
    ) -> None:
        super().__init__(timeout=_NEVER, **kwargs)
        if msgs is None and sensor_name is None:
            raise ValueError(f"{self.task_id}: give `msgs`, or the `sensor_name` of a sensor that the service has")
        self.msgs = msgs
        self.sensor_name = sensor_name
        self.wait_timeout = timeout
        self.on_timeout = on_timeout
        self.late = late
        self.require = require
        self.timezone = timezone
        self.business_date = business_date
        self.mark_success = mark_success
        self.deferrable = deferrable
        self.eventlatch_conn_id = eventlatch_conn_id
        self._depends_on_run = templates.depends_on_run(msgs)

    def render_template(self, content: Any, *args: Any, **kwargs: Any) -> Any:
        """Renders what is Airflow's, and leaves what is the service's."""
        return super().render_template(templates.shield(content) if isinstance(content, str) else content, *args, **kwargs)

    def execute(self, context: Context) -> Any:
        """Opens the wait and leaves it to the trigger, or to Airflow's way of poking."""
        if not self.deferrable:
            return super().execute(context)
        wait = self._opened(context)
        if is_settled(wait):
            return self._end(context, wait)
        self.log.info("Waits for %s", _told(wait))
        trigger = WaitTrigger(self.eventlatch_conn_id, wait["sensor"], wait["name"])
        self.defer(trigger=trigger, method_name="execute_complete")
        return None

    def execute_complete(self, context: Context, event: Wait) -> Any:
        """Ends as the wait did."""
        return self._end(context, event)

    def poke(self, context: Context) -> PokeReturnValue:
        """Whether the wait has settled. In the mode ``poke``, which holds the worker anyway, answered when it has."""
        wait = self._opened(context)
        while not is_settled(wait):
            self.log.info("Waits for %s", _told(wait))
            if self.reschedule:
                return PokeReturnValue(is_done=False)
            wait = self._service().wait(wait["sensor"], wait["name"], until_settled=_PATIENT_REQUEST) or self._opened(context)
        return PokeReturnValue(is_done=True, xcom_value=self._end(context, wait))

    def _service(self) -> Service:
        return EventLatchHook(self.eventlatch_conn_id).get_conn()

    def _opened(self, context: Context) -> Wait:
        """The wait of this try: opened, or found where this is not the first time that it is looked at."""
        service = self._service()
        sensor, number = self._sensor(context), context["ti"].try_number
        name = self._wait(context, number)
        wait = service.wait(sensor, name)
        if wait is not None:
            return wait
        if self.msgs is not None:
            service.define(sensor, {"wanted": list(self.msgs), **self._defined()})
        for earlier in range(1, number):
            service.cancel(sensor, self._wait(context, earlier), reason=f"try {number} of the task waits now")
        return service.open(sensor, self._request(context, name))

    def _sensor(self, context: Context) -> str:
        if self.sensor_name is not None:
            return self.sensor_name
        return runs.own_sensor(context, of_one_run=self._is_of_one_run(context))

    def _is_of_one_run(self, context: Context) -> bool:
        """Whether each run has a sensor of its own, as it may want something else. What is mapped comes from anywhere."""
        return self.sensor_name is None and (self._depends_on_run or runs.map_index(context) is not None)

    def _wait(self, context: Context, number: int) -> str:
        return runs.wait_name(context, shared=self.sensor_name is not None, number=number)

    def _defined(self) -> dict[str, Any]:
        zone = {"timezone": self.timezone} if self.timezone else {}
        return {"require": self.require, **zone}

    def _request(self, context: Context, name: str) -> dict[str, Any]:
        timeout = self.wait_timeout
        request: dict[str, Any] = {
            "name": name,
            "timeout": int(timeout.total_seconds()) if isinstance(timeout, timedelta) else timeout,
            "on_timeout": self.on_timeout,
            "late": self.late,
        }
        day = self.business_date or runs.due(context)
        if day is not None:
            request["business_date"] = day if isinstance(day, str) else day.isoformat()
        if self.mark_success:
            request["target"] = {"dag_id": context["ti"].dag_id, "run_id": context["ti"].run_id}
            if runs.map_index(context) is not None:
                request["target"]["map_index"] = runs.map_index(context)
        return request

    def _end(self, context: Context, wait: Wait) -> dict[str, Any]:
        """Ends the task as the wait has ended."""
        told = _told(wait)
        if wait["state"] == "complete":
            self.log.info("Complete: %s", told)
            if self._is_of_one_run(context) and self.late == "ignore":
                self._retire(wait["sensor"])
            return {key: wait.get(key) for key in ("sensor", "name", "business_date", "ended_at", "tasks")}
        if wait["state"] == "cancelled":
            raise AirflowFailException(f"The wait was cancelled: {told}")
        self._explain(wait)
        if wait["state"] == "skipped":
            raise AirflowSkipException(f"Not complete at the deadline: {told}")
        raise self._timed_out(f"Not complete at the deadline: {told}")

    def _timed_out(self, text: str) -> AirflowException:
        """A deadline is final, as with Airflow's own sensors: it is not tried again."""
        return AirflowSensorTimeout(text)

    def _retire(self, sensor: str) -> None:
        """A sensor of one run is needed no more. One that failed is kept: somebody may ask why."""
        try:
            self._service().retire(sensor)
        except (ServiceError, ServiceAwayError) as error:
            self.log.warning("The sensor %s was not retired: %s", sensor, error)

    def _explain(self, wait: Wait) -> None:
        try:
            explanation = self._service().explain(wait["sensor"], wait["name"])
        except (ServiceError, ServiceAwayError) as error:
            self.log.warning("Why it is not complete cannot be told: %s", error)
            return
        for missing in explanation["missing"]:
            reasons = "; ".join(reason["text"] for reason in missing["reasons"])
            self.log.info("%s · %s %s: %s", missing["task_id"], missing["topic"], missing.get("wanted"), reasons)


def _told(wait: Wait) -> str:
    """A wait in a line for the log."""
    here = [task["task_id"] for task in wait["tasks"] if task["state"] == "success"]
    missing = [task["task_id"] for task in wait["tasks"] if task["state"] != "success"]
    parts = [
        f"{wait['sensor']} · {wait['name']} · {wait['business_date']}",
        f"{len(here)} of {len(wait['tasks'])} received",
        *([f"missing: {', '.join(missing)}"] if missing else []),
        *([f"until {wait['deadline']}"] if wait.get("deadline") else []),
    ]
    return ", ".join(parts)
