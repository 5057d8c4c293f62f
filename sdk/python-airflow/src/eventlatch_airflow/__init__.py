"""Airflow tasks that wait for Kafka messages through eventlatch.

Start in :mod:`eventlatch_airflow.sensors`: a sensor opens a wait with the service and defers. What wakes it is in
:mod:`eventlatch_airflow.triggers`; the names of the old event plugin are in :mod:`eventlatch_airflow.operators`.
"""

__version__ = "0.1.0"
