"""Plays the example: starts everything, runs the DAG, sends its three messages, and shows the tasks after each.

Started by ``run`` beside it, with the Python of an environment that has Airflow and eventlatch-airflow.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import sys
import tempfile
import time
from pathlib import Path

from stack import Airflow, Kafka, NotYet, Service, free_port, wait_for

DAG = "kafka_trigger"
TASKS = ("my_consumer", "tbla", "tblb", "joba", "my_task")


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201


def show(airflow: Airflow, run: str) -> None:
    """The tasks, with the beginning of what is noted at them."""
    tasks = airflow.tasks(DAG, run)
    for name in TASKS:
        note = ", ".join((tasks[name].get("note") or "").split("\n* ")[:3])
        say(f"    {name:<12} {tasks[name]['state'] or '-':<10} {note}".rstrip())


def send_one_by_one(airflow: Airflow, service: Service, run: str) -> None:
    """Each message, and then its task."""
    wanted = {it["task_id"]: it for it in service.get(f"/v1/sensors/{DAG}.my_consumer/status")["wanted"]}
    for task in ("tbla", "tblb", "joba"):
        topic, message = wanted[task]["topic"], wanted[task]["rendered"]
        at = service.send(topic, message)
        say(f"\nsent {topic} {json.dumps(message)} as {at}")
        wait_until(airflow, run, task, "success")
        show(airflow, run)
    for task in ("my_consumer", "my_task"):
        wait_until(airflow, run, task, "success")
    say("\nall three have come, so my_consumer has ended and my_task has run")
    show(airflow, run)


def wait_until(airflow: Airflow, run: str, task: str, state: str) -> None:
    def ask() -> None:
        now = airflow.states(DAG, run)[task]
        if now != state:
            raise NotYet(f"{task} is {now}")

    wait_for(f"{task} to be {state}", 180, ask)


def main() -> None:
    parser = argparse.ArgumentParser(prog="run", description="The event plugin's example, on this machine.")
    parser.add_argument("--port", type=int, default=8080, help="of Airflow, default: %(default)s")
    parser.add_argument("--once", action="store_true", help="end when the DAG has run, instead of with Ctrl-C")
    chosen = parser.parse_args()
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", chosen.port)) == 0:
            parser.error(f"somebody listens on port {chosen.port} already: choose another with --port")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with tempfile.TemporaryDirectory(prefix="eventlatch-airflow-") as folder:
        home = Path(folder)
        brokers = os.environ.get("EVENTLATCH_KAFKA_BROKERS")
        if brokers is None:
            say("starting Kafka")
            brokers = Kafka(home / "kafka").address
        say("starting Airflow, which takes a minute")
        port = free_port()
        airflow = Airflow(home / "airflow", sys.executable, Path(__file__).parent / "dags", port, port=chosen.port)
        service = Service(home / "eventlatch", airflow.configuration(brokers), port)
        run = f"example_{int(time.time())}"
        airflow.trigger(DAG, run)
        wait_until(airflow, run, "my_consumer", "deferred")
        login = "no login" if airflow.is_3 else f"admin, {airflow.password()}"
        say(f"\nAirflow {airflow.version}: {airflow.url}/dags/{DAG} ({login})")
        say(f"Kafka: {brokers}; eventlatch: {service.url}")
        say(f"\n{run} waits, and no worker is held")
        show(airflow, run)
        send_one_by_one(airflow, service, run)
        if not chosen.once:
            say("\nCtrl-C ends it")
            signal.pause()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
