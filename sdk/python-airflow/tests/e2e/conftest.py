"""The processes are those of ``examples/airflow/stack.py``. The Pythons with Airflow are those of ``make test-airflow``,
``target/airflow3`` and ``target/airflow2``; ``EVENTLATCH_AIRFLOW3`` and ``EVENTLATCH_AIRFLOW2`` name others.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import stack
from confluent_kafka.admin import AdminClient, NewTopic
from stack import Airflow, Kafka, Service, free_port, python_of
from world import World

HERE = Path(__file__).resolve().parent
EXAMPLE = Path(stack.__file__).resolve().parent


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kafka]:
    """One for each world: what was sent in another would mark the tasks of this one."""
    kafka = Kafka(tmp_path_factory.mktemp("kafka") / "broker")
    # Airflow tells nothing where its topic is not there.
    admin = AdminClient({"bootstrap.servers": kafka.address})
    admin.create_topics([NewTopic("airflow.events", 2)])["airflow.events"].result(60)
    yield kafka
    kafka.process.stop()


def publishing(kafka: Kafka) -> dict[str, str]:
    """The variables by which an Airflow tells in Kafka what becomes of the DAG ``load``. An Airflow 2 does not flush what it
    tells at the end of a task.
    """
    return {
        "AIRFLOW_CONN_KAFKA_DEFAULT": json.dumps({"conn_type": "kafka", "extra": {"bootstrap.servers": kafka.address}}),
        "AIRFLOW__KAFKA_EVENT_PRODUCER__DAG_RUN_EVENTS_ENABLED": "True",
        "AIRFLOW__KAFKA_EVENT_PRODUCER__DAG_RUN_DAG_ID_ALLOWLIST": "load",
        "AIRFLOW__KAFKA_EVENT_PRODUCER__TASK_INSTANCE_EVENTS_ENABLED": "True",
        "AIRFLOW__KAFKA_EVENT_PRODUCER__TASK_INSTANCE_DAG_ID_ALLOWLIST": "load",
        "AIRFLOW__KAFKA_EVENT_PRODUCER__SOURCE": "here",
    }


@pytest.fixture(scope="module")
def make_world(kafka: Kafka, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], World]]:
    """Makes a world with an Airflow of a version. One at a time is enough for a small machine."""
    with ExitStack() as ends:

        def make(major: str) -> World:
            python = os.environ.get(f"EVENTLATCH_AIRFLOW{major}", python_of(f"airflow{major}"))
            if not Path(python).exists():
                pytest.fail(f"{python} is missing: run `make test-airflow`, or set EVENTLATCH_AIRFLOW{major}")
            home = tmp_path_factory.mktemp(f"airflow{major}")
            dags = home / "dags"
            shutil.copytree(HERE / "dags", dags)
            shutil.copytree(EXAMPLE / "dags", dags, dirs_exist_ok=True)
            port = free_port()
            airflow = Airflow(home / "airflow", python, dags, port, publishing(kafka) if major == "3" else {})
            ends.callback(airflow.process.stop)
            service = Service(home / "eventlatch", airflow.configuration(kafka.address, group=f"airflow{major}"), port)
            ends.callback(service.process.stop)
            return World(airflow, service)

        yield make
