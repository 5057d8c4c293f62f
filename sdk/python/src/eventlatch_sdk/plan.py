"""Rules of a field-wise matcher, ready to run: messages to keys, wanted messages to keys, JSON Schemas."""

from __future__ import annotations

from datetime import date
from typing import Any

from eventlatch_sdk import shape, strict_json
from eventlatch_sdk.fields import Field, Fields, Kind
from eventlatch_sdk.keys import ANY, of_value
from eventlatch_sdk.problem import Problem, Problems, Reject
from eventlatch_sdk.template import Templates
from eventlatch_sdk.time import EventTime

_TYPES: dict[Kind, str | list[str]] = {
    Kind.TEXT: "string",
    Kind.BOOLEAN: "boolean",
    Kind.INTEGER: "integer",
    Kind.NUMBER: "number",
    Kind.SCALAR: ["string", "number", "boolean"],
}


class Plan:
    """The rules, with everything that is the same for all messages worked out."""

    def __init__(self, fields: Fields) -> None:
        Problems.check(fields.problems())
        self.rules = fields
        self._fields = [*fields.keys, *fields.open_keys]
        self._required = len(fields.keys)
        self._templates = Templates(fields.lag_days)

    def extract(self, value: bytes) -> tuple[list[bytes], EventTime | None]:
        """The keys of a message, one for each subset of the optional fields; raises a reject."""
        document = strict_json.read_object(value)
        parts = [_written(field, document) for field in self._fields]
        keys = [b"".join(parts)]
        optional = len(parts) - self._required
        for open_ones in range(1, 1 << optional):
            head, tail = parts[: self._required], parts[self._required :]
            keys.append(b"".join([*head, *(ANY if open_ones >> at & 1 else it for at, it in enumerate(tail))]))
        return keys, self._time(document)

    def prepare(self, wanted: str, on: date) -> tuple[str, bytes]:
        """A wanted message's own fields as JSON, and its key; raises a problem."""
        left = wanted_object(wanted)
        rendered: dict[str, object] = {}
        written = []
        for index, field in enumerate(self._fields):
            if field.name in left or field.default_value is not None:
                rendered[field.name] = self._rendered(field, left.pop(field.name, field.default_value), on)
                written.append(of_value(rendered[field.name]))
            elif index >= self._required:
                written.append(ANY)
            else:
                raise Problem.of(field.name, f"is missing; it must be {field.kind.value}")
        for name in sorted(left):
            raise shape.unknown_field(name, [field.name for field in self._fields])
        return strict_json.dumps(rendered, sort_keys=True), b"".join(written)

    def wanted_schema(self) -> dict[str, Any]:
        """The JSON Schema of a wanted message's own fields."""
        indexed = list(enumerate(self._fields))
        return {
            "type": "object",
            "properties": {field.name: self._wanted_field(index, field) for index, field in indexed},
            "required": [it.name for index, it in indexed if index < self._required and it.default_value is None],
            "additionalProperties": False,
        }

    def message_schema(self) -> dict[str, Any]:
        """The JSON Schema of a message's value."""
        properties: dict[str, Any] = {field.name: {"type": _TYPES[field.kind]} for field in self._fields}
        if self.rules.time_field is not None:
            properties[self.rules.time_field] = dict(shape.TIME_SCHEMA)
        return {"type": "object", "properties": properties, "required": list(properties)}

    def _wanted_field(self, index: int, field: Field) -> dict[str, Any]:
        schema: dict[str, Any] = {"type": _TYPES[field.kind]}
        notes = []
        if field.template_name is not None:
            notes.append(f"may be a template over the date `{field.template_name}`")
        if index >= self._required and field.default_value is None:
            notes.append("left out: any value")
        if notes:
            schema["description"] = "; ".join(notes)
        if field.default_value is not None:
            schema["default"] = field.default_value
        return schema

    def _rendered(self, field: Field, value: object, on: date) -> object:
        wrong = field.mismatch(value)
        if wrong is not None:
            raise Problem.of(field.name, wrong)
        if field.template_name is None or not isinstance(value, str):
            return value
        try:
            return self._templates.render(value, field.template_name, on)
        except Problem as problem:
            raise Problem.of(field.name, problem.message) from None

    def _time(self, document: dict[str, object]) -> EventTime | None:
        name = self.rules.time_field
        if name is None:
            return None
        if name not in document:
            raise Reject(f"field `{name}` is missing; it must be epoch seconds or text")
        value = document[name]
        if isinstance(value, bool) or not isinstance(value, (int, float, str)):
            raise Reject(f"field `{name}` must be epoch seconds or text, not {_kind(value)}")
        try:
            return EventTime.parse(value)
        except Reject as reject:
            raise Reject(f"field `{name}`: {reject.reason}") from None


def wanted_object(wanted: str) -> dict[str, object]:
    """The fields of a wanted message; raises a problem."""
    try:
        document = strict_json.loads(wanted)
    except ValueError as error:
        raise Problem(f"not a JSON object: {error}") from None
    if not isinstance(document, dict):
        raise Problem(f"not a JSON object: it is {strict_json.kind_of(document)}")
    return document


def _written(field: Field, document: dict[str, object]) -> bytes:
    """A field of a message, as it stands in a key."""
    value = document.get(field.name)
    if not field.kind.fits(value):
        if field.name not in document:
            raise Reject(f"field `{field.name}` is missing; it must be {field.kind.value}")
        if isinstance(value, float) and field.kind is Kind.INTEGER:
            raise Reject(f"field `{field.name}` must be a whole number, not {value}")
        raise Reject(f"field `{field.name}` must be {field.kind.value}, not {_kind(value)}")
    return of_value(value)


def _kind(value: object) -> str:
    return "an object or a list" if isinstance(value, (dict, list)) else strict_json.kind_of(value)
