from __future__ import annotations

from uuid import uuid4

from alembic import command
from sqlalchemy import JSON, MetaData, Table, insert, select

from services.chassis import migrations
from services.registration.app import service
from services.registration.models import Gathering, State
from tests.unit.registration.conftest import NOON


def test_the_migrations_make_what_the_models_say(open_database):
    database = open_database(MetaData(), "registration")

    migrations.run(service, database)

    command.check(migrations.config(service, database))


def test_a_database_of_the_first_version_keeps_its_people_and_the_numbers_of_its_line(open_database):
    database = open_database(MetaData(), "registration")
    config = migrations.config(service, database)
    command.upgrade(config, "house_0001")
    command.upgrade(config, "registration_0001")
    _fill(database)

    migrations.run(service, database)

    with database.reading() as session:
        assert session.scalars(select(Gathering.lines)).all() == [7]


def _fill(database):
    """One gathering where somebody waits as number 7, as the first version wrote it."""
    old = MetaData()
    old.reflect(database.engine, only=["gatherings", "participants"])
    gathering, person = uuid4(), uuid4()
    with database.engine.begin() as connection:
        for name, said in (
            ("gatherings", {"id": gathering, "slug": "spring", "state": "open", "seats": 1,
                            "created_at": NOON, "starts_at": NOON,
                            "ends_at": NOON.replace(hour=18), "territories": [], "trades": [], "angles": []}),
            ("participants", {"id": person, "gathering_id": gathering, "state": State.waiting, "line": 7,
                              "wishes": [], "asked_at": NOON}),
        ):  # fmt: skip
            connection.execute(insert(old.tables[name]).values(**_whole(old.tables[name], said, database)))


def _whole(table: Table, said, database):
    """A row with something in each column that must not be empty."""
    row = {}
    for column in table.columns:
        value = said.get(column.name)
        if value is None and not column.nullable:
            value = 1 if "INT" in str(column.type) else False if "BOOL" in str(column.type) else ""
        if isinstance(column.type, JSON) or not database.is_sqlite:
            row[column.name] = value
        else:
            row[column.name] = getattr(value, "hex", value) if column.name.endswith("id") else value
    return row
