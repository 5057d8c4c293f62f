"""The connection to the service."""

from __future__ import annotations

from typing import Any

from eventlatch_airflow.api import Endpoint, Service, ServiceAwayError, ServiceError
from eventlatch_airflow.compat import BaseHook

DEFAULT_CONNECTION = "eventlatch_default"

#: Where the service listens when nobody says otherwise.
PORT = 8686


class EventLatchHook(BaseHook):
    """Asks the eventlatch service.

    The connection has the type ``eventlatch``: *host*, *port* (default 8686), *schema* ``http`` (default) or ``https``, and
    the service's token as its *password*. With TLS ``verify`` in the extra is ``false`` or the path of a file of trusted
    certificates.

    :param eventlatch_conn_id: the connection to the service
    """

    conn_name_attr = "eventlatch_conn_id"
    default_conn_name = DEFAULT_CONNECTION
    conn_type = "eventlatch"
    hook_name = "eventlatch"

    def __init__(self, eventlatch_conn_id: str = DEFAULT_CONNECTION) -> None:
        super().__init__()
        self.eventlatch_conn_id = eventlatch_conn_id

    @classmethod
    def get_ui_field_behaviour(cls) -> dict[str, Any]:
        """How Airflow shows the connection."""
        return {
            "hidden_fields": ["login"],
            "relabeling": {"password": "Token", "schema": "http or https"},
            "placeholders": {
                "host": "eventlatch.example.org",
                "port": str(PORT),
                "schema": "http",
                "extra": '{"verify": "/etc/ssl/ca.pem"}',
            },
        }

    def endpoint(self) -> Endpoint:
        """Where the service is, as the connection says now."""
        connection = self.get_connection(self.eventlatch_conn_id)
        scheme = connection.schema or "http"
        host = connection.host or "127.0.0.1"
        port = connection.port or PORT
        verify = connection.extra_dejson.get("verify", True)
        return Endpoint(f"{scheme}://{host}:{port}", connection.password or None, verify)

    def get_conn(self) -> Service:
        """The service, to be asked."""
        return Service(self.endpoint())

    def test_connection(self) -> tuple[bool, str]:
        """Whether the service answers and takes the token."""
        try:
            count = Service(self.endpoint(), patience=0).count_sensors()
        except (ServiceAwayError, ServiceError) as error:
            return False, str(error)
        return True, f"eventlatch answers; it has {count if count < 1000 else '1000 or more'} sensors"
