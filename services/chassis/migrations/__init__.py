"""Migrations: the house's own tables and each service's, in one database, on two branches of one history.

`run(service, database)` brings a database to the newest state. `python -m services.<name> migration "what is new"`
writes the next file from the difference between models and database.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from services.chassis.db import Database
from services.chassis.service import Service

# Every process of a service comes by here, and only the one that migrates pays for Alembic.
if TYPE_CHECKING:
    from alembic.config import Config

HERE = Path(__file__).parent


def config(service: Service, database: Database) -> Config:
    """Alembic's configuration for one service."""
    from alembic.config import Config  # noqa: PLC0415

    own = Config()
    own.set_main_option("script_location", str(HERE))
    own.set_main_option("path_separator", "os")
    own.set_main_option(
        "version_locations", f"{HERE / 'versions'}:{service.folder / 'migrations' / 'versions'}"
    )
    own.attributes["database"] = database
    own.attributes["metadata"] = service.metadata
    return own


def run(service: Service, database: Database) -> None:
    """Bring the database to the newest state; nothing happens when it is there. Safe to run from several processes."""
    from alembic import command  # noqa: PLC0415

    if database.is_sqlite and database.url.database:
        Path(database.url.database).parent.mkdir(parents=True, exist_ok=True)
    command.upgrade(config(service, database), "heads")


def write(service: Service, database: Database, message: str) -> None:
    """Write the next migration of the service from what its models have and the migrated database has not."""
    from alembic import command  # noqa: PLC0415

    command.revision(
        config(service, database),
        message=message,
        autogenerate=True,
        head=f"{service.name}@head"
        if any((service.folder / "migrations" / "versions").glob("*.py"))
        else "base",
        branch_label=None if any((service.folder / "migrations" / "versions").glob("*.py")) else service.name,
        version_path=str(service.folder / "migrations" / "versions"),
    )
