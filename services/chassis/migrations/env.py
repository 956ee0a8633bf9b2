"""Alembic's door: runs the migrations in one transaction on the database it was given."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from sqlalchemy import text

from services.chassis.db import HOUSE, Database, Moment

config = context.config
database: Database = config.attributes["database"]


def _ours(_object: object, name: str | None, kind: str, _reflected: bool, _other: object) -> bool:
    # The house's tables have a branch of their own.
    return not (kind == "table" and name in HOUSE) or bool(config.attributes.get("house"))


def _rendered(kind: str, item: Any, _context: object) -> str | Literal[False]:
    return "Moment()" if kind == "type" and isinstance(item, Moment) else False


with database.engine.connect() as connection, connection.begin():
    if not database.is_sqlite:
        connection.execute(text("select pg_advisory_xact_lock(7042022)"))
    context.configure(
        connection=connection,
        target_metadata=config.attributes["metadata"],
        include_object=_ours,
        render_item=_rendered,
        render_as_batch=database.is_sqlite,
        transactional_ddl=True,
    )
    context.run_migrations()
