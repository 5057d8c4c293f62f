"""One connection to the service for all tasks that wait in a process.

A :class:`Follower` reads the service's stream of changes and looks at a wait when there is reason to: it is new here, the
stream says that it settled, or the stream was away and may have missed it. So an event that is lost costs a look and loses
nothing, and nothing has to be remembered over a restart of either side.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any
from weakref import WeakKeyDictionary

import httpx
from asgiref.sync import sync_to_async
from httpx_sse import EventSource, aconnect_sse

from eventlatch_airflow.api import Endpoint, ServiceAwayError, ServiceError, Wait, checked, is_settled, wait_path
from eventlatch_airflow.hooks import EventLatchHook

log = logging.getLogger(__name__)

#: Sensor and wait.
Key = tuple[str, str]

#: The service sends a comment every 15 s; after so many seconds without one the connection is dead.
SILENCE = 45.0

#: The first pause before the service is tried again, in seconds; each is twice the one before.
FIRST_PAUSE = 0.5

#: The longest pause before the service is tried again, in seconds.
LONGEST_PAUSE = 30.0

#: From so many waits on they are looked at in pages.
MANY = 20


class Follower:
    """Follows one service for whoever waits in this event loop.

    :param endpoint: says where the service is; asked before each connection, as a token may have changed
    """

    def __init__(self, endpoint: Callable[[], Awaitable[Endpoint]]) -> None:
        self._endpoint = endpoint
        self._waiting: dict[Key, list[asyncio.Future[Wait]]] = {}
        #: To be looked at.
        self._doubtful: set[Key] = set()
        self._doubt = asyncio.Event()
        self._pause = FIRST_PAUSE
        self._task: asyncio.Task[None] | None = None

    async def settled(self, sensor: str, wait: str) -> Wait:
        """The wait, when it has settled.

        :raises ServiceError: the service does not know it, or refuses
        """
        key = (sensor, wait)
        future: asyncio.Future[Wait] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(key, []).append(future)
        self._suspect({key})
        if self._task is None:
            self._task = asyncio.create_task(self._run())
        try:
            return await future
        finally:
            self._leave(key, future)

    def _leave(self, key: Key, future: asyncio.Future[Wait]) -> None:
        others = self._waiting[key]
        others.remove(future)
        if not others:
            del self._waiting[key]
            self._doubtful.discard(key)
        if not self._waiting and self._task is not None:
            self._task.cancel()
            self._task = None

    def _suspect(self, keys: set[Key]) -> None:
        self._doubtful |= keys
        self._doubt.set()

    async def _run(self) -> None:
        while True:
            try:
                await self._follow()
            except (httpx.HTTPError, ServiceAwayError, ServiceError) as error:
                log.warning("eventlatch is away (%s); %d waits are looked at when it is back", error, len(self._waiting))
            except Exception:
                log.exception("The connection to eventlatch failed; it is tried again")
            await asyncio.sleep(self._pause)
            self._pause = min(2 * self._pause, LONGEST_PAUSE)

    async def _follow(self) -> None:
        """Until the stream ends."""
        endpoint = await self._endpoint()
        # Read once, as it takes a while: each client would read the system's certificates again.
        options = {**endpoint.options(), "verify": httpx.create_ssl_context(verify=endpoint.verify)}
        async with (
            httpx.AsyncClient(**options) as client,
            aconnect_sse(client, "GET", "/v1/changes", timeout=SILENCE) as stream,
        ):
            if not stream.response.is_success:
                await stream.response.aread()
            checked(stream.response)
            self._pause = FIRST_PAUSE
            self._suspect(set(self._waiting))
            await first_of(self._hear(stream), self._look_for_ever(options))

    async def _hear(self, stream: EventSource) -> None:
        async for change in stream.aiter_sse():
            if change.event == "lagged":
                self._suspect(set(self._waiting))
            elif change.event == "wait-settled":
                settled = change.json()
                self._suspect({(settled["sensor"], settled["wait"])} & self._waiting.keys())

    async def _look_for_ever(self, options: dict[str, Any]) -> None:
        while True:
            await self._doubt.wait()
            self._doubt.clear()
            # A connection of its own, as long as there is something to look at: httpx closes none that is idle.
            async with httpx.AsyncClient(**options) as client:
                while self._doubtful:
                    await self._look_at_all(client)

    async def _look_at_all(self, client: httpx.AsyncClient) -> None:
        keys, self._doubtful = self._doubtful, set()
        try:
            if len(keys) > MANY:
                keys -= await self._still_waiting(client)
            for key in sorted(keys):
                await self._look(client, key)
                keys.discard(key)
        except BaseException:
            self._doubtful |= keys
            raise

    async def _still_waiting(self, client: httpx.AsyncClient) -> set[Key]:
        """All waits of the service that have not ended."""
        found: set[Key] = set()
        before = None
        while True:
            wished: dict[str, str | int] = {"state": "waiting", "limit": 1000, **({"before": before} if before else {})}
            page = checked(await client.get("/v1/waits", params=wished)).json()
            found |= {(wait["sensor"], wait["name"]) for wait in page["waits"]}
            before = page.get("next_before")
            if before is None:
                return found

    async def _look(self, client: httpx.AsyncClient, key: Key) -> None:
        try:
            wait: Wait = checked(await client.get(wait_path(*key))).json()
        except ServiceError as error:
            if error.status != 404:
                raise
            for future in self._open_futures(key):
                future.set_exception(error)
            return
        if is_settled(wait):
            for future in self._open_futures(key):
                future.set_result(wait)

    def _open_futures(self, key: Key) -> list[asyncio.Future[Wait]]:
        return [future for future in self._waiting.get(key, []) if not future.done()]


async def first_of(*coroutines: Coroutine[Any, Any, None]) -> None:
    """Runs them beside each other until one ends, and ends the others."""
    tasks = [asyncio.create_task(coroutine) for coroutine in coroutines]
    try:
        ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in ended:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


_followers: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, Follower]] = WeakKeyDictionary()


def follower(eventlatch_conn_id: str) -> Follower:
    """The one that all share who wait in this event loop for the service of a connection."""
    followers = _followers.setdefault(asyncio.get_running_loop(), {})
    if eventlatch_conn_id not in followers:
        followers[eventlatch_conn_id] = Follower(sync_to_async(EventLatchHook(eventlatch_conn_id).endpoint))
    return followers[eventlatch_conn_id]
