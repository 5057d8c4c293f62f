"""The operators of the old event plugin, under their old names."""

from eventlatch_airflow.operators.consumer import KafkaConsumerOperator
from eventlatch_airflow.operators.producer import (
    KafkaProducerFromFileOperator,
    KafkaProducerFromMergeFileOperator,
    KafkaProducerOperator,
)
from eventlatch_airflow.operators.status_email import KafkaStatusEmailOperator

__all__ = [
    "KafkaConsumerOperator",
    "KafkaProducerFromFileOperator",
    "KafkaProducerFromMergeFileOperator",
    "KafkaProducerOperator",
    "KafkaStatusEmailOperator",
]
