"""A database of an earlier version, with people and letters in it, is brought to the newest and loses nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import MetaData, column, insert, select, table, update
from sqlalchemy.exc import IntegrityError

from services.chassis import migrations
from services.notifications.app import service
from services.notifications.models import Base, Letter

NOON = datetime(2027, 3, 1, 12, tzinfo=UTC)
LETTER = UUID(int=7)
# One row for each table of the first version, all of its columns that may not be empty.
ROWS = {
    "gatherings": {
        **dict.fromkeys(
            ("slug", "title", "purpose", "place", "organiser_name", "reply_to", "public_url"), "La table"
        ),
        "id": UUID(int=1),
        "version": 3,
        "starts_at": NOON,
        "ends_at": NOON,
        "zone": "Indian/Reunion",
        "language": "fr",
        "writing": "median",
        "territories": {"A": "Armorique"},
        "state": "open",
    },
    "people": {
        "id": UUID(int=2),
        "gathering_id": UUID(int=1),
        "email": "ada@example.org",
        "given": "Ada",
        "family": "Kermarrec",
        "language": "fr",
        "link": "https://palabre.example/moi/x",
        "standing": "registered",
        "calendar": 2,
    },
    "letters": {
        **dict.fromkeys(("name", "sender_name", "reply_to", "subject", "text", "html"), "Ada"),
        "id": LETTER,
        "kind": "registered",
        "version": "1",
        "dedupe_key": "k",
        "message_id": "<7@palabre.example>",
        "email": "ada@example.org",
        "language": "fr",
        "is_solicitation": False,
        "state": "sent",
        "attempts": 1,
        "created_at": NOON,
    },
    "deliveries": {"id": UUID(int=8), "letter_id": LETTER, "at": NOON, "outcome": "sent", "reply": "250 OK"},
}


@pytest.fixture
def old(open_database):
    """A database as the first version left it."""
    database = open_database(MetaData(), "notifications")
    command.upgrade(migrations.config(service, database), "notifications_0001")
    with database.transaction() as session:
        for name, row in ROWS.items():
            # Only the columns of then: a model's own defaults would name newer ones.
            types = {key: Base.metadata.tables[name].columns[key].type for key in row}
            old_table = table(name, *(column(key, type_) for key, type_ in types.items()))
            session.execute(insert(old_table).values(row))
    return database


def test_an_earlier_database_keeps_its_rows_and_becomes_what_the_models_say(old):
    migrations.run(service, old)

    with old.reading() as session:
        letter = session.scalars(select(Letter)).one()
        assert (letter.state, letter.email, [d.reply for d in letter.deliveries]) == (
            "sent",
            "ada@example.org",
            ["250 OK"],
        )
        for name, row in ROWS.items():
            kept = session.execute(select(Base.metadata.tables[name])).mappings().one()
            assert {key: kept[key] for key in row} == row
    with old.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []


def test_a_letter_of_an_earlier_database_can_come_back_and_no_letter_is_in_a_state_nobody_knows(old):
    migrations.run(service, old)

    with old.transaction() as session:
        session.execute(update(Letter).values(state="bounced"))
    with pytest.raises(IntegrityError, match="state_known"), old.transaction() as session:
        session.execute(update(Letter).values(state="lost"))
