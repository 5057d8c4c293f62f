"""What Airflow is told of this package."""

from __future__ import annotations

from typing import Any

from eventlatch_airflow import __version__


def get_provider_info() -> dict[str, Any]:
    """The provider's description, in the form of Airflow's ``provider_info`` schema."""
    return {
        "package-name": "eventlatch-airflow",
        "name": "eventlatch",
        "description": "Tasks that wait for Kafka messages without holding a worker.",
        "versions": [__version__],
        "integrations": [
            {
                "integration-name": "eventlatch",
                "external-doc-url": "https://github.com/eventlatch/eventlatch",
                "tags": ["service"],
            }
        ],
        "connection-types": [{"connection-type": "eventlatch", "hook-class-name": "eventlatch_airflow.hooks.EventLatchHook"}],
        "hooks": [{"integration-name": "eventlatch", "python-modules": ["eventlatch_airflow.hooks"]}],
        "sensors": [{"integration-name": "eventlatch", "python-modules": ["eventlatch_airflow.sensors"]}],
        "operators": [{"integration-name": "eventlatch", "python-modules": ["eventlatch_airflow.operators"]}],
        "triggers": [{"integration-name": "eventlatch", "python-modules": ["eventlatch_airflow.triggers"]}],
    }
