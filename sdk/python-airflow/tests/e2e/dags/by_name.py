"""DAGs like the example's, each waiting in another way. What they wait for is named by whoever starts a run:
``{"name": "x"}`` waits for the jobs ``x-a``, ``x-b`` and ``x-c``.
"""

from datetime import datetime, timedelta
from typing import Any

from airflow import DAG

try:
    from airflow.providers.standard.operators.empty import EmptyOperator
except ImportError:  # Airflow 2
    from airflow.operators.empty import EmptyOperator

from eventlatch_airflow.operators import KafkaConsumerOperator, KafkaProducerOperator
from eventlatch_airflow.sensors import EventLatchSensor

MESSAGES = [
    {"frequency": "D", "topic": "job-finish", "job_name": f"{{{{ dag_run.conf['name'] }}}}-{letter}", "task_id": letter}
    for letter in "abc"
]

#: Long enough for a test to send something before, on a machine that is busy.
SHORT = 15


def by_name(dag_id: str, operator: Any = KafkaConsumerOperator, **arguments: Any) -> DAG:
    with DAG(dag_id, start_date=datetime(2026, 1, 1), schedule=None, catchup=False) as dag:
        gate = operator(task_id="gate", msgs=MESSAGES, **arguments)
        (
            gate
            >> [EmptyOperator(task_id=letter) for letter in "abc"]
            >> EmptyOperator(task_id="after", trigger_rule="none_failed")
        )
    return dag


waits = by_name("waits", timeout=3600)
fails = by_name("fails", timeout=SHORT)
skips = by_name("skips", timeout=SHORT, soft_fail=True)
heals = by_name("heals", EventLatchSensor, timeout=SHORT, late="heal")
tries_again = by_name("tries_again", timeout=SHORT, retries=1, retry_delay=timedelta(seconds=1))
reschedules = by_name("reschedules", mode="reschedule", poke_interval=8, timeout=3600)
pokes = by_name("pokes", mode="poke", timeout=3600, debug_mode=True)

with DAG("mapped", start_date=datetime(2026, 1, 1), schedule=None, catchup=False) as mapped:
    gates = EventLatchSensor.partial(task_id="gate", mark_success=False, timeout=3600).expand(
        msgs=[
            [{"frequency": "D", "topic": "job-finish", "job_name": f"mapped-{number}", "task_id": "job"}] for number in range(3)
        ]
    )
    gates >> EmptyOperator(task_id="after")

with DAG("sends", start_date=datetime(2026, 1, 1), schedule=None, catchup=False) as sends:
    finished = """{"job_name": "{{ dag_run.conf.name }}-%s", "is_success": true, "timestamp": {{ macros.time.time() | int }}}"""
    KafkaProducerOperator(
        task_id="send",
        broker="{{ dag_run.conf.broker }}",
        topic="job-finish",
        data=[finished % letter for letter in "abc"],
    )
