"""A mail that says how a sensor stands: what is missing and why, and what has come."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jinja2
from airflow.providers.smtp.operators.smtp import EmailOperator

from eventlatch_airflow import runs
from eventlatch_airflow.compat import AirflowException, Context
from eventlatch_airflow.hooks import DEFAULT_CONNECTION, EventLatchHook

_PAGE = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined).from_string(
    """\
<h2>{{ sensor }}: {{ received }} of {{ needed }} received</h2>
<p>DAG {{ dag_id }}, run {{ run_id }}{% if wait %}, business date {{ wait.business_date }}: {{ wait.state }}
{%- if wait.deadline %}, deadline {{ wait.deadline }}{% endif %}{% endif %}</p>
{% for topic, rows in missing | groupby("topic") %}
<h3>Missing from {{ topic }}</h3>
<table border="1" cellpadding="4" style="border-collapse: collapse">
<tr><th>task</th><th>wanted</th><th>every</th><th>why</th><th>last came</th></tr>
{% for row in rows %}
<tr><td>{{ row.task_id }}</td><td>{{ (row.wanted or {}) | tojson }}</td><td>{{ row.frequency }}</td>
<td>{% for reason in row.reasons %}{{ reason.text }}{% if not loop.last %}<br>{% endif %}{% endfor %}</td>
<td>{{ (row.last_came or {}).get("at", "never") }}</td></tr>
{% endfor %}
</table>
{% endfor %}
{% if here %}
<h3>Received</h3>
<table border="1" cellpadding="4" style="border-collapse: collapse">
<tr><th>task</th><th>topic</th><th>since</th><th>message</th></tr>
{% for row in here %}
<tr><td>{{ row.task_id }}</td><td>{{ row.topic }}</td><td>{{ row.since }}</td><td>{{ row.message or "by hand" }}</td></tr>
{% endfor %}
</table>
{% endif %}
"""
)


class KafkaStatusEmailOperator(EmailOperator):
    """Mails how a sensor stands in this run, as the service explains it. Give it ``trigger_rule="all_failed"``.

    It is Airflow's ``EmailOperator`` (connection ``smtp_default``) with another content. The service can send such mails
    itself, also where no DAG runs: ``[report.email]`` in its configuration.

    :param sensor_name: the sensor
    :param to: to whom
    :param subject: default ``[Failed] DAG_ID RUN_ID``
    :param html_content: what to say in place of the explanation
    :param threshold: of the old plugin; changes nothing
    :param eventlatch_conn_id: the connection to the service
    """

    template_fields: Sequence[str] = (*EmailOperator.template_fields, "sensor_name")
    ui_color = "#7FB0B0"

    def __init__(
        self,
        *,
        sensor_name: str,
        subject: str | None = None,
        html_content: str | None = None,
        threshold: int | None = None,  # noqa: ARG002
        eventlatch_conn_id: str = DEFAULT_CONNECTION,
        **kwargs: Any,
    ) -> None:
        subject = subject or "[Failed] {{ dag.dag_id }} {{ run_id }}"
        super().__init__(subject=subject, html_content=html_content or "", **kwargs)
        self.sensor_name = sensor_name
        self.eventlatch_conn_id = eventlatch_conn_id

    def execute(self, context: Context) -> Any:
        """Asks the service, and sends."""
        if not self.html_content:
            self.html_content = self.page(context)
        return super().execute(context)

    def page(self, context: Context) -> str:
        """What the mail says."""
        service = EventLatchHook(self.eventlatch_conn_id).get_conn()
        ti = context["ti"]
        of_run = (wait for wait in service.waits(self.sensor_name) if runs.is_of_run(wait["name"], ti.run_id))
        wait = next(of_run, None)
        if wait is None:
            raise AirflowException(f"the sensor {self.sensor_name} has no wait of the run {ti.run_id}")
        explanation = service.explain(self.sensor_name, wait["name"])
        return _PAGE.render(dag_id=ti.dag_id, run_id=ti.run_id, **explanation)
