"""Between the service and a matcher's class: what a component exports, and what a bench drives in its place.

Nothing here is for authors. The two adapters differ in how they come from bytes to keys.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

from eventlatch_sdk import shape, strict_json
from eventlatch_sdk.fields import FieldMatcher, Fields
from eventlatch_sdk.keys import Key
from eventlatch_sdk.matcher import (
    Candidate,
    Envelope,
    Matcher,
    Needs,
    Settings,
    Verdict,
    config_of,
    same_business_day,
    types_of,
)
from eventlatch_sdk.plan import Plan, wanted_object
from eventlatch_sdk.problem import Problem, Problems, Reject
from eventlatch_sdk.time import EventTime, Moment

MatcherClass = type[Matcher[Any, Any]] | type[FieldMatcher]


@dataclass(frozen=True, slots=True)
class Description:
    """What a matcher says of itself, before any configuration."""

    name: str
    version: str
    summary: str
    topics: Sequence[str]
    wanted_schema: dict[str, Any]
    message_schema: dict[str, Any]
    config_schema: dict[str, Any]
    needs: Needs


@dataclass(frozen=True, slots=True)
class Prepared:
    """A wanted message, checked and rendered for one business date."""

    rendered: str
    keys: list[bytes]
    token: bytes


class Adapter(Protocol):
    """A configured matcher."""

    def settings(self) -> Settings:
        """What follows from the configuration."""

    def prepare(self, wanted: str, on: date) -> Prepared:
        """Checks and renders a wanted message; raises a problem."""

    def extract(self, value: bytes | None, envelope: Envelope) -> tuple[list[bytes], EventTime | None]:
        """What a message is; None is a tombstone. Raises a reject."""

    def confirm(
        self, token: bytes, value: bytes | None, envelope: Envelope, event_time: Moment | None, arrival: Moment
    ) -> Verdict:
        """Whether a candidate fulfils."""


def describe(matcher: MatcherClass) -> Description:
    """What a matcher is, before any configuration."""
    return _describe_fields(matcher) if issubclass(matcher, FieldMatcher) else _describe_typed(matcher)


def configure(matcher: MatcherClass, config: str) -> Adapter:
    """A matcher with a configuration, a JSON object; raises problems."""
    try:
        return _FieldWise(matcher, config) if issubclass(matcher, FieldMatcher) else _Typed(matcher, config)
    except Problem as problem:
        raise Problems([problem]) from None


def _describe_fields(matcher: type[FieldMatcher]) -> Description:
    try:
        plan = _FieldWise(matcher, "{}").plan
    except (Problem, Problems):
        plan = None
    open_schema = {"type": "object"}
    return Description(
        name=matcher.name,
        version=matcher.version,
        summary=matcher.summary,
        topics=[plan.rules.topic] if plan else [],
        wanted_schema=plan.wanted_schema() if plan else open_schema,
        message_schema=plan.message_schema() if plan else open_schema,
        config_schema=shape.schema(config_of(matcher)),
        needs=Needs.NOTHING,
    )


def _describe_typed(matcher: type[Matcher[Any, Any]]) -> Description:
    wanted, message = types_of(matcher)
    return Description(
        name=matcher.name,
        version=matcher.version,
        summary=matcher.summary,
        topics=list(matcher.topics),
        wanted_schema=shape.schema(wanted),
        message_schema=shape.schema(message),
        config_schema=shape.schema(config_of(matcher)),
        needs=matcher.needs,
    )


def _config(matcher: type, config: str) -> Any:
    kind, document = config_of(matcher), wanted_object(config)
    Problems.check(shape.unknown(kind, list(document)))
    try:
        return shape.decode(kind, document)
    except shape.Mismatch as mismatch:
        raise mismatch.problem from None


class _FieldWise:
    def __init__(self, matcher: type[FieldMatcher], config: str) -> None:
        configured = matcher()
        configured.config = _config(matcher, config)
        rules: object = configured.fields()
        if not isinstance(rules, Fields):
            raise TypeError("`fields` must return `Fields`")
        self.plan = Plan(rules)

    def settings(self) -> Settings:
        return Settings([self.plan.rules.topic], self.plan.rules.shift_seconds)

    def prepare(self, wanted: str, on: date) -> Prepared:
        rendered, key = self.plan.prepare(wanted, on)
        # Equal keys and the two dates decide; nothing of the wanted message is needed again.
        return Prepared(rendered, [key], b"")

    def extract(self, value: bytes | None, envelope: Envelope) -> tuple[list[bytes], EventTime | None]:
        return self.plan.extract(value or b"")

    def confirm(
        self, token: bytes, value: bytes | None, envelope: Envelope, event_time: Moment | None, arrival: Moment
    ) -> Verdict:
        return same_business_day(event_time, arrival) if self.plan.rules.wants_same_day else Verdict.fulfilled()


class _Typed:
    def __init__(self, matcher: type[Matcher[Any, Any]], config: str) -> None:
        self._matcher = matcher()
        self._matcher.config = _config(matcher, config)
        self._matcher.configure()
        self._wanted = types_of(matcher)[0]

    def settings(self) -> Settings:
        return self._matcher.settings()

    def prepare(self, wanted: str, on: date) -> Prepared:
        document = wanted_object(wanted)
        for problem in shape.unknown(self._wanted, sorted(document)):
            raise problem
        decoded = self._decoded(document)
        keys = _keys(self._matcher.prepare(decoded, on))
        if not keys:
            raise Problem("the matcher gave no key for it, so that no message could fulfil it")
        rendered = strict_json.dumps(decoded if isinstance(decoded, dict) else dataclasses.asdict(decoded))
        return Prepared(rendered, keys, rendered.encode())

    def extract(self, value: bytes | None, envelope: Envelope) -> tuple[list[bytes], EventTime | None]:
        if value is None:
            extract = self._matcher.extract_tombstone(envelope)
        else:
            extract = self._matcher.extract(self._matcher.decode(value), envelope)
        if isinstance(extract, Key):
            return [bytes(extract)], None
        return [bytes(key) for key in extract.keys], extract.time

    def confirm(
        self, token: bytes, value: bytes | None, envelope: Envelope, event_time: Moment | None, arrival: Moment
    ) -> Verdict:
        wanted = self._decoded(wanted_object(token.decode()))
        try:
            message = None if value is None else self._matcher.decode(value)
        except Reject as reject:
            return Verdict.refused(reject.reason)
        return self._matcher.confirm(Candidate(wanted, message, envelope, event_time, arrival))

    def _decoded(self, document: dict[str, object]) -> Any:
        try:
            return shape.decode(self._wanted, document)
        except shape.Mismatch as mismatch:
            raise mismatch.problem from None


def _keys(keys: Any) -> list[bytes]:
    return [bytes(keys)] if isinstance(keys, Key) else [bytes(key) for key in keys]
