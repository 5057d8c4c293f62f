"""Ten gates in a run, each waiting for a message that does not come until it is sent."""

from datetime import datetime

from airflow import DAG

from eventlatch_airflow.sensors import EventLatchSensor

with DAG(
    "many",
    start_date=datetime(2026, 1, 1),
    schedule=None,
    catchup=False,
    is_paused_upon_creation=True,
    max_active_runs=100,
    max_active_tasks=1000,
):
    for number in range(10):
        EventLatchSensor(
            task_id=f"gate{number}",
            msgs=[{"frequency": "D", "topic": "job-finish", "job_name": f"many-{number}", "task_id": "job"}],
            mark_success=False,
            timeout=86400,
        )
