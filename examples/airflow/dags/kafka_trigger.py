"""The event plugin's example: a gate, three tasks that show what has come, and the task that needs all of it."""

from datetime import datetime

from airflow import DAG

try:
    from airflow.providers.standard.operators.bash import BashOperator
    from airflow.providers.standard.operators.empty import EmptyOperator
except ImportError:  # Airflow 2
    from airflow.operators.bash import BashOperator
    from airflow.operators.empty import EmptyOperator

from eventlatch_airflow.operators import KafkaConsumerOperator

kafka_msgs = [
    {"frequency": "D", "topic": "etl-finish", "db": "db0", "table": "table0", "partition_values": "", "task_id": "tbla"},
    {
        "frequency": "D",
        "topic": "etl-finish",
        "db": "db1",
        "table": "table1",
        "partition_values": "{{yyyymm|dt.format(format='%Y%m')}}",
        "task_id": "tblb",
    },
    {"frequency": "D", "topic": "job-finish", "job_name": "jn1", "task_id": "joba"},
]

with DAG("kafka_trigger", start_date=datetime(2026, 1, 1), schedule=None, catchup=False) as dag:
    my_consumer = KafkaConsumerOperator(
        task_id="my_consumer",
        broker="localhost:9092",
        group_id="test",
        client_id="test",
        msgs=kafka_msgs,
        timeout=3600,
        soft_fail=False,
    )

    # task_id is that of a wanted message
    shown = [EmptyOperator(task_id=task_id) for task_id in ("tbla", "tblb", "joba")]

    my_task = BashOperator(task_id="my_task", bash_command="echo 'run_id={{ run_id }}'")

    my_consumer >> shown >> my_task
