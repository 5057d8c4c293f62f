"""Sends messages to Kafka: a list, files, or what files come to when they are merged.

Needs a Kafka client: ``pip install 'eventlatch-airflow[kafka]'``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from eventlatch_airflow.compat import AirflowException, BaseOperator, Context

#: A message: text as it is, or what becomes JSON.
Message = str | bytes | dict[str, Any] | list[Any]

#: The longest time to send everything, in seconds.
_FLUSH = 60.0


def encoded(message: Message) -> bytes:
    """What is sent of a message."""
    if isinstance(message, bytes):
        return message
    return (message if isinstance(message, str) else json.dumps(message, ensure_ascii=False)).encode()


class _Producing(BaseOperator):
    """What all of them have: a broker, and messages that are all delivered or the task fails."""

    template_fields: Sequence[str] = ("broker",)

    def __init__(self, *, broker: str, producer_config: dict[str, Any] | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.broker = broker
        self.producer_config = producer_config

    def messages(self) -> Iterator[tuple[str, Message]]:
        """Topics and messages, in the order in which they are sent."""
        raise NotImplementedError

    def execute(self, context: Context) -> int:  # noqa: ARG002
        """Sends everything, and tells how many messages that were."""
        try:
            from confluent_kafka import Producer
        except ImportError as error:
            raise AirflowException("there is no Kafka client: pip install 'eventlatch-airflow[kafka]'") from error
        failures: list[str] = []

        def delivered(error: Any, message: Any) -> None:
            if error is not None:
                failures.append(f"{message.topic()}: {error}")

        producer = Producer({"enable.idempotence": True, **(self.producer_config or {}), "bootstrap.servers": self.broker})
        count = 0
        for topic, message in self.messages():
            producer.produce(topic, encoded(message), on_delivery=delivered)
            producer.poll(0)
            count += 1
        left = producer.flush(_FLUSH)
        if left or failures:
            raise AirflowException(f"{left + len(failures)} of {count} messages were not delivered: {failures[:5]}")
        self.log.info("%d messages were sent", count)
        return count


class KafkaProducerOperator(_Producing):
    """Sends a list of messages to a topic.

    :param broker: ``host:port``, several with commas
    :param topic: where to
    :param data: the messages: texts, or dictionaries that become JSON
    :param producer_config: more properties of librdkafka, as for TLS and SASL
    """

    template_fields: Sequence[str] = ("broker", "topic", "data")
    ui_color = "#4db8ff"

    def __init__(self, *, topic: str, data: Sequence[Message], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.topic = topic
        self.data = data

    def messages(self) -> Iterator[tuple[str, Message]]:
        """As they were given."""
        return ((self.topic, message) for message in self.data)


class KafkaProducerFromFileOperator(_Producing):
    """Sends what files hold: on each line ``{"topic": "…", "data": [messages]}``.

    :param file_list: the paths of the files
    """

    template_fields: Sequence[str] = ("broker", "file_list")
    ui_color = "#809fff"

    def __init__(self, *, file_list: Sequence[str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.file_list = file_list

    def messages(self) -> Iterator[tuple[str, Message]]:
        """In the order of the lines. Each becomes JSON, a text too, as the old operator sent it."""
        for topic, message in _read(self.file_list):
            yield topic, json.dumps(message, ensure_ascii=False)


#: How the values of a field are merged.
_RULES: dict[str, Callable[[list[Any]], Any]] = {
    "max": max,
    "sum": sum,
    "join": lambda values: "+".join(map(str, values)),
    "update": lambda values: {key: value for it in values for key, value in it.items()},
}

#: The rules of the old plugin. A field without a rule is that of the first message.
MERGES: dict[str, dict[str, str]] = {
    "HiveSinkFinish": {
        "partition_values": "join",
        "system_datetime": "max",
        "count": "sum",
        "duration_time": "sum",
        "options": "update",
    },
    "JobFinish": {"job_name": "join", "finish_time": "max", "duration_time": "sum"},
}


class KafkaProducerFromMergeFileOperator(KafkaProducerFromFileOperator):
    """Sends one message for each group of the messages in files.

    :param match_dict: the groups of a topic: a list of fields and the values that a message of the group has. A topic is
        named as it is, or as the old plugin did: ``HiveSinkFinish`` for ``hive-sink-finish``
    :param merges: how fields are merged, by topic: ``"max"``, ``"sum"``, ``"join"`` (with ``+``) or ``"update"``. Default:
        :data:`MERGES`, and the first message's value
    """

    ui_color = "#A9BCF5"

    def __init__(
        self,
        *,
        match_dict: dict[str, list[dict[str, Any]]],
        merges: dict[str, dict[str, str]] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.match_dict = match_dict
        self.merges = merges

    def messages(self) -> Iterator[tuple[str, Message]]:
        """One for each group that is not empty."""
        by_topic: dict[str, list[dict[str, Any]]] = {}
        for topic, message in _read(self.file_list):
            by_topic.setdefault(topic, []).append(message)
        for topic, messages in by_topic.items():
            groups = _of_topic(self.match_dict, topic)
            if groups is None:
                self.log.warning("`match_dict` has no groups for the topic %s: its messages are not sent", topic)
                continue
            rules = _of_topic({**MERGES, **(self.merges or {})}, topic) or {}
            for group in groups:
                members = [it for it in messages if all(it.get(key) == value for key, value in group.items())]
                if members:
                    yield topic, merged(members, rules)


def merged(messages: Sequence[dict[str, Any]], rules: dict[str, str]) -> dict[str, Any]:
    """The first message, with the fields that have a rule merged over all that have them."""
    result = dict(messages[0])
    for field, rule in rules.items():
        values = [message[field] for message in messages if field in message]
        if values:
            result[field] = _RULES[rule](values)
    return result


def _of_topic(by_name: dict[str, Any], topic: str) -> Any:
    return by_name.get(topic, by_name.get("".join(part.capitalize() for part in topic.split("-"))))


def _read(files: Iterable[str]) -> Iterator[tuple[str, Any]]:
    for file in files:
        with Path(file).open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):
                if not line.strip():
                    continue
                try:
                    entry = json.loads(line)
                    topic, data = entry["topic"], entry["data"]
                except (ValueError, KeyError, TypeError) as error:
                    raise AirflowException(f'{file}:{number}: not {{"topic": …, "data": […]}}: {error!r}') from error
                for message in data:
                    yield topic, message
