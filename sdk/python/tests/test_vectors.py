"""What the SDKs of all languages agree on: `sdk/vectors`."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from eventlatch_sdk import FieldMatcher, Fields, Problem, Reject, boolean, integer, number, scalar, text
from eventlatch_sdk.keys import ANY, of_value
from eventlatch_sdk.plan import Plan
from eventlatch_sdk.registry import Frame
from eventlatch_sdk.strict_json import loads
from eventlatch_sdk.template import Templates
from eventlatch_sdk.testing import Bench

SDKS = Path(__file__).parents[2]


def vectors(file: str) -> Any:
    # With the SDK's own reader: it is exact where Python's is.
    return loads((SDKS / "vectors" / file).read_text())


class Order(FieldMatcher):
    name = "order"
    summary = "the rules of messages.json"

    def fields(self) -> Fields:
        rules = Fields.on("order").key(text("order")).key(integer("units")).key(boolean("paid"))
        return rules.optional(number("total")).optional(scalar("by")).time("at")


def test_keys_have_the_bytes_of_all_languages() -> None:
    for vector in vectors("keys.json"):
        fields = [ANY if field is None else of_value(field) for field in vector["fields"]]
        assert b"".join(fields).hex() == vector["key"], vector


def test_messages_are_read_as_in_all_languages() -> None:
    plan = Plan(Order().fields())
    for vector in vectors("messages.json"):
        value = vector["message"].encode() if "message" in vector else bytes.fromhex(vector["hex"])
        if "rejected" not in vector:
            keys, time = plan.extract(value)
            assert [key.hex() for key in keys] == vector["keys"], vector
            assert time is not None and (time.millis, time.is_civil) == (vector["time"], vector["civil"]), vector
            continue
        with pytest.raises(Reject) as reject:
            plan.extract(value)
        expected = vector["rejected"]
        agrees = str(reject.value).startswith("not JSON: ") if expected == "not JSON" else str(reject.value) == expected
        assert agrees, (vector, reject.value)


def test_templates_become_what_they_do_in_all_languages() -> None:
    templates = Templates(2)
    for vector in vectors("templates.json"):
        on = date.fromisoformat(vector["on"])
        if "rendered" in vector:
            assert templates.render(vector["template"], "yyyymm", on) == vector["rendered"], vector
            continue
        with pytest.raises(Problem) as problem:
            templates.render(vector["template"], "yyyymm", on)
        assert vector["problem"] in str(problem.value), vector


def test_schemas_are_those_of_the_rust_sdk() -> None:
    wanted = Bench.of(Order).description().wanted_schema
    assert wanted["required"] == ["order", "units", "paid"]
    assert wanted["properties"]["total"] == {"type": "number", "description": "left out: any value"}
    assert wanted["additionalProperties"] is False
    assert json.loads(json.dumps(wanted)) == wanted


def test_frames_are_those_of_all_languages() -> None:
    for vector in vectors("frames.json"):
        value = bytes.fromhex(vector["hex"])
        if "rejected" in vector:
            with pytest.raises(Reject, match=vector["rejected"]):
                Frame.of(value)
            continue
        frame = Frame.of(value)
        assert (frame.schema_id, frame.payload.hex()) == (vector["schema_id"], vector["payload"]), vector
        if "protobuf_rejected" in vector:
            with pytest.raises(Reject, match=vector["protobuf_rejected"]):
                frame.protobuf()
        else:
            indexes, rest = frame.protobuf()
            assert (indexes, rest.hex()) == (vector["indexes"], vector["bytes"]), vector
