from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from services.chassis import heart, signs
from services.chassis.broker import client
from services.chassis.health import SILENCE_S
from services.chassis.heart import Heart
from services.chassis.settings import Settings
from services.chassis.signs import Sign
from tests.postgres import free_port

LATE = timedelta(seconds=SILENCE_S + 5)


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
def test_a_round_is_well_while_a_canary_went_round_lately(broker: Settings, ago: timedelta, well: bool) -> None:
    signs.give(client(broker), "registration", Sign(datetime.now(UTC) - ago, 0, 0.0, 0))

    assert heart.of_the_round("registration", broker)() is well


def test_a_round_of_which_the_broker_knows_nothing_is_not_well(broker: Settings) -> None:
    signs.give(client(broker), "grouping", Sign(datetime.now(UTC), 0, 0.0, 0))

    assert heart.of_the_round("registration", broker)() is False


def test_a_round_whose_broker_is_away_is_not_well() -> None:
    nowhere = Settings(redis_url=f"redis://127.0.0.1:{free_port()}/0")

    assert heart.of_the_round("registration", nowhere)() is False
