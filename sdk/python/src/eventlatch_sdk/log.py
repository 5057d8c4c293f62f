"""Lines for the service's log, under the matcher's name.

The volume is limited by the service; what is over is dropped. Log what an operator can act on, not every message: a
message that is malformed is better told as a :class:`Reject`. Outside a component, as in tests, these functions do
nothing. What is printed goes to the log too: standard error as warnings, standard output as information.
"""

from __future__ import annotations

from collections.abc import Callable


def _nowhere(level: str, text: str) -> None:
    """There is no log outside a component."""


_write: Callable[[str, str], None] = _nowhere


def debug(text: str) -> None:
    """Writes a line that only someone who debugs a matcher wants to see."""
    _write("DEBUG", text)


def info(text: str) -> None:
    """Writes a line that tells what happens in the normal course of things."""
    _write("INFO", text)


def warn(text: str) -> None:
    """Writes a line about something that may be wrong."""
    _write("WARN", text)


def error(text: str) -> None:
    """Writes a line about something that is wrong."""
    _write("ERROR", text)


def connect(write: Callable[[str, str], None]) -> None:
    """Says where lines go; for the part of the SDK that runs in a component."""
    global _write
    _write = write
