"""Write matchers for eventlatch in Python: one class in, one WebAssembly file out.

A matcher says what a Kafka message is. Begin with :class:`FieldMatcher` where some fields of a message tell it, or
with :class:`Matcher` where it takes code. :class:`testing.Bench` runs either without WebAssembly. The README is the
tutorial.
"""

from eventlatch_sdk import log
from eventlatch_sdk.fields import Field, FieldMatcher, Fields, Kind, boolean, integer, number, scalar, text
from eventlatch_sdk.keys import Extract, Key, key
from eventlatch_sdk.matcher import (
    Candidate,
    Envelope,
    Header,
    Matcher,
    Needs,
    Settings,
    Verdict,
    same_business_day,
)
from eventlatch_sdk.problem import Problem, Problems, Reject
from eventlatch_sdk.time import EventTime, Moment

__all__ = [
    "Candidate",
    "Envelope",
    "EventTime",
    "Extract",
    "Field",
    "FieldMatcher",
    "Fields",
    "Header",
    "Key",
    "Kind",
    "Matcher",
    "Moment",
    "Needs",
    "Problem",
    "Problems",
    "Reject",
    "Settings",
    "Verdict",
    "boolean",
    "integer",
    "key",
    "log",
    "number",
    "same_business_day",
    "scalar",
    "text",
]
