"""The log: JSON lines that can be followed by their trace and that say nothing of people."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]
BEGIN = """
import logging, structlog
from services.chassis import telemetry
from tests.unit.chassis.face import some_settings
telemetry.configure(some_settings(), "registration", "web")
log = structlog.get_logger()
"""
A_REFUSED_ROW = """
from sqlalchemy import Column, Integer, String, Table, insert
from services.chassis.db import Database, own_tables
tables = own_tables()
people = Table("people", tables, Column("id", Integer, primary_key=True), Column("email", String, unique=True))
database = Database({url!r})
tables.create_all(database.engine)
for _ in range(2):
    try:
        with database.transaction() as session:
            session.execute(insert(people).values(email="ada@example.org"))
    except Exception as error:
        log.error("request_broke", exc_info=error)
"""
AN_ERROR = """
def seat(name):
    raise ValueError(f"no seat for <{name}>")
try:
    seat("ada@example.org")
except ValueError:
    {log}
"""


def logged(program: str) -> dict[str, Any]:
    """The one line that this program logs."""
    done = subprocess.run(
        [sys.executable, "-c", BEGIN + program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    (line,) = (json.loads(line) for line in done.stderr.splitlines())
    return dict(line)


def test_a_library_logs_in_the_same_json() -> None:
    line = logged("logging.getLogger('celery.worker').error('%s broke', 'it')")

    del line["timestamp"]
    assert line == {
        "event": "it broke",
        "level": "error",
        "logger": "celery.worker",
        "role": "web",
        "service": "registration",
    }


def test_a_row_that_sqlite_refuses_is_not_quoted(tmp_path: Path) -> None:
    _not_quoted(f"sqlite:///{tmp_path}/people.db")


def test_a_row_that_postgresql_refuses_is_not_quoted(postgres: str, new_databases: Any) -> None:
    new_databases("people_of_the_log")

    _not_quoted(postgres.replace("{service}", "people_of_the_log"))


def _not_quoted(url: str) -> None:
    line = logged(A_REFUSED_ROW.format(url=url))

    assert "ada" not in json.dumps(line)
    assert "sqlalchemy.exc.IntegrityError" in line["exception"]
    assert "in <module>" in line["exception"]


def test_addresses_in_the_words_of_an_error_are_left_out() -> None:
    ours = logged(AN_ERROR.format(log="log.error('broke', exc_info=True)", name="{name}"))
    theirs = logged(AN_ERROR.format(log="logging.getLogger('x').exception('broke')", name="{name}"))

    for line in (ours, theirs):
        assert line["exception"].endswith("ValueError: no seat for <<address>>")
        assert "in seat" in line["exception"]
