"""Airflow 2: the same DAGs, the old API."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import scenes
from world import World


@pytest.fixture(scope="module")
def world(make_world: Callable[[str], World]) -> World:
    return make_world("2")


def test_the_example_turns_green_message_by_message(world: World) -> None:
    scenes.the_example_turns_green_message_by_message(world)


def test_a_deadline_fails_what_is_missing(world: World) -> None:
    scenes.a_deadline_fails_what_is_missing(world)


def test_a_deadline_skips_what_is_missing(world: World) -> None:
    scenes.a_deadline_skips_what_is_missing(world)


def test_reschedules(world: World) -> None:
    run = world.start("reschedules")
    run.expect(gate="up_for_reschedule")
    run.send("abc")
    run.expect_end("success")
