"""Hundreds of people at once for the last seats, through real web processes, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.chassis import migrations
from services.chassis.db import Database
from services.registration.app import service
from tests.bench import servers, web
from tests.bench.visits import environ, race

PEOPLE = 200


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def door(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[int, Database]]:
    """Registration's web in two processes of four threads; no broker, which a registration does not need."""
    folder: Path = tmp_path_factory.mktemp("race")
    if request.param == "sqlite":
        url = f"sqlite:///{folder}/{{service}}.db"
    else:
        admin = Database(request.getfixturevalue("postgres"), "postgres")
        with admin.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("create database race")
        admin.dispose()
        url = request.getfixturevalue("postgres").replace("{service}", "race")
    env = environ(url, "redis://127.0.0.1:1/0")
    database = Database(url, "registration")
    migrations.run(service, database)
    with servers.web("tests.bench.app:app()", env, folder) as port:
        yield port, database
    database.dispose()


@pytest.mark.parametrize("seats", [50, 1])
def test_the_last_seats_are_given_exactly_and_the_others_wait_with_true_ranks(door, seats):
    port, database = door

    told = race(port, database, seats=seats, people=PEOPLE)

    assert (told["held"], told["waiting"], told["true_ranks"], told["first_wrong"]) == (
        seats,
        PEOPLE - seats,
        True,
        [],
    )


def test_a_thousand_people_at_once_get_130_seats_under_eight_quotas_and_nobody_an_error(door):
    port, database = door

    told = race(port, database, seats=web.SEATS, people=web.PEOPLE, quotas=web.QUOTAS)

    assert {name: told[name] for name in ("held", "waiting", "over_quota", "true_ranks", "first_wrong")} == {
        "held": 130,
        "waiting": 870,
        "over_quota": [],
        "true_ranks": True,
        "first_wrong": [],
    }
