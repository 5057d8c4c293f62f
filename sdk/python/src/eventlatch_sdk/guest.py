"""What a component exports: the interface's columns on one side, an adapter on the other.

Runs only in a component, where ``componentize-py`` provides ``wit_world``.
"""

from __future__ import annotations

import os
import random
import sys
import traceback
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

import wit_world.exports.guest as wit
from componentize_py_types import Err, Ok
from wit_world.imports import host

from eventlatch_sdk import adapter, log, strict_json
from eventlatch_sdk.adapter import Adapter, MatcherClass
from eventlatch_sdk.matcher import Envelope, Header, Needs
from eventlatch_sdk.problem import Problem, Problems, Reject
from eventlatch_sdk.time import Moment


def guest_of(matcher: MatcherClass) -> type:
    """The class that ``componentize-py`` looks for under the name ``Guest``."""

    class Guest:
        """The interface ``eventlatch:matcher/guest``."""

        _configured: Adapter

        def describe(self) -> Any:
            with _Call():
                about = adapter.describe(matcher)
                return wit.Description(
                    name=about.name,
                    version=about.version,
                    summary=about.summary,
                    topics=list(about.topics),
                    wanted_schema=strict_json.dumps(about.wanted_schema),
                    message_schema=strict_json.dumps(about.message_schema),
                    config_schema=strict_json.dumps(about.config_schema),
                    needs=_needs(about.needs),
                )

        def configure(self, config: str) -> Any:
            with _Call():
                try:
                    Guest._configured = adapter.configure(matcher, config)
                except Problems as problems:
                    raise Err([_problem(it) for it in problems.problems]) from None
                settings = Guest._configured.settings()
                return wit.Settings(list(settings.topics), settings.day_shift_seconds)

        def prepare(self, wanted: list[str], on: Any) -> Any:
            with _Call():
                day = date(on.year, on.month, on.day)
                return [_prepared(Guest._configured, it, day) for it in wanted]

        def extract(self, batch: Any) -> Any:
            with _Call():
                return _extracts(Guest._configured, batch)

        def confirm(self, candidates: list[Any]) -> Any:
            with _Call():
                return [_verdict(Guest._configured, candidate) for candidate in candidates]

    return Guest


class _Call:
    """One call. Logs an exception and makes a trap of it, so that the fault has a reason."""

    def __enter__(self) -> None:
        # Random numbers are the same in every call, or an answer would depend on the calls before it.
        random.seed(0)
        # Not while the component is built: there is no service then.
        log.connect(lambda level, text: host.log(host.Level[level], text))

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if error is not None and not isinstance(error, Err):
            log.error("matcher raised: " + "".join(traceback.format_exception(error)).rstrip())
            sys.stdout.flush()
            # Left to itself, it would be printed once more on its way to the same end.
            os.abort()


def _needs(needs: Needs) -> Any:
    flags = wit.Needs(0)
    for need in needs:
        flags |= wit.Needs[str(need.name)]
    return flags


def _problem(problem: Problem) -> Any:
    return wit.Problem(problem.field, problem.message)


def _prepared(configured: Adapter, wanted: str, on: date) -> Any:
    try:
        prepared = configured.prepare(wanted, on)
    except Problem as problem:
        return Err(_problem(problem))
    return Ok(wit.Prepared(prepared.rendered, prepared.keys, prepared.token))


def _extracts(configured: Adapter, batch: Any) -> Any:
    keys, ends, messages, times, kinds, rejects = bytearray(), [], [], [], bytearray(), []
    for index, (value, envelope) in enumerate(_messages(batch)):
        time = None
        try:
            found, time = configured.extract(value, envelope)
            for key in found:
                keys += key
                ends.append(len(keys))
                messages.append(index)
        except Reject as reject:
            rejects.append(wit.Reject(index, reject.reason))
        kinds.append(0 if time is None else 2 if time.is_civil else 1)
        times.append(0 if time is None else time.millis)
    return wit.Extracts(wit.Column(bytes(keys), ends), messages, times, bytes(kinds), rejects)


def _messages(batch: Any) -> Iterator[tuple[bytes | None, Envelope]]:
    tombstones = set(batch.tombstones)
    values, arrivals = _items(batch.values), batch.arrivals
    if batch.keys is None and batch.headers is None:
        for index, value in enumerate(values):
            yield None if index in tombstones else value, Envelope(batch.topic, arrivals[index])
        return
    keys = [None] * len(arrivals) if batch.keys is None else [key or None for key in _items(batch.keys)]
    headers: list[list[Header]] = [[] for _ in arrivals]
    if batch.headers is not None:
        columns = zip(batch.headers.messages, _items(batch.headers.names), _items(batch.headers.values), strict=True)
        for message, name, value in columns:
            # Header names are UTF-8 in Kafka's own clients; of one that is not, what is left can still be found.
            headers[message].append(Header(name.decode(errors="replace"), value))
    for index, value in enumerate(values):
        envelope = Envelope(batch.topic, arrivals[index], keys[index], headers[index])
        yield None if index in tombstones else value, envelope


def _items(column: Any) -> Iterator[bytes]:
    start, laid = 0, column.bytes
    for end in column.ends:
        yield laid[start:end]
        start = end


def _verdict(configured: Adapter, candidate: Any) -> Any:
    headers = [Header(header.name, header.value) for header in candidate.headers]
    arrival = _moment(candidate.arrival)
    event_time = None if candidate.event_time is None else _moment(candidate.event_time)
    envelope = Envelope(candidate.topic, arrival.instant, candidate.key, headers)
    verdict = configured.confirm(candidate.token, candidate.value, envelope, event_time, arrival)
    return wit.Verdict_Fulfilled() if verdict.reason is None else wit.Verdict_Refused(verdict.reason)


def _moment(moment: Any) -> Moment:
    clock, day, business = moment.civil, moment.civil.date, moment.business_date
    civil = datetime(day.year, day.month, day.day, clock.hour, clock.minute, clock.second, clock.millisecond * 1000)
    return Moment(moment.instant, civil, date(business.year, business.month, business.day))
