"""Knows the messages of the topic `order-paid`: {"order": "o-17", "amount": 99.5, "paid_at": 1562486400}."""

from dataclasses import dataclass
from datetime import date

from eventlatch_sdk import (
    Candidate,
    Envelope,
    EventTime,
    Extract,
    Key,
    Matcher,
    Problem,
    Reject,
    Verdict,
    key,
    same_business_day,
)


@dataclass
class Config:
    #: Amounts below this are taken for a mistake of the producer.
    smallest: float = 0.0


@dataclass
class Wanted:
    """What a sensor waits for: an order of which at least so much is paid."""

    order: str
    at_least: float = 0.0


@dataclass
class Message:
    """What arrives on the topic."""

    order: str
    amount: float
    paid_at: EventTime


class OrderPaid(Matcher[Wanted, Message]):
    name = "order-paid"
    summary = "an order was paid"
    topics = ("order-paid",)

    config: Config

    def configure(self) -> None:
        if self.config.smallest < 0:
            raise Problem.of("smallest", "must not be negative")

    def prepare(self, wanted: Wanted, on: date) -> Key:
        if not wanted.order:
            raise Problem.of("order", "must not be empty")
        return key(wanted.order)

    def extract(self, message: Message, envelope: Envelope) -> Extract:
        if message.amount < self.config.smallest:
            raise Reject(f"field `amount` must be at least {self.config.smallest}")
        return key(message.order).at(message.paid_at)

    def confirm(self, candidate: Candidate[Wanted, Message]) -> Verdict:
        message, wanted = candidate.message, candidate.wanted
        if message is not None and message.amount < wanted.at_least:
            return Verdict.refused(f"{message.amount} is less than {wanted.at_least}")
        return same_business_day(candidate.event_time, candidate.arrival)
