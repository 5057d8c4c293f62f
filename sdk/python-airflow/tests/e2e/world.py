"""A real Kafka, a real Airflow, the service that marks its tasks, and runs of DAGs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

from stack import Airflow, NotYet, Service, wait_for

T = TypeVar("T")

#: How long something may take that is to happen soon, in seconds, on a machine with much to do.
SOON = 180


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

    def expect_note(self, task: str, text: str) -> str:
        """Waits until the note at a task has a text, and tells the note. Airflow 2 is told the note after the state."""

        def ask() -> str:
            note: str = self.world.airflow.tasks(self.dag, self.id)[task]["note"] or ""
            if text not in note:
                raise NotYet(f"the note is {note!r}")
            return note

        return self._wait_for(f"{text!r} in the note at {task}", SOON, ask)

    def expect(self, seconds: float = SOON, **wanted: str | None) -> dict[str, str | None]:
        """Waits until tasks have the states that are wanted, ``none`` for no state; tells the states of all."""
        tasks = {task: None if state == "none" else state for task, state in wanted.items()}

        def ask() -> dict[str, str | None]:
            states = self.states()
            if not tasks.items() <= states.items():
                raise NotYet(str(states))
            return states

        return self._wait_for(f"{self.dag} {self.id} to be {tasks}", seconds, ask)

    def expect_end(self, state: str) -> None:
        def ask() -> None:
            now = self.world.airflow.run(self.dag, self.id)["state"]
            if now != state:
                raise NotYet(f"{now}: {self.states()}")

        self._wait_for(f"{self.dag} {self.id} to be {state}", SOON, ask)

    def _wait_for(self, what: str, seconds: float, ask: Callable[[], T]) -> T:
        try:
            return wait_for(what, seconds, ask)
        except TimeoutError as error:
            raise TimeoutError("\n".join([str(error), *self._told()])) from error

    def _told(self) -> Iterator[str]:
        """What Airflow wrote about this run: its folder goes when the tests are over."""
        home = self.world.airflow.home
        for log in sorted((home / "logs" / f"dag_id={self.dag}" / f"run_id={self.id}").rglob("*.log")):
            yield f"== {log.relative_to(home)}\n{log.read_text(errors='replace')}"
        lines = (home / "standalone.log").read_text(errors="replace").splitlines()
        of_run = (line for line in lines if self.id in line and "http.access" not in line)
        yield "\n".join(["== standalone.log", *of_run])
