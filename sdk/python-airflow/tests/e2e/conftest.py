"""A real Kafka, a real Airflow of each version and the service that marks its tasks.

They are the processes of ``examples/airflow/stack.py``. The Pythons with Airflow in them are those of ``make test-airflow``,
``target/airflow3`` and ``target/airflow2``; ``EVENTLATCH_AIRFLOW3`` and ``EVENTLATCH_AIRFLOW2`` name others.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve().parent
EXAMPLE = HERE.parents[3] / "examples/airflow"
sys.path.insert(0, str(EXAMPLE))

from stack import Airflow, Kafka, NotYet, Service, free_port, python_of, wait_for  # noqa: E402

#: How long something may take that is to happen soon, in seconds, on a machine with much to do.
SOON = 90


@dataclass
class World:
    """All of it."""

    airflow: Airflow
    service: Service
    _numbers: Iterator[int] = field(default_factory=lambda: iter(range(1000)))

    def start(self, dag: str, name: str | None = None, **fields: Any) -> Run:
        """Starts a run that waits for jobs of a name, by default its own."""
        run_id = f"test:{dag}+{next(self._numbers)}"
        run = Run(self, dag, run_id, name or run_id)
        self.airflow.trigger(dag, run.id, conf={"name": run.name}, **fields)
        return run

    def send(self, *jobs: str) -> list[str]:
        """Says that jobs have finished, and where these messages are."""
        return [self.service.send("job-finish", {"job_name": job, "is_success": True}) for job in jobs]


@dataclass
class Run:
    """A run of a DAG."""

    world: World
    dag: str
    id: str
    name: str

    def send(self, letters: str) -> list[str]:
        """Sends the messages of some of its tasks."""
        return self.world.send(*(f"{self.name}-{letter}" for letter in letters))

    def states(self) -> dict[str, str | None]:
        return self.world.airflow.states(self.dag, self.id)

    def note(self, task: str) -> str:
        return self.world.airflow.tasks(self.dag, self.id)[task]["note"] or ""

    def expect(self, seconds: float = SOON, **wanted: str | None) -> dict[str, str | None]:
        """Waits until tasks have the states that are wanted, ``none`` for no state; tells the states of all."""
        tasks = {task: None if state == "none" else state for task, state in wanted.items()}

        def ask() -> dict[str, str | None]:
            states = self.states()
            if not tasks.items() <= states.items():
                raise NotYet(str(states))
            return states

        return wait_for(f"{self.dag} {self.id} to be {tasks}", seconds, ask)

    def expect_end(self, state: str) -> None:
        def ask() -> None:
            now = self.world.airflow.run(self.dag, self.id)["state"]
            if now != state:
                raise NotYet(f"{now}: {self.states()}")

        wait_for(f"{self.dag} {self.id} to be {state}", SOON, ask)


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kafka]:
    kafka = Kafka(tmp_path_factory.mktemp("kafka") / "broker")
    yield kafka
    kafka.process.stop()


Make = Callable[[str], World]


@pytest.fixture(scope="module")
def make_world(kafka: Kafka, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Make]:
    """Makes a world with an Airflow of a version. One at a time is enough for a small machine."""
    made: list[World] = []

    def make(major: str) -> World:
        python = os.environ.get(f"EVENTLATCH_AIRFLOW{major}", python_of(f"airflow{major}"))
        if not Path(python).exists():
            pytest.fail(f"{python} is missing: run `make test-airflow`, or set EVENTLATCH_AIRFLOW{major}")
        home = tmp_path_factory.mktemp(f"airflow{major}")
        dags = home / "dags"
        shutil.copytree(HERE / "dags", dags)
        shutil.copytree(EXAMPLE / "dags", dags, dirs_exist_ok=True)
        port = free_port()
        airflow = Airflow(home / "airflow", python, dags, port)
        service = Service(home / "eventlatch", airflow.configuration(kafka.address, group=f"airflow{major}"), port)
        made.append(World(airflow, service))
        return made[-1]

    yield make
    for world in made:
        world.service.process.stop()
        world.airflow.process.stop()
