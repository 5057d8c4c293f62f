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
    run.expect_note("tbla", at)
    at = table(1, partition)
    run.expect(my_consumer="deferred", tbla="success", tblb="success", joba="none", my_task="none")
    run.expect_note("tblb", at)
    (at,) = world.send("jn1")
    run.expect(my_consumer="success", tbla="success", tblb="success", joba="success", my_task="success")
    run.expect_note("joba", at)
    run.expect_end("success")

    # What is there already needs no waiting, in a run that comes after its messages.
    later = Run(world, "kafka_trigger", "seed:2", "")
    world.airflow.trigger(later.dag, later.id)
    later.expect_end("success")
    later.expect(my_consumer="success", tbla="success", tblb="success", joba="success", my_task="success")
    later.expect_note("joba", at)


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
