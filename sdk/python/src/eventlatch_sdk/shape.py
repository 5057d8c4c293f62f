"""Types of authors: from JSON to dataclasses, and to a JSON Schema.

Known are ``str``, ``int``, ``float``, ``bool``, :class:`EventTime`, ``Any``, ``X | None``, ``list[X]``,
``dict[str, X]`` and dataclasses of these. Nothing is converted: the text ``"1"`` is no number.
"""

from __future__ import annotations

import dataclasses
import types
from dataclasses import MISSING, Field, is_dataclass
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

from eventlatch_sdk.problem import Problem, Reject
from eventlatch_sdk.strict_json import kind_of
from eventlatch_sdk.time import EventTime

_Schema = dict[str, Any]

_SCALARS: dict[object, tuple[str, str]] = {
    str: ("text", "string"),
    bool: ("a boolean", "boolean"),
    int: ("a whole number", "integer"),
    float: ("a number", "number"),
}

TIME_SCHEMA: _Schema = {
    "type": ["number", "string"],
    "description": "epoch seconds, `YYYY-MM-DD HH:MM:SS` in the sensor's zone, or RFC 3339",
}


class Mismatch(ValueError):
    """A value that is not of its type: the field, with its way in the document, and what is wrong."""

    def __init__(self, field: str | None, message: str) -> None:
        super().__init__(message if field is None else f"field `{field}` {message}")
        self.problem = Problem(message, field)


def decode(kind: Any, value: object, field: str | None = None) -> Any:
    """The value as its type has it; raises a :class:`Mismatch`."""
    if kind in _SCALARS:
        return _scalar(kind, value, field)
    if kind is Any or kind is object:
        return value
    if kind is EventTime:
        try:
            return EventTime.parse(value)
        except Reject as reject:
            raise Mismatch(field, f"says no time: {reject.reason}") from None
    if is_dataclass(kind):
        return _dataclass(kind, value, field)
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return None if value is None else decode(_present(kind), value, field)
    if origin is list:
        items = _of(list, "a list", value, field)
        return [decode(arguments[0], item, f"{field or ''}[{index}]") for index, item in enumerate(items)]
    if origin is dict or kind is dict:
        members = _of(dict, "an object", value, field)
        inner = arguments[1] if arguments else Any
        return {name: decode(inner, member, _within(field, name)) for name, member in members.items()}
    raise TypeError(f"{kind!r} is no type for a matcher's JSON")


def schema(kind: Any) -> _Schema:
    """The JSON Schema of a type."""
    if kind in _SCALARS:
        return {"type": _SCALARS[kind][1]}
    if kind is EventTime:
        return dict(TIME_SCHEMA)
    if is_dataclass(kind):
        return _dataclass_schema(kind)
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        inner = schema(_present(kind))
        return {**inner, "type": [inner["type"], "null"]} if isinstance(inner.get("type"), str) else inner
    if origin is list:
        return {"type": "array", "items": schema(arguments[0])}
    if origin is dict or kind is dict:
        return {"type": "object"}
    return {}


def unknown(kind: Any, names: list[str]) -> list[Problem]:
    """A problem for each name that is no field of the type; none where the type is open."""
    if not is_dataclass(kind):
        return []
    known = sorted(field.name for field in dataclasses.fields(kind))
    return [unknown_field(name, known) for name in names if name not in known]


def unknown_field(name: str, known: list[str]) -> Problem:
    """The problem of one such name."""
    listed = ", ".join(f"`{it}`" for it in known)
    return Problem.of(name, f"unknown field; known: {listed}" if known else "unknown field; there are none to be set")


@cache
def _fields(kind: Any) -> tuple[tuple[str, Any, Field[Any]], ...]:
    hints = get_type_hints(kind)
    return tuple((field.name, hints[field.name], field) for field in dataclasses.fields(kind))


def _dataclass(kind: Any, value: object, field: str | None) -> Any:
    members = _of(dict, "an object", value, field)
    found = {}
    fields: tuple[tuple[str, Any, Field[Any]], ...] = _fields(kind)
    for name, inner, known in fields:
        if name in members:
            found[name] = decode(inner, members[name], _within(field, name))
        elif _is_required(known, inner):
            raise Mismatch(_within(field, name), f"is missing; it must be {_text(inner)}")
        elif known.default is MISSING and known.default_factory is MISSING:
            found[name] = None
    return kind(**found)


def _dataclass_schema(kind: Any) -> _Schema:
    properties, required = {}, []
    for name, inner, field in _fields(kind):
        properties[name] = schema(inner)
        if field.default is not MISSING:
            properties[name]["default"] = field.default
        elif field.default_factory is not MISSING:
            properties[name]["default"] = field.default_factory()
        if _is_required(field, inner):
            required.append(name)
    return {"type": "object", "properties": properties, **({"required": required} if required else {})}


def _is_required(field: Field[Any], inner: Any) -> bool:
    optional = get_origin(inner) in (Union, types.UnionType) and type(None) in get_args(inner)
    return field.default is MISSING and field.default_factory is MISSING and not optional


def _scalar(kind: Any, value: object, field: str | None) -> Any:
    if isinstance(value, bool):
        fits = kind is bool
    elif kind is int:
        fits = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    elif kind is float:
        fits = isinstance(value, (int, float))
    else:
        fits = isinstance(value, kind)
    if not fits:
        raise Mismatch(field, f"must be {_SCALARS[kind][0]}, not {kind_of(value)}")
    return kind(value)


def _of(kind: Any, text: str, value: object, field: str | None) -> Any:
    if not isinstance(value, kind):
        raise Mismatch(field, f"must be {text}, not {kind_of(value)}")
    return value


def _present(union: Any) -> Any:
    inner = [it for it in get_args(union) if it is not type(None)]
    if len(inner) != 1:
        raise TypeError(f"{union!r}: of unions only `X | None` is known")
    return inner[0]


def _within(field: str | None, name: str) -> str:
    return name if field is None else f"{field}.{name}"


def _text(kind: Any) -> str:
    if kind is EventTime:
        return "epoch seconds or text"
    if kind in _SCALARS:
        return _SCALARS[kind][0]
    return "a list" if get_origin(kind) is list else "an object"
