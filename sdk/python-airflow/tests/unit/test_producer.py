import json
from pathlib import Path

import pytest

from eventlatch_airflow.compat import AirflowException
from eventlatch_airflow.operators import (
    KafkaProducerFromFileOperator,
    KafkaProducerFromMergeFileOperator,
    KafkaProducerOperator,
)
from eventlatch_airflow.operators.producer import encoded


def test_texts_go_as_they_are_and_dictionaries_as_json() -> None:
    send = KafkaProducerOperator(task_id="send", broker="b", topic="t", data=["text", {"a": "ä"}])
    assert [(topic, encoded(message)) for topic, message in send.messages()] == [
        ("t", b"text"),
        ("t", '{"a": "ä"}'.encode()),
    ]


def test_files_say_topic_and_messages(tmp_path: Path) -> None:
    file = tmp_path / "messages"
    file.write_text('{"topic": "a", "data": ["x"]}\n\n{"topic": "b", "data": [{"n": true}, 2]}\n')
    send = KafkaProducerFromFileOperator(task_id="send", broker="b", file_list=[str(file)])
    assert list(send.messages()) == [("a", '"x"'), ("b", '{"n": true}'), ("b", "2")]


def test_a_file_with_a_mistake_is_told_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "messages"
    file.write_text('{"topic": "a", "data": []}\n{"topic": "a"}\n')
    send = KafkaProducerFromFileOperator(task_id="send", broker="b", file_list=[str(file)])
    with pytest.raises(AirflowException, match=r"messages:2: .*'data'"):
        list(send.messages())


def test_groups_are_merged_over_files(tmp_path: Path) -> None:
    def sink(table: str, partition: str, count: int) -> dict[str, object]:
        return {"db": "d", "table": table, "partition_values": partition, "count": count, "options": {partition: count}}

    first, second = tmp_path / "1", tmp_path / "2"
    first.write_text(json.dumps({"topic": "hive-sink-finish", "data": [sink("t", "a", 1), sink("u", "x", 5)]}) + "\n")
    second.write_text(json.dumps({"topic": "hive-sink-finish", "data": [sink("t", "b", 2)]}) + "\n")
    send = KafkaProducerFromMergeFileOperator(
        task_id="send",
        broker="b",
        file_list=[str(first), str(second)],
        match_dict={"HiveSinkFinish": [{"db": "d", "table": "t"}, {"table": "absent"}]},
        merges={"HiveSinkFinish": {"partition_values": "join", "count": "max", "options": "update"}},
    )
    merged = {**sink("t", "a+b", 2), "options": {"a": 1, "b": 2}}
    assert list(send.messages()) == [("hive-sink-finish", merged)]
