"""JSON as the Rust SDK reads it: what one of them takes, the others take.

Python's reader is laxer: it knows ``NaN``, takes numbers without end, halves of surrogate pairs, and UTF-16.
"""

from __future__ import annotations

import json
import re
from math import isinf
from typing import NoReturn

from eventlatch_sdk.problem import Reject

#: How deep a document may nest; the outermost value counts.
_DEEPEST = 127

#: What is worth a second look: an escaped surrogate, a number longer than any double.
_SUSPICIOUS = re.compile(r"\\u[dD]|\d{300}")


def read(value: bytes) -> object:
    """The JSON value of a message; raises a :class:`Reject`."""
    try:
        return loads(value.decode())
    except ValueError as error:
        raise Reject(_reason(value, error)) from None


def read_object(value: bytes) -> dict[str, object]:
    """The JSON object of a message; raises a :class:`Reject`."""
    document = read(value)
    if not isinstance(document, dict):
        raise Reject("not a JSON object")
    return document


def loads(text: str) -> object:
    """The value of a JSON text; raises a :class:`ValueError`."""
    try:
        value: object = _DECODER.decode(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if text.count("[") + text.count("{") > _DEEPEST:
        _check_depth(value)
    if _SUSPICIOUS.search(text):
        _check_contents(value)
    return value


def dumps(value: object, *, sort_keys: bool = False) -> str:
    """A value as compact JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=sort_keys, allow_nan=False)


def kind_of(value: object) -> str:
    """What a JSON value is, for people."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, (int, float)):
        return "a number"
    if isinstance(value, str):
        return "text"
    return "a list" if isinstance(value, list) else "an object"


def _reason(value: bytes, error: ValueError) -> str:
    """Why a message that could not be read is malformed: the usual mistakes by name, else what the reader said."""
    if not value:
        return "empty message; expected a JSON object"
    if value[0] == 0 and len(value) >= 5:
        return (
            "begins with the magic byte of a schema registry (Avro, Protobuf or JSON Schema framing); "
            "have the producer write plain JSON, or write a matcher that decodes this format"
        )
    return f"not JSON: {error}"


def _float(text: str) -> float:
    value = float(text)
    if isinf(value):
        raise ValueError("number out of range")
    return value


def _constant(name: str) -> NoReturn:
    raise ValueError(f"`{name}` is not JSON")


_DECODER = json.JSONDecoder(parse_float=_float, parse_constant=_constant)


def _check_depth(value: object) -> None:
    open_now, depth = [value], 0
    while open_now:
        depth += 1
        inside = [item for outer in open_now for item in _items(outer)]
        open_now = [item for item in inside if isinstance(item, (dict, list))]
        if depth > _DEEPEST:
            raise ValueError("nested too deeply")


def _check_contents(value: object) -> None:
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            item.encode()
        elif isinstance(item, int):
            try:
                float(item)
            except OverflowError:
                raise ValueError("number out of range") from None
        else:
            waiting.extend(_items(item))


def _items(value: object) -> list[object]:
    if isinstance(value, dict):
        return [*value.keys(), *value.values()]
    return value if isinstance(value, list) else []
