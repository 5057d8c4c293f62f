"""Keys: what a message and a wanted message must have in common.

A key is a list of fields. Each field is written as a tag of its type, its length and its bytes, so that no list of
values can look like another one: ``("ab", "c")`` differs from ``("a", "bc")``, the text ``1`` from the number. The
bytes are those of the SDKs in other languages; ``sdk/vectors/keys.json`` holds all of them to it.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from eventlatch_sdk.time import EventTime

_ANY, _TEXT, _BOOLEAN, _INTEGER, _LARGE, _FLOAT = range(6)

_I64, _U64 = 1 << 63, 1 << 64

_HEAD = struct.Struct("<BI").pack
_WHOLE = struct.Struct("<BIq").pack
_LARGE_WHOLE = struct.Struct("<BIQ").pack
_DOUBLE = struct.Struct("<BId").pack


class Key:
    """A list of typed fields; a message is a candidate for a wanted message if they have an equal key.

    :func:`key` builds one in a line. A key never changes: each method returns a longer one.
    """

    __slots__ = ("_bytes",)

    def __init__(self, encoded: bytes = b"") -> None:
        self._bytes = encoded

    def text(self, value: str) -> Key:
        """Adds a text."""
        return Key(self._bytes + of_text(value))

    def boolean(self, value: bool) -> Key:
        """Adds a boolean."""
        return Key(self._bytes + of_boolean(value))

    def integer(self, value: int) -> Key:
        """Adds a whole number."""
        return Key(self._bytes + of_number(value))

    def number(self, value: int | float) -> Key:
        """Adds a number. Equal numbers are equal fields, however they were written: 1 and 1.0 are the same."""
        return Key(self._bytes + of_number(value))

    def any(self) -> Key:
        """Adds a field that stands for "any". It equals only itself: the message must carry a key with it too."""
        return Key(self._bytes + ANY)

    def at(self, time: EventTime) -> Extract:
        """This key, carried by a message that tells of something which happened at ``time``."""
        return Extract([self], time)

    def or_(self, other: Key) -> Extract:
        """This key and another one, both carried by a message."""
        return Extract([self, other])

    def __bytes__(self) -> bytes:
        return self._bytes

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Key) and self._bytes == other._bytes

    def __hash__(self) -> int:
        return hash(self._bytes)

    def __repr__(self) -> str:
        return f"Key({self._bytes!r})"


@dataclass(frozen=True, slots=True)
class Extract:
    """What a message is: its keys and its event time."""

    keys: list[Key] = field(default_factory=list)
    time: EventTime | None = None

    @classmethod
    def nothing(cls) -> Extract:
        """A message that nobody could want."""
        return cls()

    def or_(self, key: Key) -> Extract:
        """With another key."""
        return Extract([*self.keys, key], self.time)

    def at(self, time: EventTime) -> Extract:
        """With an event time."""
        return Extract(self.keys, time)


def key(*fields: str | bool | int | float) -> Key:
    """A key with the given fields, in order: texts, booleans and numbers."""
    return Key(b"".join(map(of_value, fields)))


def of_value(value: object) -> bytes:
    """A field of any type that a key can have."""
    if isinstance(value, str):
        return of_text(value)
    if isinstance(value, bool):
        return of_boolean(value)
    if isinstance(value, (int, float)):
        return of_number(value)
    raise TypeError(f"a key has texts, booleans and numbers, not {type(value).__name__}")


ANY = _HEAD(_ANY, 0)


def of_text(value: str) -> bytes:
    """The field of a text."""
    encoded = value.encode()
    return _HEAD(_TEXT, len(encoded)) + encoded


def of_boolean(value: bool) -> bytes:
    """The field of a boolean."""
    return _HEAD(_BOOLEAN, 1) + (b"\1" if value else b"\0")


def of_number(value: int | float) -> bytes:
    """The field of a number; one without a fraction is written as a whole number, as far as 64 bits go."""
    if isinstance(value, float):
        if not value.is_integer():
            return _DOUBLE(_FLOAT, 8, value)
        whole = int(value)
    else:
        whole = value
    if -_I64 <= whole < _I64:
        return _WHOLE(_INTEGER, 8, whole)
    if 0 <= whole < _U64:
        return _LARGE_WHOLE(_LARGE, 8, whole)
    return _DOUBLE(_FLOAT, 8, float(whole))
