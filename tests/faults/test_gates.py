"""The places at which a process is killed are come by on both databases, however their statements are written."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from sqlalchemy import event

from services.chassis import due
from services.chassis.db import Database
from services.chassis.pen import Pen
from tests import toys
from tests.faults import gates

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def tell(database: Database) -> None:
    toys.wish(database, uuid4(), 1)


def tell_with_others(database: Database) -> None:
    with database.transaction() as session:
        pen = Pen(session)
        for person in (uuid4(), uuid4()):
            pen.publish(toys.Wished, {"participant_id": person, "number": 1}, now=NOW)
        pen.write()


def claim(database: Database) -> None:
    tell(database)
    with database.transaction() as session:
        due.claim(session, "grouping", 10, datetime.now(UTC))


@pytest.mark.parametrize(
    ("deed", "place"),
    [
        (tell, "request before commit"),
        (tell_with_others, "request committed"),
        (claim, "between commit and publish"),
    ],
)
def test_a_gate_is_come_by_on_both_databases(open_database, deed, place):
    database = open_database(toys.TELLING, "registration")
    come_by: list[str] = []
    event.listen(
        database.engine, "before_cursor_execute", lambda _c, _cu, said, *_: come_by.extend(gates.places(said))
    )

    deed(database)

    assert place in come_by
