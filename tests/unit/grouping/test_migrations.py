from __future__ import annotations

from alembic import command
from sqlalchemy import MetaData

from services.chassis import migrations
from services.grouping.app import service


def test_the_migrations_make_what_the_models_say(open_database):
    database = open_database(MetaData(), "grouping")

    migrations.run(service, database)

    command.check(migrations.config(service, database))
