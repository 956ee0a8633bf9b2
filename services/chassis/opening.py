"""How a process of a service opens its database: its relay is woken after each commit that needs it."""

from __future__ import annotations

from services.chassis.broker import Nudge
from services.chassis.db import Database
from services.chassis.settings import Settings


def open_database(service: str, settings: Settings) -> Database:
    """The service's database; SQLite's commits nudge the relay through the broker, PostgreSQL's by its NOTIFY."""
    database = Database(settings.database_of(service), service)
    if database.is_sqlite:
        database.after_commit = Nudge(settings, service)
    else:
        from services.chassis.listening import Notice  # noqa: PLC0415  the driver is for PostgreSQL alone

        database.after_commit = Notice(database.url)
    return database
