import pytest
from running import Running, wants

from eventlatch_airflow.api import Endpoint, Service, ServiceAwayError, ServiceError, is_settled
from eventlatch_airflow.hooks import EventLatchHook


def test_a_wait_is_opened_once_and_seen_to_its_end(running: Running) -> None:
    service = running.service
    service.define("a.b", wants("x", "y"))
    opened = service.open("a.b", {"name": "test:1+00:00/ä"})
    assert (opened["state"], is_settled(opened)) == ("waiting", False)
    assert service.open("a.b", {"name": "test:1+00:00/ä"})["opened_at"] == opened["opened_at"]
    running.finish("x")
    running.finish("y")
    ended = service.wait("a.b", "test:1+00:00/ä", until_settled=30)
    assert ended is not None
    assert (ended["state"], is_settled(ended)) == ("complete", True)
    assert [task["state"] for task in ended["tasks"]] == ["success", "success"]


def test_what_is_not_there_is_nothing(running: Running) -> None:
    assert running.service.wait("no", "thing") is None
    running.service.retire("no")
    running.service.cancel("no", "thing", "why not")
    assert running.service.waits("no") == []


def test_a_definition_with_a_mistake_is_told_with_its_place(running: Running) -> None:
    with pytest.raises(ServiceError, match=r"/wanted/0.*job_name|job_name.*/wanted/0"):
        running.service.define("a", {"wanted": [{"frequency": "D", "topic": "job-finish", "task_id": "t"}]})


def test_a_wrong_token_is_told_at_once(running: Running) -> None:
    with pytest.raises(ServiceError, match="missing or wrong"):
        Service(Endpoint(running.endpoint.url, "wrong")).count_sensors()


def test_a_service_that_is_away_is_asked_again(running: Running) -> None:
    running.stop()
    with pytest.raises(ServiceAwayError, match="does not answer"):
        Service(running.endpoint, patience=0).count_sensors()
    running.start()
    assert running.service.count_sensors() == 0


def test_the_hook_tells_whether_it_works(connection: str, running: Running) -> None:
    hook = EventLatchHook(connection)
    assert hook.test_connection() == (True, "eventlatch answers; it has 0 sensors")
    running.stop()
    ok, why = hook.test_connection()
    assert not ok
    assert "does not answer" in why
