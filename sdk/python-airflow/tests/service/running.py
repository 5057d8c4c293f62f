"""The real service, which reads its messages from a pipe: no Kafka, no Airflow around the tasks."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import httpx
from stack import COMPILED, NotYet, binary, free_port, wait_for

from eventlatch_airflow.api import Endpoint, Service


class Running:
    """A service that can be fed, stopped and started again."""

    def __init__(self, home: Path) -> None:
        self.home, self.port = home, free_port()
        (home / "sensors").mkdir()
        (home / "eventlatch.toml").write_text(f'[api]\nlisten = "127.0.0.1:{self.port}"\ntoken = "file:token"\n')
        (home / "token").write_text("secret")
        self.endpoint = Endpoint(f"http://127.0.0.1:{self.port}", "secret")
        self.service = Service(self.endpoint, patience=20)
        self.start()

    def start(self) -> None:
        with (self.home / "log").open("a") as log:
            command = [binary(), "run", "--input", "-"]
            self._child = subprocess.Popen(
                command, cwd=self.home, env={**os.environ, **COMPILED}, stdin=subprocess.PIPE, stdout=log, stderr=log
            )
        wait_for("the service", 180, self._ready)

    def _ready(self) -> None:
        if self._child.poll() is not None:
            raise RuntimeError((self.home / "log").read_text())
        answer = httpx.get(f"{self.endpoint.url}/readyz")
        if not answer.is_success:
            raise NotYet(answer.text)

    def stop(self) -> None:
        self._child.send_signal(signal.SIGKILL)
        self._child.wait()

    def finish(self, job: str) -> None:
        """The message that a job has finished."""
        message = {"topic": "job-finish", "value": {"job_name": job, "is_success": True, "timestamp": int(time.time())}}
        assert self._child.stdin is not None
        self._child.stdin.write(json.dumps(message).encode() + b"\n")
        self._child.stdin.flush()

    def connections(self) -> int:
        """How many TCP connections to it are open, seen from its side."""
        local = f"0100007F:{self.port:04X}"
        lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
        return sum(line.split()[1] == local and line.split()[3] == "01" for line in lines)


def wants(*jobs: str) -> dict[str, Any]:
    """The definition of a sensor that wants jobs to finish."""
    return {"wanted": [{"frequency": "D", "topic": "job-finish", "job_name": job, "task_id": job} for job in jobs]}
