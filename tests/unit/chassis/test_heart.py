from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert

from services.chassis import heart, settings
from services.chassis.db import own_tables, pulse
from services.chassis.heart import Heart

LATE = timedelta(seconds=heart.SILENCE_S + 5)


def _wait_for(place: Path) -> bool:
    give_up = time.monotonic() + 5
    while not place.exists() and time.monotonic() < give_up:
        time.sleep(0.01)
    return place.exists()


def test_a_heart_beats_once_its_process_is_well(tmp_path: Path) -> None:
    said = iter([False, True])
    beating = Heart(tmp_path / "alive", lambda: next(said, True), at_first_s=0.01)

    beating.begin()

    assert _wait_for(tmp_path / "alive")
    beating.stop()


def test_a_sign_of_an_earlier_life_is_taken_away(tmp_path: Path) -> None:
    (tmp_path / "alive").touch()
    beating = Heart(tmp_path / "alive", lambda: False, at_first_s=0.01)

    beating.begin()

    assert not (tmp_path / "alive").exists()
    beating.stop()


@pytest.mark.parametrize(("ago", "well"), [(timedelta(0), True), (LATE, False)])
def test_a_round_is_well_while_a_canary_went_round_lately(open_sqlite, ago: timedelta, well: bool) -> None:
    database = open_sqlite(own_tables(), "registration")
    with database.transaction() as session:
        session.execute(insert(pulse).values(name="canary", value="", at=datetime.now(UTC) - ago))
    chosen = settings.read({}, mode="test", database_url=str(database.url))

    assert heart.of_the_round("registration", chosen)() is well


def test_a_round_whose_database_is_away_is_not_well(tmp_path: Path) -> None:
    chosen = settings.read({}, mode="test", database_url=f"sqlite:///{tmp_path}/nowhere/at-all.db")

    assert heart.of_the_round("registration", chosen)() is False
