"""Airflow 3, with all that can go wrong."""

from __future__ import annotations

import signal
from collections.abc import Callable
from datetime import datetime, timedelta, timezone

import pytest
import scenes
from stack import Kafka
from world import Run, World


@pytest.fixture(scope="module")
def world(make_world: Callable[[str], World]) -> World:
    return make_world("3")


def waits_of(run: Run) -> dict[str, str]:
    """The waits of a run with their states."""
    waits = run.world.service.get("/v1/waits")["waits"]
    return {wait["name"]: wait["state"] for wait in waits if wait["name"].startswith(run.id)}


def test_the_example_turns_green_message_by_message(world: World) -> None:
    scenes.the_example_turns_green_message_by_message(world)


def test_a_deadline_fails_what_is_missing(world: World) -> None:
    scenes.a_deadline_fails_what_is_missing(world)


def test_a_deadline_skips_what_is_missing(world: World) -> None:
    scenes.a_deadline_skips_what_is_missing(world)


def test_a_late_message_heals(world: World) -> None:
    run = world.start("heals")
    run.send("ab")
    run.expect_end("failed")
    run.expect(gate="failed", a="success", b="success", c="failed", after="upstream_failed")
    (at,) = run.send("c")
    run.expect(c="success", after="success")
    run.expect_note("c", at)
    run.expect_end("success")


def test_two_runs_do_not_disturb_each_other(world: World) -> None:
    one, other = world.start("waits"), world.start("waits")
    one.expect(gate="deferred")
    other.expect(gate="deferred")
    one.send("a")
    other.send("b")
    one.expect(gate="deferred", a="success", b="none", c="none")
    other.expect(gate="deferred", a="none", b="success", c="none")
    one.send("bc")
    one.expect_end("success")
    other.expect(gate="deferred", a="none", b="success", c="none")
    other.send("ac")
    other.expect_end("success")


def test_the_service_is_killed_while_it_waits(world: World) -> None:
    run = world.start("waits")
    run.expect(gate="deferred")
    run.send("a")
    run.expect(a="success")
    world.service.process.stop(signal.SIGKILL)
    run.send("b")
    world.service.process.start()
    world.service.wait_until_ready()
    run.expect(gate="deferred", b="success", c="none")
    run.send("c")
    run.expect_end("success")


def test_airflow_is_killed_while_it_waits(world: World) -> None:
    run = world.start("waits")
    run.expect(gate="deferred")
    world.airflow.process.stop(signal.SIGKILL)
    run.send("ab")
    world.airflow.start_again()
    run.expect(gate="deferred", a="success", b="success", c="none")
    run.send("c")
    run.expect_end("success")


def test_a_retry_has_what_came_before_and_a_deadline_of_its_own(world: World) -> None:
    run = world.start("tries_again")
    run.send("ab")
    run.expect(a="success", b="success", c="failed")
    run.send("c")
    run.expect(gate="success", a="success", b="success", c="success", after="success")
    run.expect_end("success")
    assert waits_of(run) == {run.id: "failed", f"{run.id} (try 2)": "complete"}


def test_cleared_tasks_are_marked_again(world: World) -> None:
    run = world.start("waits")
    (at, _) = run.send("ab")
    run.expect(gate="deferred", a="success", b="success")
    world.airflow.clear(run.dag, run.id, ["gate"])
    run.expect(gate="deferred", a="success", b="success", c="none")
    run.expect_note("a", at)
    run.send("c")
    run.expect_end("success")
    assert waits_of(run) == {run.id: "cancelled", f"{run.id} (try 2)": "complete"}


@pytest.mark.parametrize(("dag", "state"), [("reschedules", "up_for_reschedule"), ("pokes", "running")])
def test_other_modes(world: World, dag: str, state: str) -> None:
    run = world.start(dag)
    run.expect(gate=state)
    run.send("abc")
    run.expect_end("success")
    assert waits_of(run) == {run.id: "complete"}


def test_mapped_gates_wait_each_for_its_own(world: World) -> None:
    run = world.start("mapped")
    run.expect(**{"gate[0]": "deferred", "gate[1]": "deferred", "gate[2]": "deferred"})
    world.send("mapped-1")
    run.expect(**{"gate[0]": "deferred", "gate[1]": "success", "gate[2]": "deferred"})
    world.send("mapped-0", "mapped-2")
    run.expect_end("success")


def test_one_dag_sends_what_another_waits_for(world: World, kafka: Kafka) -> None:
    waits = world.start("waits")
    waits.expect(gate="deferred")
    world.airflow.trigger("sends", f"{waits.id}+sends", conf={"name": waits.name, "broker": kafka.address})
    waits.expect_end("success")


def test_a_run_of_a_past_day_finds_what_came_on_it(world: World) -> None:
    then = datetime.now(timezone.utc) - timedelta(days=1)
    name = "of-yesterday"
    world.service.send_at("job-finish", [{"job_name": f"{name}-{letter}", "is_success": True} for letter in "abc"], then)
    run = world.start("waits", name=name, logical_date=then.isoformat())
    run.expect_end("success")
    today = world.start("waits", name=name)
    today.expect(gate="deferred", a="none")


def test_a_dag_waits_for_another_of_which_airflow_tells(world: World) -> None:
    run = world.start("reports")
    run.expect(gate="deferred", orders_are_loaded="none", checks_have_failed="none", load_has_failed="none")
    # A run that nobody waits for tells the same.
    world.airflow.trigger("load", f"{run.name}+other")
    world.airflow.trigger("load", run.name)
    run.expect_end("success")
    run.expect(gate="success", orders_are_loaded="success", checks_have_failed="success", load_has_failed="success")
    tasks = ("orders_are_loaded", "checks_have_failed", "load_has_failed")
    assert len({run.expect_note(task, "message airflow.events/") for task in tasks}) == 3
