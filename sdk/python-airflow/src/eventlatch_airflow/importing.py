"""``eventlatch-airflow import``: the old plugin's table becomes sensor files.

The table holds what is wanted, as its templates came out on the day, and what came. What is wanted goes into files. What
came is told and not imported: the service reads the messages of open windows back from Kafka when it gets to know a sensor,
and a receipt without its message would be one that nobody can verify.
"""

from __future__ import annotations

import argparse
import csv
import json
import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy

TABLE = "airflow_event_plugins"

#: The old plugin renders for the day so many days before.
_LAG = timedelta(days=2)

_FORMATS = ("%Y%m", "%Y-%m", "%Y%m%d", "%Y-%m-%d")


class ImportFailedError(Exception):
    """What cannot be imported, and why."""


@dataclass(frozen=True)
class Row:
    """A row of the table: one wanted message of a sensor."""

    sensor: str
    wanted: dict[str, Any]
    received: str | None
    expires: str | None

    @classmethod
    def of(cls, columns: dict[str, Any], number: int) -> Row:
        """From the columns ``name``, ``msg``, ``last_receive_time`` and ``timeout``."""
        try:
            wanted = json.loads(columns["msg"])
            if not isinstance(wanted, dict):
                raise ValueError("`msg` is no JSON object")
            name = str(columns["name"])
        except KeyError as error:
            raise ImportFailedError(f"row {number} has no column {error}") from error
        except ValueError as error:
            raise ImportFailedError(f"row {number}: {error}") from error
        received, expires = (str(columns.get(key) or "") or None for key in ("last_receive_time", "timeout"))
        return cls(name, wanted, received, expires)

    def templates(self) -> dict[str, str]:
        """Values that look like what a template came to, with the template that would have."""
        if self.expires is None:
            return {}
        day = datetime.fromisoformat(self.expires).date() - _LAG
        by_value = {day.strftime(form): form for form in reversed(_FORMATS)}
        return {
            key: f"{{{{yyyymm|dt.format(format='{by_value[value]}')}}}}"
            for key, value in self.wanted.items()
            if isinstance(value, str) and value in by_value
        }


def read(source: str, table: str = TABLE) -> list[Row]:
    """The rows of a database (``sqlite:///…``, ``postgresql://…``, whatever SQLAlchemy reads) or of a file exported from one.

    :raises ImportFailedError: it cannot be read, or a row makes no sense
    """
    if source.endswith(".json"):
        columns = json.loads(Path(source).read_text(encoding="utf-8"))
    elif source.endswith(".csv"):
        with Path(source).open(encoding="utf-8", newline="") as file:
            columns = list(csv.DictReader(file))
    elif "://" in source:
        columns = _from_database(source, table)
    else:
        raise ImportFailedError(f"{source}: give a database's URL (sqlite:////path, postgresql://…), a .csv or a .json file")
    return [Row.of(row, number) for number, row in enumerate(columns, start=1)]


def _from_database(url: str, table: str) -> list[dict[str, Any]]:
    try:
        engine = sqlalchemy.create_engine(url)
        names: list[Any] = [sqlalchemy.column(name) for name in ("name", "msg", "last_receive_time", "timeout")]
        wanted = sqlalchemy.select(*names).select_from(sqlalchemy.table(table)).order_by(sqlalchemy.column("id"))
        with engine.connect() as connection:
            return [dict(row) for row in connection.execute(wanted).mappings()]
    except (sqlalchemy.exc.SQLAlchemyError, ImportError) as error:
        raise ImportFailedError(f"the table {table} cannot be read: {error}") from error


def write(rows: Iterable[Row], folder: Path) -> list[Path]:
    """A sensor file for each sensor. None is overwritten.

    :raises ImportFailedError: a file is there already; then none was written
    """
    sensors: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        sensors.setdefault(row.sensor, []).append(row.wanted)
    files = {folder / f"{re.sub(r'[^A-Za-z0-9_.-]', '_', name)}.json": name for name in sensors}
    there = [str(file) for file in files if file.exists()]
    if there or len(files) < len(sensors):
        raise ImportFailedError(f"would overwrite {', '.join(there) or 'one with another'}: take another folder")
    folder.mkdir(parents=True, exist_ok=True)
    for file, name in files.items():
        definition = {"name": name, "wanted": sensors[name]}
        file.write_text(json.dumps(definition, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return list(files)


def describe(rows: Sequence[Row]) -> str:
    """What is to be known of the rows, one in a line."""
    lines = []
    for row in rows:
        came = f"received {row.received}" if row.received else "not received"
        lines.append(f"{row.sensor}  {row.wanted.get('task_id')}  {row.wanted.get('topic')}  {came}")
        lines += [
            f'    {key} = "{row.wanted[key]}" looks like a template that was filled in: perhaps "{template}"'
            for key, template in row.templates().items()
        ]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command. 0: done, 1: nothing was written."""
    parser = argparse.ArgumentParser(prog="eventlatch-airflow", description="Moves from the event plugin to eventlatch.")
    commands = parser.add_subparsers(dest="command", required=True)
    importing = commands.add_parser("import", help="the old plugin's table becomes sensor files")
    importing.add_argument("source", help="a database's URL, or the table as a .csv or .json file")
    importing.add_argument("--table", default=TABLE, help="default: %(default)s")
    importing.add_argument("--into", type=Path, default=Path("sensors"), help="the folder of the files, default: %(default)s")
    chosen = parser.parse_args(arguments)
    try:
        rows = read(chosen.source, chosen.table)
        files = write(rows, chosen.into)
    except (ImportFailedError, OSError, ValueError) as error:
        print(f"eventlatch-airflow: {error}", file=sys.stderr)  # noqa: T201
        return 1
    print(describe(rows))  # noqa: T201
    print(f"{len(files)} sensor files in {chosen.into}; what was received is read back from Kafka")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
