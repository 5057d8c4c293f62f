"""The sensor's way through a task, with the real service; what Airflow does around it is for the end-to-end tests."""

import asyncio
import logging
import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from running import Running
from support import context

from eventlatch_airflow import triggers
from eventlatch_airflow.compat import AirflowException, AirflowFailException, AirflowSensorTimeout, AirflowSkipException
from eventlatch_airflow.operators import KafkaConsumerOperator
from eventlatch_airflow.sensors import EventLatchSensor
from eventlatch_airflow.triggers import WaitTrigger

try:
    from airflow.sdk.exceptions import TaskDeferred
except ImportError:
    from airflow.exceptions import TaskDeferred


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]) -> Callable[[], str]:
    """What the log says: Airflow 2 logs by Python's logging, Airflow 3 writes to standard output."""
    caplog.set_level(logging.INFO)
    return lambda: caplog.text or capsys.readouterr().out


def gate(connection: str, operator: Any = EventLatchSensor, **arguments: Any) -> Any:
    msgs = [{"frequency": "D", "topic": "job-finish", "job_name": job, "task_id": job} for job in ("x", "y")]
    return operator(task_id="gate", eventlatch_conn_id=connection, **{"msgs": msgs, **arguments})


def deferred(task: Any, run: Any) -> WaitTrigger:
    with pytest.raises(TaskDeferred) as left:
        task.execute(run)
    assert left.value.method_name == "execute_complete"
    assert isinstance(left.value.trigger, WaitTrigger)
    return left.value.trigger


def fired(trigger: WaitTrigger) -> Any:
    """What the trigger hands to the task, as it comes out of Airflow's database."""
    path, keys = trigger.serialize()
    assert path == "eventlatch_airflow.triggers.WaitTrigger"

    async def first() -> Any:
        return (await anext(WaitTrigger(**keys).run())).payload

    return asyncio.run(asyncio.wait_for(first(), 30))


def test_it_defers_and_ends_with_what_came(running: Running, connection: str) -> None:
    task = gate(connection)
    trigger = deferred(task, context("r"))
    running.finish("x")
    running.finish("y")
    result = task.execute_complete(context("r"), fired(trigger))
    assert (result["sensor"], result["name"]) == ("dag.gate", "r")
    assert {it["task_id"]: it["state"] for it in result["tasks"]} == {"x": "success", "y": "success"}


def test_no_task_comes_back_before_its_deferral_is_known(
    running: Running, connection: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    trigger = deferred(gate(connection), context("r"))
    running.finish("x")
    running.finish("y")
    monkeypatch.setattr(triggers, "earliest_return", lambda: 2)
    begun = time.monotonic()
    assert fired(trigger)["state"] == "complete"
    assert time.monotonic() - begun >= 2


def test_what_has_come_already_needs_no_trigger(running: Running, connection: str) -> None:
    deferred(gate(connection), context("first"))
    running.finish("x")
    running.finish("y")
    running.service.wait("dag.gate", "first", until_settled=30)
    assert gate(connection).execute(context("second"))["name"] == "second"


def test_each_try_has_a_wait_of_its_own_and_keeps_what_came(running: Running, connection: str) -> None:
    deferred(gate(connection), context("r"))
    running.finish("x")
    trigger = deferred(gate(connection), context("r", try_number=3))
    assert (trigger.sensor, trigger.wait) == ("dag.gate", "r (try 3)")
    # The same try again, as after a crash of the worker, goes on with its wait.
    assert deferred(gate(connection), context("r", try_number=3)).wait == "r (try 3)"
    running.finish("y")
    assert fired(trigger)["state"] == "complete"
    assert {it["name"]: it["state"] for it in running.service.waits("dag.gate")} == {"r": "cancelled", "r (try 3)": "complete"}


@pytest.mark.parametrize(
    ("operator", "arguments", "end"),
    [
        (EventLatchSensor, {}, AirflowSensorTimeout),
        (EventLatchSensor, {"on_timeout": "skip"}, AirflowSkipException),
        # The old operator's deadline can be tried again, which AirflowSensorTimeout cannot.
        (KafkaConsumerOperator, {"soft_fail": False}, AirflowException),
        (KafkaConsumerOperator, {"soft_fail": True}, AirflowSkipException),
    ],
)
def test_a_deadline_fails_or_skips(
    running: Running,  # noqa: ARG001
    connection: str,
    operator: Any,
    arguments: dict[str, Any],
    end: type[Exception],
    told: Callable[[], str],
) -> None:
    task = gate(connection, operator, timeout=1, **arguments)
    event = fired(deferred(task, context("r")))
    with pytest.raises(end, match="0 of 2 received, missing: x, y") as raised:
        task.execute_complete(context("r"), event)
    assert type(raised.value) is end
    assert "x · job-finish" in told()


def test_a_cancelled_wait_fails_for_good(running: Running, connection: str) -> None:
    task = gate(connection)
    trigger = deferred(task, context("r"))
    running.service.cancel("dag.gate", "r", "a person")
    with pytest.raises(AirflowFailException, match="cancelled"):
        task.execute_complete(context("r"), fired(trigger))


def test_runs_that_want_something_else_have_sensors_of_their_own(running: Running, connection: str) -> None:
    msgs = [{"frequency": "D", "topic": "job-finish", "job_name": "{{ run_id }}", "task_id": "t"}]

    def rendered(run_id: str) -> Any:
        task = gate(connection, msgs=msgs)
        task.render_template_fields({**context(run_id), "run_id": run_id})
        return task

    task = rendered("one")
    one, other = deferred(task, context("one")), deferred(rendered("other"), context("other"))
    assert (one.sensor, other.sensor) == ("dag.gate/one", "dag.gate/other")
    running.finish("one")
    task.execute_complete(context("one"), fired(one))
    assert running.service.count_sensors() == 1  # What is complete is retired.


def test_the_sensor_of_a_mapped_task_is_retired_when_it_is_complete(running: Running, connection: str) -> None:
    run = context("r", map_index=1)
    trigger = deferred(gate(connection), run)
    assert (trigger.sensor, trigger.wait) == ("dag.gate[1]/r", "r")
    running.finish("x")
    running.finish("y")
    gate(connection).execute_complete(run, fired(trigger))
    assert running.service.count_sensors() == 0


def test_the_services_templates_reach_the_service(running: Running, connection: str) -> None:
    wanted = {"frequency": "D", "topic": "etl-finish", "db": "d", "table": "t", "task_id": "t"}
    task = gate(connection, msgs=[{**wanted, "partition_values": "{{yyyymm|dt.format(format='%Y%m')}}"}])
    task.render_template_fields(context("r"))
    deferred(task, context("r"))
    assert running.service.explain("dag.gate", "r")["missing"][0]["wanted"]["partition_values"].isdigit()


def test_poke_is_answered_when_it_has_settled(running: Running, connection: str) -> None:
    task = gate(connection, KafkaConsumerOperator, mode="reschedule", poke_interval=1)
    assert not task.poke(context("r"))
    running.finish("x")
    running.finish("y")
    running.service.wait("dag.gate", "r", until_settled=30)
    assert task.poke(context("r")).xcom_value["name"] == "r"


def test_parameters_without_meaning_are_told_once(
    running: Running,  # noqa: ARG001
    connection: str,
    told: Callable[[], str],
) -> None:
    task = gate(connection, KafkaConsumerOperator, broker="b:9092", group_id="g", client_id="c", session=object())
    deferred(task, context("r"))
    assert re.findall(r"`(\w+)` changes nothing", told()) == ["broker", "group_id", "client_id", "session"]
