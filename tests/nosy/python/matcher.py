"""A guest that tries what a message tells it to. Its key is what came of it."""

import os
import random
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from eventlatch_sdk import Envelope, Key, Matcher, Reject, key, log

calls = 0


@dataclass
class Wanted:
    act: str


@dataclass
class Message:
    act: str


def sleep() -> str:
    time.sleep(3600)
    return "slept"


def read() -> str:
    with open("/etc/passwd") as file:
        return file.read()


def write() -> str:
    with open("/tmp/nosy", "w") as file:
        return str(file.write("here"))


def connect() -> str:
    import socket

    return str(socket.create_connection(("127.0.0.1", 9092)))


def run() -> str:
    import subprocess

    return str(subprocess.run(["ls"], capture_output=True))


def loop() -> str:
    while True:
        pass


def hoard() -> str:
    held = []
    while True:
        held.append(bytearray(1 << 20))


def recurse() -> str:
    return recurse()


def leave() -> str:
    os._exit(1)


def fail() -> str:
    raise KeyError("what the matcher's author forgot")


def reject() -> str:
    raise Reject("not today")


def count() -> str:
    global calls
    calls += 1
    return str(calls)


def say() -> str:
    print("on standard output")
    print("on standard error", file=sys.stderr)
    log.info("in the log")
    return "said"


ACTS: dict[str, Callable[[], str]] = {
    "sleep": sleep,
    "read": read,
    "write": write,
    "connect": connect,
    "run": run,
    "loop": loop,
    "hoard": hoard,
    "recurse": recurse,
    "leave": leave,
    "fail": fail,
    "reject": reject,
    "count": count,
    "say": say,
    "clock": lambda: str(time.time()),
    "random": lambda: f"{random.random()} {random.SystemRandom().random()}",
    "environment": lambda: str(dict(os.environ)),
}

#: What the operating system says no to, as opposed to mistakes of this guest.
REFUSALS = (OSError, ImportError, RecursionError, NotImplementedError)


class Nosy(Matcher[Wanted, Message]):
    name = "nosy"
    summary = "tries what a message tells it to"
    topics = ("nosy",)

    def prepare(self, wanted: Wanted, on: date) -> Key:
        return key(wanted.act)

    def extract(self, message: Message, envelope: Envelope) -> Key:
        try:
            return key(ACTS[message.act]())
        except REFUSALS as refusal:
            return key(f"{type(refusal).__name__}: {refusal}")
