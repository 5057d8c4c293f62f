"""What hundreds of open waits cost Airflow and the service: 50 runs of a DAG with 10 gates, by default.

``python benches/many_waits.py [RUNS]``, with a Python that has Airflow and this package, after ``make kafka``.
Prints what Airflow itself says of tasks, slots and triggers, and what a relay in front of the service has counted.
"""

from __future__ import annotations

import asyncio
import json
import re
import sqlite3
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[2] / "examples/airflow"))

from stack import Airflow, Kafka, NotYet, Service, free_port, wait_for  # noqa: E402

GATES = 10


class Relay:
    """Hands TCP connections on to the service, and counts them and the requests on them."""

    def __init__(self, to: int) -> None:
        self.port, self._to = free_port(), to
        self.open, self.requests = 0, 0
        threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True).start()

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._relay, "127.0.0.1", self.port)
        await server.serve_forever()

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        try:
            back, there = await asyncio.open_connection("127.0.0.1", self._to)
            await asyncio.gather(self._pass(reader, there, count=True), self._pass(back, writer, count=False))
        except OSError:
            writer.close()
        finally:
            self.open -= 1

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, count: bool) -> None:
        while data := await reader.read(65536):
            if count:
                self.requests += len(re.findall(rb"(?m)^[A-Z]+ /\S* HTTP/1\.1\r$", data))
            writer.write(data)
            await writer.drain()
        writer.close()


def cpu_seconds(process: int) -> float:
    """The CPU time of a process."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def say(what: str, value: Any) -> None:
    print(f"{what:<58} {value}", flush=True)  # noqa: T201


def main(runs: int) -> None:
    with tempfile.TemporaryDirectory(prefix="eventlatch-many-") as folder:
        home = Path(folder)
        kafka, port = Kafka(home / "kafka"), free_port()
        service = Service(home / "eventlatch", f'[kafka]\nbrokers = "{kafka.address}"\n', port)
        relay = Relay(port)
        variables = {"AIRFLOW__CORE__PARALLELISM": "4", "AIRFLOW__TRIGGERER__CAPACITY": "1000"}
        airflow = Airflow(home / "airflow", sys.executable, HERE / "dags", relay.port, variables)
        measure(airflow, service, relay, runs)
        service.process.stop()
        airflow.process.stop()


def measure(airflow: Airflow, service: Service, relay: Relay, runs: int) -> None:
    def count(state: str) -> int:
        return int(airflow.ask("GET", "/dags/~/dagRuns/~/taskInstances", params={"state": state, "limit": 1})["total_entries"])

    def all_are(state: str) -> None:
        if count(state) != runs * GATES:
            raise NotYet(f"{count(state)} are {state}, {count('failed')} failed")

    # Queued while the DAG is paused: a scheduler that is at work and this here are in each other's way in SQLite.
    for number in range(runs):
        airflow.trigger("many", f"run-{number}")
    began = time.monotonic()
    airflow.ask("PATCH", "/dags/many", json={"is_paused": False})
    wait_for("all gates to wait", 3600, lambda: all_are("deferred"), pause=3)
    say("Airflow", airflow.version)
    say("seconds until all waited", f"{time.monotonic() - began:.0f}")
    pool = airflow.ask("GET", "/pools/default_pool")
    say("tasks deferred / running / queued", f"{count('deferred')} / {count('running')} / {count('queued')}")
    say("pool slots", json.dumps({key: pool[key] for key in pool if key.endswith("slots")}))
    with sqlite3.connect(f"file:{airflow.home / 'airflow.db'}?mode=ro", uri=True) as database:
        triggers = database.execute("select triggerer_id, count(*) from trigger group by 1").fetchall()
    say("triggers by triggerer", dict(triggers))
    say("waits open with the service", len(service.get("/v1/waits", state="waiting", limit=1000)["waits"]))
    say("requests until all waited", f"{relay.requests}, {relay.requests / runs / GATES:.1f} a wait")

    def settled() -> None:
        if relay.open != 1:
            raise NotYet(f"{relay.open} connections")

    wait_for("one connection", 60, settled)
    before, cpu = relay.requests, cpu_seconds(service.process.pid)
    time.sleep(120)
    say("connections to the service while all wait", relay.open)
    say("requests in 120 s while all wait", relay.requests - before)
    say("CPU seconds of the service in these 120 s", f"{cpu_seconds(service.process.pid) - cpu:.2f}")

    before, began = relay.requests, time.monotonic()
    for number in range(GATES):
        service.send("job-finish", {"job_name": f"many-{number}", "is_success": True})
    ended = wait_for("all waits to end", 60, lambda: none_waits(service))
    say("seconds until all waits had ended", f"{ended - began:.1f}")
    wait_for("all gates to end", 3600, lambda: all_are("success"), pause=3)
    say("seconds until all gates had ended", f"{time.monotonic() - began:.0f}")
    say("requests for that", f"{relay.requests - before}, {(relay.requests - before) / runs / GATES:.1f} a wait")


def none_waits(service: Service) -> float:
    if service.get("/v1/waits", state="waiting", limit=1)["waits"]:
        raise NotYet("some wait")
    return time.monotonic()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 50)
