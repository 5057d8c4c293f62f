"""Matchers made of rules instead of code: which fields are the key, which may be left open, when it happened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, ClassVar

from eventlatch_sdk.problem import Problem
from eventlatch_sdk.strict_json import kind_of

#: How many fields a wanted message may leave open. A message carries a key for each subset of them.
MAX_OPTIONAL = 3

#: The names that mean something to the service in every wanted message.
_RESERVED = ("topic", "frequency", "task_id", "matcher", "optional", "count", "distinct")


class Kind(Enum):
    """What JSON a field may be; the value is how a sentence says it."""

    TEXT = "text"
    BOOLEAN = "a boolean"
    #: Without a fraction. 1 and 1.0 are the same.
    INTEGER = "a whole number"
    #: 1 and 1.0 are the same.
    NUMBER = "a number"
    #: The text ``1`` is not the number 1.
    SCALAR = "text, a number or a boolean"

    def fits(self, value: object) -> bool:
        """Whether a JSON value is of this kind."""
        if isinstance(value, bool):
            return self in (Kind.BOOLEAN, Kind.SCALAR)
        if isinstance(value, str):
            return self in (Kind.TEXT, Kind.SCALAR)
        if isinstance(value, int):
            return self in (Kind.INTEGER, Kind.NUMBER, Kind.SCALAR)
        if isinstance(value, float):
            return self in (Kind.NUMBER, Kind.SCALAR) or (self is Kind.INTEGER and value.is_integer())
        return False


@dataclass(frozen=True)
class Field:
    """A field: its name, its kind, and what a wanted message may put into it.

    Begin with :func:`text`, :func:`boolean`, :func:`integer`, :func:`number` or :func:`scalar`. A value of another kind
    makes a message a reject and a wanted message a problem.
    """

    name: str
    kind: Kind
    #: The name under which a template sees the business date.
    template_name: str | None = None
    #: The value of a wanted message that does not give the field.
    default_value: str | bool | int | float | None = None

    def __post_init__(self) -> None:
        _check_name(self.name)

    def template(self, name: str) -> Field:
        """Lets a wanted message give a template, in which this name stands for the business date."""
        return replace(self, template_name=name)

    def default(self, value: str | bool | int | float) -> Field:
        """The value of a wanted message that does not give the field. Messages must have the field all the same."""
        return replace(self, default_value=value)

    def mismatch(self, value: object) -> str | None:
        """What is wrong with a value."""
        return None if self.kind.fits(value) else f"must be {self.kind.value}, not {kind_of(value)}"


def text(name: str) -> Field:
    """A field that is a string. Strings are equal if their characters are, however a message has written them."""
    return Field(name, Kind.TEXT)


def boolean(name: str) -> Field:
    """A field that is ``true`` or ``false``."""
    return Field(name, Kind.BOOLEAN)


def integer(name: str) -> Field:
    """A field that is a number without a fraction: 1, 1.0 and 10e-1 are the same."""
    return Field(name, Kind.INTEGER)


def number(name: str) -> Field:
    """A field that is any number. Whole ones are compared exactly up to 64 bits, others as doubles."""
    return Field(name, Kind.NUMBER)


def scalar(name: str) -> Field:
    """A field that is a string, a number or a boolean, for producers that do not agree with each other."""
    return Field(name, Kind.SCALAR)


@dataclass(frozen=True)
class Fields:
    """What tells a message. Every field named here must be in every message, with the right JSON type.

    Rules are a value, built step by step. Whether they make sense is checked when the matcher is configured, and all
    that is wrong with them is told at once.
    """

    topic: str
    keys: Sequence[Field] = ()
    open_keys: Sequence[Field] = ()
    time_field: str | None = None
    wants_same_day: bool = False
    shift_seconds: int = 0
    lag_days: int = 0

    @classmethod
    def on(cls, topic: str) -> Fields:
        """Rules for the messages of a topic."""
        return cls(topic)

    def key(self, field: Field) -> Fields:
        """Adds a field that a wanted message must give, unless the field has a default. There must be at least one."""
        return replace(self, keys=(*self.keys, _field(field)))

    def optional(self, field: Field) -> Fields:
        """Adds a field that a wanted message may leave out: then any value will do. At most three."""
        return replace(self, open_keys=(*self.open_keys, _field(field)))

    def time(self, field: str) -> Fields:
        """Names the field with the event time, in any of the forms of :class:`EventTime`."""
        _check_name(field)
        return replace(self, time_field=field)

    def same_business_day(self) -> Fields:
        """Wants the event to have happened on the business day on which its message arrived. Needs a time."""
        return replace(self, wants_same_day=True)

    def day_shift_seconds(self, seconds: int) -> Fields:
        """Lets the business day begin so many seconds before midnight (7200: at 22:00 of the day before)."""
        return replace(self, shift_seconds=seconds)

    def partition_lag_days(self, days: int) -> Fields:
        """Lets templates see the business date minus so many days."""
        return replace(self, lag_days=days)

    def problems(self) -> list[Problem]:
        """Everything that is wrong with the rules."""
        problems = []
        if not self.topic:
            problems.append(Problem.of("topic", "must not be empty"))
        if not self.keys:
            problems.append(Problem.of("key", "there must be at least one key field that is not optional"))
        if len(self.open_keys) > MAX_OPTIONAL:
            count = len(self.open_keys)
            problems.append(Problem.of("optional", f"there may be {MAX_OPTIONAL} optional fields, not {count}"))
        if self.wants_same_day and self.time_field is None:
            problems.append(Problem.of("rule", "`same_business_day` needs a time field"))
        if abs(self.shift_seconds) >= 86_400:
            message = "must be less than a day (86400), forwards or backwards"
            problems.append(Problem.of("day_shift_seconds", message))
        fields = [*self.keys, *self.open_keys]
        for index, field in enumerate(fields):
            wrong = _problem_of(field, [before.name for before in fields[:index]])
            if wrong is not None:
                problems.append(Problem.of(field.name, wrong))
        return problems


def _check_name(name: object) -> None:
    # Here, where the author's line is still among the callers.
    if not isinstance(name, str):
        raise TypeError(f"a field's name must be text, not {kind_of(name)}")


def _field(field: object) -> Field:
    if not isinstance(field, Field):
        raise TypeError(f"a field is made with `text`, `integer` and so on, as in `text({field!r})`")
    return field


def _problem_of(field: Field, before: list[str]) -> str | None:
    if not field.name:
        return "a field's name must not be empty"
    if field.name in _RESERVED:
        return "is the service's own field of a wanted message and cannot be a key field"
    if field.name in before:
        return "is given twice"
    if field.template_name is not None and field.kind is not Kind.TEXT:
        return f"only text can be a template, not {field.kind.value}"
    wrong = None if field.default_value is None else field.mismatch(field.default_value)
    return wrong and f"its default {wrong}"


class FieldMatcher:
    """A matcher that tells messages by some of their fields.

    What can be set goes into a dataclass that ``config`` is annotated with; :meth:`fields` sees it as ``self.config``.
    """

    #: The matcher's name: lower-case letters, digits and dashes.
    name: ClassVar[str]
    #: One line: what message this matcher knows.
    summary: ClassVar[str]
    #: The matcher's own version, for people.
    version: ClassVar[str] = "0.1.0"

    #: The configuration, the table ``[matchers.NAME.config]`` of the service.
    config: Any

    def fields(self) -> Fields:
        """The rules. Also asked for with an empty configuration, to describe the matcher before it is configured."""
        raise NotImplementedError
