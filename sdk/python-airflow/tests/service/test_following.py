import asyncio
from collections.abc import Awaitable

import pytest
from running import Running, wants
from stack import NotYet

from eventlatch_airflow import following
from eventlatch_airflow.api import Endpoint, ServiceError, Wait
from eventlatch_airflow.following import Follower


def follower(running: Running) -> Follower:
    async def endpoint() -> Endpoint:
        return running.endpoint

    return Follower(endpoint)


async def eventually(what: str, condition: object) -> None:
    """Asks until it is true, beside what else runs in the loop."""
    for _ in range(600):
        if condition():  # type: ignore[operator]
            return
        await asyncio.sleep(0.05)
    raise NotYet(what)


def opened(running: Running, *jobs: str) -> None:
    for job in jobs:
        running.service.define(job, wants(job))
        running.service.open(job, {"name": "run"})


async def soon(wait: Awaitable[Wait]) -> Wait:
    return await asyncio.wait_for(wait, 30)


def test_many_waits_share_one_connection(running: Running) -> None:
    jobs = [f"job{number}" for number in range(60)]
    opened(running, *jobs)

    async def play() -> None:
        follows = follower(running)
        waits = {job: asyncio.create_task(follows.settled(job, "run")) for job in jobs}
        await eventually("one connection", lambda: running.connections() == 1)
        running.finish("job7")
        assert (await soon(waits["job7"]))["state"] == "complete"
        await eventually("one connection again", lambda: running.connections() == 1)
        assert sum(wait.done() for wait in waits.values()) == 1
        for wait in waits.values():
            wait.cancel()
        await eventually("no connection when nobody waits", lambda: running.connections() == 0)

    asyncio.run(play())


def test_what_ends_while_the_service_is_away_is_not_missed(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "LONGEST_PAUSE", 0.5)
    opened(running, "one", "other")

    async def play() -> None:
        follows = follower(running)
        one, other = (asyncio.create_task(follows.settled(job, "run")) for job in ("one", "other"))
        await eventually("it follows", lambda: running.connections() >= 1)
        running.stop()
        running.start()
        running.finish("one")
        assert (await soon(one))["state"] == "complete"
        running.finish("other")
        assert (await soon(other))["state"] == "complete"

    asyncio.run(play())


def test_one_who_comes_when_it_is_over_is_told_at_once(running: Running) -> None:
    opened(running, "job")
    running.finish("job")
    running.service.wait("job", "run", until_settled=30)

    async def play() -> None:
        follows = follower(running)
        one, other = await asyncio.gather(soon(follows.settled("job", "run")), soon(follows.settled("job", "run")))
        assert one == other

    asyncio.run(play())


def test_a_wait_that_is_not_there_is_told(running: Running) -> None:
    async def play() -> None:
        with pytest.raises(ServiceError, match="has no wait"):
            await soon(follower(running).settled("no", "thing"))

    asyncio.run(play())
