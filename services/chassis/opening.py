"""How a process of a service opens its database: with a nudge to the relay after each commit that needs it."""

from __future__ import annotations

from services.chassis.broker import Nudge
from services.chassis.db import Database
from services.chassis.settings import Settings


def open_database(service: str, settings: Settings) -> Database:
    """The service's database; on SQLite its commits nudge the relay, on PostgreSQL NOTIFY does."""
    database = Database(settings.database_of(service), service)
    if database.is_sqlite:
        database.after_commit = Nudge(settings, service)
    return database
