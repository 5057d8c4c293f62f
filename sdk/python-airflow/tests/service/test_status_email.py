import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message
from running import Running, wants
from stack import NotYet, free_port, wait_for
from support import context

from eventlatch_airflow.compat import AirflowException
from eventlatch_airflow.operators import KafkaStatusEmailOperator


class Box(Message):
    """Keeps the mails that come."""

    def __init__(self) -> None:
        super().__init__()
        self.mails: list[object] = []

    def handle_message(self, message: object) -> None:
        self.mails.append(message)


@pytest.fixture
def mail(connection: str, running: Running) -> KafkaStatusEmailOperator:
    running.service.define("dag.gate", wants("x", "y"))
    running.service.open("dag.gate", {"name": "r"})
    running.service.open("dag.gate", {"name": "other"})
    return KafkaStatusEmailOperator(
        task_id="mail",
        to="team@example.org",
        from_email="airflow@example.org",
        sensor_name="dag.gate",
        eventlatch_conn_id=connection,
    )


def test_a_mail_says_what_is_missing_and_what_is_here(
    mail: KafkaStatusEmailOperator, running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    running.finish("x")

    def received() -> None:
        if running.service.explain("dag.gate", "r")["received"] != 1:
            raise NotYet("x")

    wait_for("x to be received", 30, received)
    box = Box()
    server = Controller(box, hostname="127.0.0.1", port=free_port())
    server.start()
    try:
        plain = "disable_ssl=true&disable_tls=true"
        monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", f"smtp://127.0.0.1:{server.port}/?{plain}")
        mail.subject = "[Failed] dag r"
        mail.execute(context("r"))
    finally:
        server.stop()
    (sent,) = box.mails
    assert sent["Subject"] == "[Failed] dag r"
    html = next(part for part in sent.walk() if part.get_content_type() == "text/html").get_payload(decode=True).decode()
    assert "dag.gate: 1 of 2 received" in html
    missing, _, here = html.partition("Received")
    assert "Missing from job-finish" in missing
    assert '"job_name": "y"' in missing
    assert "job-finish/0@1" in here


def test_a_run_without_a_wait_is_told(mail: KafkaStatusEmailOperator) -> None:
    with pytest.raises(AirflowException, match="no wait of the run another"):
        mail.page(context("another"))
