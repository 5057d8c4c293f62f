from datetime import datetime

try:
    from airflow.sdk import DAG, Asset
except ImportError:
    from airflow import DAG
    from airflow.datasets import Dataset as Asset
try:
    from airflow.providers.standard.operators.empty import EmptyOperator
    from airflow.providers.standard.operators.python import PythonOperator
    from airflow.providers.standard.sensors.python import PythonSensor
except ImportError:
    from airflow.operators.empty import EmptyOperator
    from airflow.operators.python import PythonOperator
    from airflow.sensors.python import PythonSensor


def never():
    return False


def gate():
    return PythonSensor(task_id="gate", python_callable=never, mode="reschedule", poke_interval=3600)


terms = {"start_date": datetime(2026, 1, 1), "catchup": False, "is_paused_upon_creation": False}

with DAG("gated", schedule=None, **terms):
    opens, after = gate(), EmptyOperator(task_id="after")
    for task in ["a", "b", "c"]:
        opens >> EmptyOperator(task_id=task) >> after

with DAG("mapped", schedule=None, **terms):
    gate() >> PythonOperator.partial(task_id="many", python_callable=print).expand(op_args=[["x"], ["y"], ["z"]])

with DAG("listening", schedule=[Asset("s3://lake/orders")], **terms):
    EmptyOperator(task_id="done")

with DAG("report", schedule=None, **terms):
    EmptyOperator(task_id="done")
