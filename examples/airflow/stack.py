"""Kafka, Airflow and eventlatch as processes on one machine: for the example, and for the package's end-to-end tests.

Everything listens on loopback, on ports that are free, keeps its files in a folder of its own, and ends with this process.
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import httpx
import psutil

ROOT = Path(__file__).resolve().parents[2]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))

T = TypeVar("T")


class NotYet(Exception):
    """What is waited for is not there; the text says what is instead."""


def wait_for(what: str, seconds: float, ask: Callable[[], T], pause: float = 0.2) -> T:
    """Asks until nothing is raised that says *not yet*. When the time is over, the last state is told."""
    until = time.monotonic() + seconds
    while True:
        try:
            return ask()
        except (NotYet, httpx.HTTPError) as state:
            if time.monotonic() > until:
                raise TimeoutError(f"waited {seconds:g} s for {what}; last: {state!r}") from state
        time.sleep(pause)


_given: set[int] = set()


def free_port() -> int:
    """A port that nobody listens on, and no other call gets."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    if port in _given:  # and not bound yet
        return free_port()
    _given.add(port)
    return port


class Process:
    """A command that runs with all that it starts, until it is stopped or this process ends."""

    def __init__(self, command: list[str], log: Path, environment: dict[str, str] | None = None, cwd: Path | None = None):
        self.command, self.log, self.environment, self.cwd = command, log, environment or {}, cwd
        self.start()
        atexit.register(self.stop)

    def start(self) -> None:
        with self.log.open("a") as log:
            self._child = subprocess.Popen(
                self.command,
                env={**os.environ, **self.environment},
                cwd=self.cwd,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._child.pid

    def stop(self, by: signal.Signals = signal.SIGTERM, patience: float = 20) -> None:
        """Ends it, and what it has started: politely, and after a while for good."""
        for chosen in (by, signal.SIGKILL):
            with suppress(ProcessLookupError, subprocess.TimeoutExpired):
                os.killpg(self._child.pid, chosen)
                self._child.wait(patience)
        # Some of Airflow's processes leave the group, but none the session.
        for process in psutil.process_iter():
            with suppress(ProcessLookupError, PermissionError, psutil.NoSuchProcess):
                if os.getsid(process.pid) == self._child.pid:
                    process.kill()

    def check(self) -> None:
        """Raises an error if it has ended by itself."""
        if self._child.poll() is not None:
            end = "\n".join(self.log.read_text(errors="replace").splitlines()[-30:])
            raise RuntimeError(f"{self.command[0]} ended ({self._child.returncode}):\n{end}")


class Kafka:
    """A broker on one node, from the jars of ``make kafka``."""

    def __init__(self, home: Path) -> None:
        home.mkdir(parents=True)
        port, controller = free_port(), free_port()
        self.address = f"127.0.0.1:{port}"
        settings = home / "server.properties"
        settings.write_text(
            f"""\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={home / "data"}
num.partitions=2
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
log.cleaner.dedupe.buffer.size=4194304
"""
        )
        java = ["java", "-Xmx320m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dlog4j2.disableJmx=true"]
        java += ["-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", f"{TARGET / 'kafka'}/*"]
        storage = ["kafka.tools.StorageTool", "format", "--cluster-id", "ZXZlbnRsYXRjaC1sYXB0b3", "--config", str(settings)]
        subprocess.run([*java, *storage], check=True, stdout=subprocess.DEVNULL)
        self.process = Process([*java, "kafka.Kafka", str(settings)], home / "kafka.log")
        wait_for("Kafka", 180, self._answers)

    def _answers(self) -> None:
        self.process.check()
        host, port = self.address.split(":")
        try:
            socket.create_connection((host, int(port)), 1).close()
        except OSError as error:
            raise NotYet(str(error)) from error


def binary() -> str:
    """``EVENTLATCH_BIN``, or what cargo has built last."""
    if chosen := os.environ.get("EVENTLATCH_BIN"):
        return chosen
    built = [path for kind in ("release", "debug") if (path := TARGET / kind / "eventlatch").exists()]
    if not built:
        raise SystemExit("eventlatch is not built: cargo build --release, or set EVENTLATCH_BIN")
    return str(max(built, key=lambda path: path.stat().st_mtime))


#: Matchers are compiled once for all services that are started here.
COMPILED = {"EVENTLATCH_MATCHERS_CACHE": str(TARGET / "tmp/compiled")}


class Service:
    """``eventlatch run``."""

    def __init__(self, home: Path, config: str, port: int = 0) -> None:
        (home / "sensors").mkdir(parents=True)
        (home / "eventlatch.toml").write_text(config)
        self.home, port = home, port or free_port()
        self.url = f"http://127.0.0.1:{port}"
        environment = {"EVENTLATCH_API_LISTEN": f"127.0.0.1:{port}", **COMPILED}
        self.process = Process([binary(), "run"], home / "service.log", environment, home)
        self.wait_until_ready()

    def wait_until_ready(self) -> None:
        wait_for("eventlatch", 180, self._ready)

    def _ready(self) -> None:
        self.process.check()
        answer = httpx.get(f"{self.url}/readyz")
        if answer.status_code != 200:
            raise NotYet(answer.text)

    def get(self, path: str, **params: Any) -> Any:
        answer = httpx.get(f"{self.url}{path}", params=params, timeout=30)
        answer.raise_for_status()
        return answer.json()

    def send(self, topic: str, message: dict[str, Any]) -> str:
        """Sends a message that happens now, and tells where it is."""
        value = json.dumps({"timestamp": int(time.time()), **message})
        return self._send(topic, value).split()[-1]

    def send_at(self, topic: str, messages: list[dict[str, Any]], then: datetime) -> None:
        """Sends messages that happened and arrived at another time."""
        lines = [
            {"topic": topic, "value": {**it, "timestamp": int(then.timestamp())}, "timestamp": then.isoformat()}
            for it in messages
        ]
        self._send("--lines", "-", input="\n".join(map(json.dumps, lines)))

    def _send(self, *arguments: str, **options: Any) -> str:
        command = [binary(), "send", *arguments]
        done = subprocess.run(command, cwd=self.home, capture_output=True, text=True, **options)
        if done.returncode:
            raise RuntimeError(done.stderr)
        return done.stdout


class Airflow:
    """``airflow standalone`` with SQLite, of the Python environment that is given. 2.11 and 3.x."""

    def __init__(
        self, home: Path, python: str, dags: Path, eventlatch: int, variables: dict[str, str] | None = None, port: int = 0
    ) -> None:
        home.mkdir(parents=True)
        self.home, self.python, self.port = home, python, port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        version = subprocess.run(
            [python, "-c", "import importlib.metadata as m; print(m.version('apache-airflow'))"],
            capture_output=True,
            text=True,
            check=True,
        )
        self.version = version.stdout.strip()
        self.is_3 = self.version.startswith("3.")
        connection = {"conn_type": "eventlatch", "host": "127.0.0.1", "port": eventlatch}
        common = {
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
            "AIRFLOW__CORE__PARALLELISM": "4",
            "AIRFLOW__SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "1",
            "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
            "PYTHONWARNINGS": "ignore",
            "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(free_port()),
            "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(free_port()),
            "AIRFLOW_CONN_EVENTLATCH_DEFAULT": json.dumps(connection),
            "PATH": f"{Path(python).parent}:{os.environ['PATH']}",
        }
        of_version = (
            {
                "AIRFLOW__API__HOST": "127.0.0.1",
                "AIRFLOW__API__PORT": str(self.port),
                "AIRFLOW__API__WORKERS": "1",
                "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{self.url}/execution/",
                "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
                "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "3",
                # So long a worker may take to notice that a task's process has ended; a deferred one comes back no sooner.
                "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": os.environ.get("AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL", "1"),
            }
            if self.is_3
            else {
                "AIRFLOW__WEBSERVER__WEB_SERVER_HOST": "127.0.0.1",
                "AIRFLOW__WEBSERVER__WEB_SERVER_PORT": str(self.port),
                "AIRFLOW__WEBSERVER__WORKERS": "1",
                "AIRFLOW__SCHEDULER__DAG_DIR_LIST_INTERVAL": "3",
                "AIRFLOW__API__AUTH_BACKENDS": "airflow.providers.fab.auth_manager.api.auth.backend.basic_auth,"
                "airflow.api.auth.backend.session",
            }
        )
        environment = {**common, **of_version, **(variables or {})}
        command = [python, "-m", "airflow", "standalone"]
        self.process = Process(command, home / "standalone.log", environment, home)
        self.wait_until_ready()

    def wait_until_ready(self) -> None:
        wait_for("Airflow", 400, self._ready)

    def _ready(self) -> None:
        self.process.check()
        path = "/api/v2/monitor/health" if self.is_3 else "/health"
        parts = httpx.get(f"{self.url}{path}", timeout=5).raise_for_status().json()
        down = [part for part in ("scheduler", "triggerer") if (parts.get(part) or {}).get("status") != "healthy"]
        if down:
            raise NotYet(f"not healthy: {down}")
        self._client = self._signed_in()

    def _signed_in(self) -> httpx.Client:
        if self.is_3:
            token = httpx.get(f"{self.url}/auth/token", timeout=10).raise_for_status().json()["access_token"]
            return httpx.Client(base_url=f"{self.url}/api/v2", headers={"Authorization": f"Bearer {token}"}, timeout=30)
        return httpx.Client(base_url=f"{self.url}/api/v1", auth=("admin", self.password()), timeout=30)

    def password(self) -> str:
        """That of ``admin``, which 2.x makes up."""
        try:
            return (self.home / "standalone_admin_password.txt").read_text().strip()
        except OSError as error:
            raise NotYet(str(error)) from error

    def start_again(self) -> None:
        """Starts it after it was killed."""
        for left in self.home.glob("*.pid"):
            left.unlink()
        self.process.start()
        self.wait_until_ready()

    def ask(self, method: str, path: str, **options: Any) -> Any:
        answer = self._client.request(method, path, **options)
        if answer.status_code == 404:
            raise NotYet(f"{answer.url} is not there")
        if answer.is_server_error:  # most often "database is locked"
            raise NotYet(f"{answer.url} answered {answer.status_code}: {answer.text}")
        if not answer.is_success:
            raise RuntimeError(f"{answer.url} answered {answer.status_code}: {answer.text}")
        return answer.json() if answer.content else None

    def trigger(self, dag: str, run: str, **fields: Any) -> None:
        """Starts a run, when the DAG is known."""
        logical = {"logical_date": None} if self.is_3 else {}
        wait_for(f"the DAG {dag}", 120, lambda: self.ask("GET", f"/dags/{dag}/tasks"))
        wished = {"dag_run_id": run, **logical, **fields}
        wait_for(f"{dag} {run} to start", 60, lambda: self.ask("POST", f"/dags/{dag}/dagRuns", json=wished))

    def run(self, dag: str, run: str) -> dict[str, Any]:
        answer: dict[str, Any] = self.ask("GET", f"/dags/{dag}/dagRuns/{quote(run, safe='')}")
        return answer

    def tasks(self, dag: str, run: str) -> dict[str, dict[str, Any]]:
        """The tasks of a run by their ids, mapped ones as ``ID[INDEX]``."""
        page = self.ask("GET", f"/dags/{dag}/dagRuns/{quote(run, safe='')}/taskInstances")
        name = lambda task: task["task_id"] if task["map_index"] < 0 else f"{task['task_id']}[{task['map_index']}]"  # noqa: E731
        return {name(task): task for task in page["task_instances"]}

    def states(self, dag: str, run: str) -> dict[str, str | None]:
        return {name: task["state"] for name, task in self.tasks(dag, run).items()}

    def clear(self, dag: str, run: str, tasks: list[str]) -> None:
        """Clears tasks with what is downstream of them."""
        wished = {"dry_run": False, "task_ids": tasks, "dag_run_id": run, "include_downstream": True, "only_failed": False}
        wished["reset_dag_runs"] = True
        wait_for("tasks to be cleared", 60, lambda: self.ask("POST", f"/dags/{dag}/clearTaskInstances", json=wished))

    def configuration(self, brokers: str, group: str = "eventlatch") -> str:
        """``eventlatch.toml`` of a service that marks tasks in here."""
        login = "" if self.is_3 else f'username = "admin"\npassword = "file:{self.home}/standalone_admin_password.txt"\n'
        return f"""\
[kafka]
brokers = "{brokers}"
group = "{group}"

[marking]
adapter = "airflow"

[marking.backoff]
limit_seconds = 5.0

[marking.airflow]
url = "{self.url}"
{login}"""


def python_of(folder: str) -> str:
    """The Python of an environment in the target directory."""
    return str(TARGET / folder / "bin" / "python")


if __name__ == "__main__":
    sys.exit("start `run` beside this file")
