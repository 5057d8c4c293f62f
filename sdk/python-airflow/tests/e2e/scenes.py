"""What is played with every Airflow."""

from __future__ import annotations

from world import Run, World


def the_example_turns_green_message_by_message(world: World) -> None:
    run = Run(world, "kafka_trigger", "seed:1+00:00", "")
    world.airflow.trigger(run.dag, run.id)
    run.expect(my_consumer="deferred", tbla="none", tblb="none", joba="none", my_task="none")

    def table(number: int, partition: str) -> str:
        message = {"db": f"db{number}", "table": f"table{number}", "partition_values": partition}
        return world.service.send("etl-finish", message)

    waits = world.service.get("/v1/sensors/kafka_trigger.my_consumer/status")
    partition = next(it["rendered"]["partition_values"] for it in waits["wanted"] if it["task_id"] == "tblb")
    at = table(0, "")
    run.expect(my_consumer="deferred", tbla="success", tblb="none", joba="none", my_task="none")
    assert at in run.note("tbla")
    at = table(1, partition)
    run.expect(my_consumer="deferred", tbla="success", tblb="success", joba="none", my_task="none")
    assert at in run.note("tblb")
    (at,) = world.send("jn1")
    run.expect(my_consumer="success", tbla="success", tblb="success", joba="success", my_task="success")
    assert at in run.note("joba")
    run.expect_end("success")

    # What is there already needs no waiting, in a run that comes after its messages.
    later = Run(world, "kafka_trigger", "seed:2", "")
    world.airflow.trigger(later.dag, later.id)
    later.expect_end("success")
    later.expect(my_consumer="success", tbla="success", tblb="success", joba="success", my_task="success")
    assert at in later.note("joba")


def a_deadline_fails_what_is_missing(world: World) -> None:
    run = world.start("fails")
    run.send("a")
    run.expect_end("failed")
    run.expect(gate="failed", a="success", b="failed", c="failed", after="upstream_failed")


def a_deadline_skips_what_is_missing(world: World) -> None:
    run = world.start("skips")
    run.send("a")
    run.expect_end("success")
    run.expect(gate="skipped", a="success", b="skipped", c="skipped", after="success")


def a_dag_waits_for_another_of_which_airflow_tells(world: World) -> None:
    run = world.start("reports")
    run.expect(gate="deferred", orders_are_loaded="none", checks_have_failed="none", load_has_failed="none")
    # A run that nobody waits for tells the same.
    world.airflow.trigger("load", f"{run.name}+other")
    world.airflow.trigger("load", run.name)
    run.expect_end("success")
    run.expect(gate="success", orders_are_loaded="success", checks_have_failed="success", load_has_failed="success")
    came = {task: note for task in ("orders_are_loaded", "checks_have_failed", "load_has_failed") if (note := run.note(task))}
    assert len(set(came.values())) == 3, came
    assert all("airflow.events/" in note for note in came.values()), came
