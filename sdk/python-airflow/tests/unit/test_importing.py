import csv
import json
import sqlite3
from pathlib import Path

import pytest

from eventlatch_airflow import importing

WANTED = [
    {"frequency": "D", "topic": "etl-finish", "db": "d", "table": "t", "partition_values": "201907", "task_id": "tbl"},
    {"frequency": "D", "topic": "job-finish", "job_name": "jn", "is_success": True, "task_id": "job"},
]
COLUMNS = ("id", "name", "msg", "source_type", "frequency", "last_receive", "last_receive_time", "timeout")


def rows() -> list[tuple[object, ...]]:
    received = ('{"db": "d"}', "2019-07-07 03:08:04")
    return [
        (1, "dag.gate", json.dumps(WANTED[0], sort_keys=True), "kafka", "D", *received, "2019-07-07 23:59:59.000000"),
        (2, "dag.gate", json.dumps(WANTED[1], sort_keys=True), "kafka", "D", None, None, "2019-07-07 23:59:59.000000"),
    ]


@pytest.fixture(params=["database", "csv", "json"])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "database":
        with sqlite3.connect(tmp_path / "old.db") as database:
            database.execute(f"create table airflow_event_plugins ({', '.join(COLUMNS)})")
            database.executemany(f"insert into airflow_event_plugins values ({', '.join('?' * 8)})", rows())
        return f"sqlite:///{tmp_path / 'old.db'}"
    file = tmp_path / f"old.{request.param}"
    if request.param == "csv":
        with file.open("w", newline="") as out:
            csv.writer(out).writerows([COLUMNS, *rows()])
    else:
        file.write_text(json.dumps([dict(zip(COLUMNS, row, strict=True)) for row in rows()]))
    return str(file)


def test_the_table_becomes_sensor_files(source: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert importing.main(["import", source, "--into", str(tmp_path / "sensors")]) == 0
    assert json.loads((tmp_path / "sensors/dag.gate.json").read_text()) == {"name": "dag.gate", "wanted": WANTED}
    told = capsys.readouterr().out
    assert "dag.gate  tbl  etl-finish  received 2019-07-07 03:08:04" in told
    assert "dag.gate  job  job-finish  not received" in told
    assert (
        'partition_values = "201907" looks like a template that was filled in: perhaps "{{yyyymm|dt.format(format=\'%Y%m\')}}"'
        in told
    )


def test_no_file_is_overwritten(source: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "dag.gate.json").write_text("mine")
    assert importing.main(["import", source, "--into", str(tmp_path)]) == 1
    assert "would overwrite" in capsys.readouterr().err
    assert (tmp_path / "dag.gate.json").read_text() == "mine"


@pytest.mark.parametrize("source", ["nowhere.json", "sqlite:////nowhere/at/all.db", "what"])
def test_what_cannot_be_read_is_told(source: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert importing.main(["import", source]) == 1
    assert capsys.readouterr().err.startswith("eventlatch-airflow: ")
