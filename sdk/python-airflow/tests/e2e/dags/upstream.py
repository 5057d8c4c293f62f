"""A DAG that waits for another one, of which Airflow itself tells in Kafka: for a task that ends well, for one that fails, and
for the run. Which run is named by whoever starts this one: ``{"name": "RUN_ID"}``.
"""

from datetime import datetime

from airflow import DAG

try:
    from airflow.providers.standard.operators.bash import BashOperator
    from airflow.providers.standard.operators.empty import EmptyOperator
except ImportError:  # Airflow 2
    from airflow.operators.bash import BashOperator
    from airflow.operators.empty import EmptyOperator

from eventlatch_airflow.sensors import EventLatchSensor

OF_LOAD = {"frequency": "D", "topic": "airflow.events", "dag_id": "load", "run_id": "{{ dag_run.conf['name'] }}"}
MESSAGES = [
    {**OF_LOAD, "upstream_task_id": "orders", "source": "here", "task_id": "orders_are_loaded"},
    {**OF_LOAD, "upstream_task_id": "checks", "state": "failed", "task_id": "checks_have_failed"},
    {**OF_LOAD, "state": "failed", "task_id": "load_has_failed"},
]

with DAG("load", start_date=datetime(2026, 1, 1), schedule=None, catchup=False) as load:
    BashOperator(task_id="orders", bash_command="true") >> BashOperator(task_id="checks", bash_command="false")

with DAG("reports", start_date=datetime(2026, 1, 1), schedule=None, catchup=False) as reports:
    gate = EventLatchSensor(task_id="gate", msgs=MESSAGES, timeout=3600)
    gate >> [EmptyOperator(task_id=str(it["task_id"])) for it in MESSAGES] >> EmptyOperator(task_id="after")
