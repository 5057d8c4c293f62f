"""Matchers without WebAssembly: what the service would make of a message, in a line of a test."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from eventlatch_sdk import adapter, strict_json
from eventlatch_sdk.adapter import Adapter, Description, MatcherClass, Prepared
from eventlatch_sdk.matcher import Envelope, Header, Needs, Settings
from eventlatch_sdk.problem import Problem, Reject
from eventlatch_sdk.time import EventTime, Moment

_EPOCH = datetime(1970, 1, 1)

Json = str | Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a message is to a wanted message."""

    kind: str
    #: Of a refused or rejected message: why.
    reason: str | None = None

    @classmethod
    def fulfilled(cls) -> Outcome:
        """It fulfils it."""
        return cls("fulfilled")

    @classmethod
    def refused(cls, reason: str) -> Outcome:
        """Its key is equal, but the matcher refused it, for this reason: a near miss."""
        return cls("refused", reason)

    @classmethod
    def other(cls) -> Outcome:
        """It is about something else."""
        return cls("other")

    @classmethod
    def rejected(cls, reason: str) -> Outcome:
        """It is malformed, for this reason."""
        return cls("rejected", reason)


class Bench:
    """Runs a matcher as the service would: ``Bench.of(OrderPaid).judge(wanted, message, "2019-07-07 09:00:00")``."""

    def __init__(self, matcher: MatcherClass, configured: Adapter) -> None:
        self._adapter = configured
        self._description = adapter.describe(matcher)
        self._offset = timedelta()
        self._key: bytes | None = None
        self._headers: list[Header] = []

    @classmethod
    def of(cls, matcher: MatcherClass, config: Json = "{}") -> Bench:
        """A bench for a matcher with this configuration; raises problems."""
        return cls(matcher, adapter.configure(matcher, _json(config)))

    def offset_hours(self, hours: int) -> Bench:
        """Puts the sensors into a zone so many hours east of Greenwich."""
        self._offset = timedelta(hours=hours)
        return self

    def message_key(self, key: str | bytes) -> Bench:
        """Gives all messages this message key. The service passes it on only to a matcher that needs it."""
        self._key = _bytes(key)
        return self

    def header(self, name: str, value: str | bytes) -> Bench:
        """Gives all messages this header, beside those given before."""
        self._headers.append(Header(name, _bytes(value)))
        return self

    def settings(self) -> Settings:
        """What follows from the configuration."""
        return self._adapter.settings()

    def description(self) -> Description:
        """What the matcher says of itself: name, topics, JSON Schemas."""
        return self._description

    def prepare(self, wanted: Json, on: date) -> Prepared:
        """A wanted message, without topic, frequency and task_id, as it is on a business date; raises a problem."""
        return self._adapter.prepare(_json(wanted), on)

    def reject(self, message: Json | bytes) -> str | None:
        """Why a message is malformed, if it is."""
        try:
            self._adapter.extract(_value(message), self._envelope(0))
        except Reject as reject:
            return reject.reason
        return None

    def judge(self, wanted: Json, message: Json | bytes | None, arrival: str) -> Outcome:
        """What a message is to a wanted message if it arrives at a civil time, such as ``2019-07-07 08:00:00``.

        The wanted message is rendered for the business date of the arrival, as in the service. None is a message
        without a value.
        """
        arrived = self._moment(_civil(arrival))
        prepared = self.prepare(wanted, arrived.business_date)
        if message is None and Needs.TOMBSTONES not in self._description.needs:
            return Outcome.other()
        value, envelope = _value(message), self._envelope(arrived.instant)
        try:
            keys, time = self._adapter.extract(value, envelope)
        except Reject as reject:
            return Outcome.rejected(reject.reason)
        if not set(keys) & set(prepared.keys):
            return Outcome.other()
        verdict = self._adapter.confirm(prepared.token, value, envelope, self._event_time(time), arrived)
        return Outcome.fulfilled() if verdict.reason is None else Outcome.refused(verdict.reason)

    def _envelope(self, arrival: int) -> Envelope:
        topic = [*self.settings().topics, *self._description.topics, ""][0]
        needs = self._description.needs
        key = self._key if Needs.KEYS in needs else None
        return Envelope(topic, arrival, key, self._headers if Needs.HEADERS in needs else [])

    def _event_time(self, time: EventTime | None) -> Moment | None:
        if time is None:
            return None
        clock = _EPOCH + timedelta(milliseconds=time.millis)
        return self._moment(clock if time.is_civil else clock + self._offset)

    def _moment(self, civil: datetime) -> Moment:
        instant = (civil - self._offset - _EPOCH) // timedelta(milliseconds=1)
        shift = timedelta(seconds=self.settings().day_shift_seconds)
        return Moment(instant, civil, (civil + shift).date())


def _civil(text: str) -> datetime:
    try:
        civil = datetime.fromisoformat(text)
    except ValueError as error:
        raise Problem(f"`{text}` is not a civil time: {error}") from None
    if civil.tzinfo is not None:
        raise Problem(f"`{text}` is not a civil time: it has a zone; see `offset_hours`")
    return civil


def _json(document: Json) -> str:
    return document if isinstance(document, str) else strict_json.dumps(document)


def _value(message: Json | bytes | None) -> bytes | None:
    return message if message is None or isinstance(message, bytes) else _json(message).encode()


def _bytes(value: str | bytes) -> bytes:
    return value.encode() if isinstance(value, str) else value
