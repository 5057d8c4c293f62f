"""The HTTP API of the service, as far as it is needed here. Knows nothing of Airflow but its exceptions.

:class:`Endpoint` says where the service is; :class:`Service` asks it, in step with whoever calls. The routes and what they
answer are described in ``docs/api.md`` of eventlatch.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypedDict, cast
from urllib.parse import quote

import httpx
import tenacity

from eventlatch_airflow.compat import AirflowException

#: So long a request that asks nothing to be waited for may take, in seconds.
TIMEOUT = 30.0

#: So long a service that does not answer is asked again before a task gives up, in seconds. A restart is shorter.
PATIENCE = 90.0


class Task(TypedDict, total=False):
    """How a task of a wait stands: ``TaskDetail`` of the API."""

    task_id: str
    state: str
    at: str | None
    message: str | None
    marked: str | None


class Wait(TypedDict, total=False):
    """A wait: ``WaitDetail`` of the API."""

    sensor: str
    name: str
    state: str
    settled: bool
    business_date: str
    opened_at: str
    ended_at: str | None
    deadline: str | None
    tasks: list[Task]


class ServiceError(AirflowException):
    """The service said no. The text is what its problem document says."""

    def __init__(self, status: int, kind: str, detail: str) -> None:
        super().__init__(f"eventlatch: {detail}")
        self.status = status
        self.kind = kind


class ServiceAwayError(AirflowException):
    """The service does not answer, or not now."""


@dataclass(frozen=True)
class Endpoint:
    """Where the service is, and how one may ask it."""

    url: str
    token: str | None = field(default=None, repr=False)
    verify: bool | str = True

    def options(self) -> dict[str, Any]:
        """What an ``httpx`` client is made with."""
        bearer = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        return {"base_url": self.url, "headers": bearer, "verify": self.verify, "timeout": TIMEOUT}


def wait_path(sensor: str, wait: str) -> str:
    """The path of a wait. Names hold whatever a run id holds."""
    return f"{waits_path(sensor)}/{quote(wait, safe='')}"


def waits_path(sensor: str) -> str:
    """The path of the waits of a sensor."""
    return f"{sensor_path(sensor)}/waits"


def sensor_path(sensor: str) -> str:
    """The path of a sensor."""
    return f"/v1/sensors/{quote(sensor, safe='')}"


def checked(answer: httpx.Response) -> httpx.Response:
    """The answer, if it is one.

    :raises ServiceAwayError: for 429 and 5xx, which may be otherwise in a while
    :raises ServiceError: for what stays as it is
    """
    if answer.is_success:
        return answer
    try:
        problem = answer.json()
        detail, kind = str(problem["detail"]), str(problem["type"]).rpartition(":")[2]
        detail = "; ".join([detail, *(f"{it['place']}: {it['message']}" for it in problem.get("problems", []))])
    except (ValueError, KeyError, TypeError):
        detail, kind = f"{answer.request.url} answered {answer.status_code}", "unknown"
    if answer.status_code == 429 or answer.status_code >= 500:
        raise ServiceAwayError(f"eventlatch: {detail}")
    raise ServiceError(answer.status_code, kind, detail)


def is_settled(wait: Wait) -> bool:
    """Whether it has ended and everything of it was told to Airflow."""
    return wait["state"] != "waiting" and wait.get("settled", True)


class Service:
    """The service, asked by a task: what fails for now is tried again for :data:`PATIENCE` seconds."""

    def __init__(self, endpoint: Endpoint, patience: float = PATIENCE) -> None:
        self._endpoint = endpoint
        self._patience = patience

    def define(self, sensor: str, definition: dict[str, Any]) -> None:
        """Defines a sensor; the same again changes nothing."""
        self._ask("PUT", sensor_path(sensor), json=definition)

    def retire(self, sensor: str) -> None:
        """Retires a sensor of the API, if there is one."""
        self._ask("DELETE", sensor_path(sensor), absent=True)

    def open(self, sensor: str, request: dict[str, Any]) -> Wait:
        """Opens a wait, or finds the one of its name: an answer may have been lost on the way."""
        try:
            answer = self._ask("POST", waits_path(sensor), json=request)
        except ServiceError as error:
            if error.kind != "wait-exists":
                raise
            return cast(Wait, self._ask("GET", wait_path(sensor, request["name"])))
        return cast(Wait, answer)

    def wait(self, sensor: str, wait: str, until_settled: int = 0) -> Wait | None:
        """A wait as it stands, or ``None``: there is none. Answers when it has settled, or after so many seconds."""
        long = {"params": {"wait_until_settled": until_settled}, "timeout": until_settled + TIMEOUT}
        answer = self._ask("GET", wait_path(sensor, wait), absent=True, **(long if until_settled else {}))
        return cast(Wait | None, answer)

    def waits(self, sensor: str) -> list[Wait]:
        """The newest hundred waits of a sensor, the newest first."""
        answer = self._ask("GET", waits_path(sensor), absent=True)
        return cast(list[Wait], answer["waits"] if answer else [])

    def cancel(self, sensor: str, wait: str, reason: str) -> None:
        """Cancels a wait, if there is one that has not ended."""
        self._ask("DELETE", wait_path(sensor, wait), absent=True, params={"reason": reason})

    def explain(self, sensor: str, wait: str) -> dict[str, Any]:
        """Why it still waits, or what was missing when it ended."""
        return cast(dict[str, Any], self._ask("GET", f"{sensor_path(sensor)}/explain", params={"wait": wait}))

    def count_sensors(self) -> int:
        """How many sensors there are, at most a thousand."""
        return len(self._ask("GET", "/v1/sensors", params={"limit": 1000})["sensors"])

    def _ask(self, method: str, path: str, *, absent: bool = False, **options: Any) -> Any:
        """``None`` where nothing is answered, or nothing is there and may be ``absent``."""
        again = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(ServiceAwayError),
            wait=tenacity.wait_exponential_jitter(initial=0.2, max=5),
            stop=tenacity.stop_after_delay(self._patience),
            reraise=True,
        )
        try:
            answer = again(self._ask_once, method, path, **options)
        except ServiceError as error:
            if absent and error.status == 404:
                return None
            raise
        return answer.json() if answer.content else None

    def _ask_once(self, method: str, path: str, **options: Any) -> httpx.Response:
        try:
            with httpx.Client(**self._endpoint.options()) as client:
                return checked(client.request(method, path, **options))
        except httpx.TransportError as error:
            raise ServiceAwayError(f"eventlatch at {self._endpoint.url} does not answer: {error}") from error
