"""What a matcher is, and what it is given."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import Flag, auto
from typing import Any, ClassVar, Generic, TypeVar, get_args, get_origin, get_type_hints

from eventlatch_sdk import shape, strict_json
from eventlatch_sdk.keys import Extract, Key
from eventlatch_sdk.problem import Reject
from eventlatch_sdk.time import Moment

W = TypeVar("W")
M = TypeVar("M")


class Needs(Flag):
    """What a matcher wants to see of a message besides its value and arrival; to fetch it costs time."""

    NOTHING = 0
    #: Message keys.
    KEYS = auto()
    #: Message headers.
    HEADERS = auto()
    #: Messages without a value. Without this the service passes over them.
    TOMBSTONES = auto()


@dataclass(frozen=True, slots=True)
class Settings:
    """What follows from a configuration for the service."""

    #: The topics served; empty: those of the matcher's description.
    topics: Sequence[str] = ()
    #: Seconds by which the business day begins before midnight (7200: at 22:00 of the day before).
    day_shift_seconds: int = 0


@dataclass(frozen=True, slots=True)
class Header:
    """A header of a message; a message may have several of one name."""

    name: str
    value: bytes


@dataclass(frozen=True, slots=True)
class Envelope:
    """What comes with a message besides its value."""

    #: The topic it came on.
    topic: str
    #: When it arrived, in milliseconds since the Unix epoch.
    arrival: int
    #: The message key, if needed and there.
    key: bytes | None = None
    #: The headers, if needed.
    headers: Sequence[Header] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a message fulfils a wanted message."""

    #: Why not: a lower-case fragment for whoever asks what is still missing. None: it does.
    reason: str | None = None

    @classmethod
    def fulfilled(cls) -> Verdict:
        """It does."""
        return cls()

    @classmethod
    def refused(cls, reason: str) -> Verdict:
        """It does not, for this reason."""
        return cls(reason)


@dataclass(frozen=True, slots=True)
class Candidate(Generic[W, M]):
    """A message whose key equals that of a wanted message.

    Both moments have been resolved for the zone of the sensor and the shift of the matcher: dates can be compared as
    they are. The same message may be a candidate for sensors in several zones.
    """

    #: The wanted message, as :meth:`Matcher.prepare` left it.
    wanted: W
    #: The message; None is a tombstone.
    message: M | None
    #: What came with the message.
    envelope: Envelope
    #: When it happened what the message tells of.
    event_time: Moment | None
    #: When the message arrived.
    arrival: Moment


def same_business_day(event_time: Moment | None, arrival: Moment) -> Verdict:
    """The rule of most messages: it must have happened on the business day on which the message arrived.

    Without an event time there is nothing to compare, and the message fulfils.
    """
    if event_time is None or event_time.business_date == arrival.business_date:
        return Verdict.fulfilled()
    return Verdict.refused(
        f"the event's business date is {event_time.business_date}, that of its arrival {arrival.business_date}"
    )


class Matcher(Generic[W, M]):
    """A matcher over typed messages: ``class LargeOrder(Matcher[Wanted, Message])``.

    ``Wanted`` and ``Message`` are dataclasses; without them both are plain dictionaries. All methods must be pure: the
    same input gives the same result, whenever it is asked for. For messages that are told by some of their fields
    :class:`FieldMatcher` takes fewer lines.
    """

    #: The matcher's name: lower-case letters, digits and dashes.
    name: ClassVar[str]
    #: One line: what message this matcher knows.
    summary: ClassVar[str]
    #: The topics it serves, unless :meth:`settings` names others.
    topics: ClassVar[Sequence[str]] = ()
    #: The matcher's own version, for people.
    version: ClassVar[str] = "0.1.0"
    #: What it wants to see of a message besides value and arrival.
    needs: ClassVar[Needs] = Needs.NOTHING

    #: The configuration, the table ``[matchers.NAME.config]`` of the service. Annotate it with a dataclass of your own.
    config: Any

    _types: ClassVar[tuple[Any, Any]]

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        # Once, and not for every message.
        cls._types = _declared(cls)

    def configure(self) -> None:
        """Checks the configuration; raises a :class:`Problem`. Types and unknown settings have been checked."""

    def settings(self) -> Settings:
        """What follows from the configuration for the service."""
        return Settings()

    def prepare(self, wanted: W, on: date) -> Key | Iterable[Key]:
        """The keys of a wanted message on a business date: a message must carry one of them.

        Fill in what depends on the date in place; the service shows the result, and awaits it afresh when it differs
        from the day before's. A wanted message that cannot be fulfilled is a :class:`Problem`.
        """
        raise NotImplementedError

    def decode(self, value: bytes) -> M:
        """The message that a value is: JSON, unless told otherwise. Raises a :class:`Reject`."""
        document = strict_json.read(value)
        try:
            message: M = shape.decode(types_of(type(self))[1], document)
        except shape.Mismatch as mismatch:
            raise Reject(str(mismatch)) from None
        return message

    def extract(self, message: M, envelope: Envelope) -> Key | Extract:
        """The keys of a message, and when it happened what the message tells of.

        A message of no interest to anyone is :meth:`Extract.nothing`; a malformed one raises a :class:`Reject`.
        Whatever can be compared for equality belongs into the key.
        """
        raise NotImplementedError

    def extract_tombstone(self, envelope: Envelope) -> Key | Extract:
        """The keys of a message without a value, which only a matcher that needs them gets to see."""
        return Extract.nothing()

    def confirm(self, candidate: Candidate[W, M]) -> Verdict:
        """The last word where keys are equal; by default that of :func:`same_business_day`."""
        return same_business_day(candidate.event_time, candidate.arrival)


def types_of(matcher: type[Matcher[Any, Any]]) -> tuple[Any, Any]:
    """What a matcher's ``Wanted`` and ``Message`` are."""
    return matcher._types


def _declared(matcher: type) -> tuple[Any, Any]:
    for kind in matcher.__mro__:
        for base in getattr(kind, "__orig_bases__", ()):
            if get_origin(base) is Matcher:
                wanted, message = (dict[str, Any] if isinstance(it, TypeVar) else it for it in get_args(base))
                return wanted, message
    return dict[str, Any], dict[str, Any]


@dataclass(frozen=True, slots=True)
class NoConfig:
    """A configuration without any settings."""


def config_of(matcher: type) -> Any:
    """What a matcher's configuration is."""
    kind = get_type_hints(matcher).get("config", Any)
    return NoConfig if kind is Any else kind
