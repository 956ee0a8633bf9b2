from __future__ import annotations

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from services.chassis import catalogues, migrations
from services.chassis.db import Database
from services.registration.app import service


def test_migrations_make_what_the_models_say(tmp_path):
    database = Database(f"sqlite:///{tmp_path}/registration.db", "registration")
    migrations.run(service, database)

    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, service.metadata) == []


def test_every_sentence_is_said_in_french():
    assert (catalogues.missing("registration"), catalogues.stale("registration")) == ({}, [])
