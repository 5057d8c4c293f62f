"""A typed matcher that uses everything there is, on the bench. The twin of the Rust SDK's `tests/typed.rs`."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

import pytest

from eventlatch_sdk import (
    Candidate,
    Envelope,
    Extract,
    Key,
    Matcher,
    Needs,
    Problem,
    Problems,
    Reject,
    Settings,
    Verdict,
    key,
)
from eventlatch_sdk.testing import Bench, Outcome


@dataclass
class Config:
    region: str = ""
    limit: int = 0


@dataclass
class Wanted:
    item: str
    day: str | None = None


@dataclass
class Message:
    item: str
    count: int


class Stock(Matcher[Wanted, Message]):
    name = "stock"
    summary = "an item is in stock, or no more"
    topics = ("stock",)
    needs = Needs.KEYS | Needs.HEADERS | Needs.TOMBSTONES

    config: Config

    def configure(self) -> None:
        if self.config.limit < 0:
            raise Problem.of("limit", "must not be negative")

    def settings(self) -> Settings:
        return Settings([f"stock-{self.config.region}"] if self.config.region else [], day_shift_seconds=60)

    def prepare(self, wanted: Wanted, on: date) -> Iterable[Key]:
        wanted.day = str(on)
        return [key(wanted.item), key("every", "item")]

    def extract(self, message: Message, envelope: Envelope) -> Key | Extract:
        if message.count < 0:
            raise Reject("negative count")
        recall = any(header.name == "recall" and header.value == b"yes" for header in envelope.headers)
        return Extract.nothing() if recall else key(message.item)

    def extract_tombstone(self, envelope: Envelope) -> Key:
        if envelope.key is None:
            raise Reject("no key")
        return key(envelope.key.decode())

    def confirm(self, candidate: Candidate[Wanted, Message]) -> Verdict:
        if candidate.message is None:
            return Verdict.refused(f"no more {candidate.wanted.item}")
        return Verdict.refused("too few") if candidate.message.count < self.config.limit else Verdict.fulfilled()


NAIL = {"item": "nail"}
AT = "2019-07-07 09:00:00"


def bench() -> Bench:
    return Bench.of(Stock, {"limit": 5})


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ('{"item": "nail", "count": 7}', Outcome.fulfilled()),
        ('{"item": "nail", "count": 4}', Outcome.refused("too few")),
        ('{"item": "screw", "count": 7}', Outcome.other()),
        ('{"item": "nail", "count": -1}', Outcome.rejected("negative count")),
        ("", Outcome.rejected("empty message; expected a JSON object")),
        ('{"item": "nail"}', Outcome.rejected("field `count` is missing; it must be a whole number")),
        ('{"item": "nail", "count": "7"}', Outcome.rejected("field `count` must be a whole number, not text")),
    ],
)
def test_judges_messages(message: str, expected: Outcome) -> None:
    assert bench().judge(NAIL, message, AT) == expected


def test_says_the_schema_registry_by_name() -> None:
    assert "schema registry" in (bench().reject(b"\0\0\0\0\x01{}") or "")


def test_sees_headers_keys_and_tombstones() -> None:
    recalled = bench().header("lot", "8").header("recall", "yes")
    assert recalled.judge(NAIL, {"item": "nail", "count": 7}, AT) == Outcome.other()
    assert bench().message_key("nail").judge(NAIL, None, AT) == Outcome.refused("no more nail")
    assert bench().judge(NAIL, None, AT) == Outcome.rejected("no key")


def test_shows_what_it_fills_in() -> None:
    assert bench().prepare(NAIL, date(2019, 7, 8)).rendered == '{"item":"nail","day":"2019-07-08"}'


def test_refuses_unknown_fields_by_name() -> None:
    with pytest.raises(Problem, match="colour: unknown field; known: `day`, `item`"):
        bench().prepare({"item": "nail", "colour": "red"}, date(2019, 7, 8))
    with pytest.raises(Problem, match="item: is missing"):
        bench().prepare({}, date(2019, 7, 8))
    with pytest.raises(Problems, match="limits: unknown field"):
        Bench.of(Stock, {"limits": 1})
    with pytest.raises(Problems, match="limit: must not be negative"):
        Bench.of(Stock, {"limit": -1})


def test_settings_follow_the_configuration() -> None:
    assert Bench.of(Stock, {"region": "eu"}).settings() == Settings(["stock-eu"], 60)
    assert Bench.of(Stock).description().wanted_schema == {
        "type": "object",
        "properties": {"item": {"type": "string"}, "day": {"type": ["string", "null"], "default": None}},
        "required": ["item"],
    }
