"""The welcome desk in a real browser: codes before the camera, and a network that is gone for a while."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import pytest
import segno
from playwright.sync_api import Browser, BrowserContext, BrowserType, Page, Route, expect
from sqlalchemy import MetaData, func, select
from werkzeug.serving import BaseWSGIServer, make_server

from services.chassis import auth
from services.chassis.db import Database, outbox
from services.chassis.settings import Settings
from services.grouping import models as grouping
from services.grouping import plans, rounds
from services.registration import codes, gatherings, registrations, sign_ins
from services.registration.app import service
from services.registration.links import Links
from services.registration.models import Base, Participant, State
from tests.browser.eyes import DESK, PHONE, axe, no_sideways_scroll
from tests.flow.town import SERVICES, SETTINGS, Town
from tests.postgres import free_port
from tests.unit.chassis.face import some_settings
from tests.unit.registration.conftest import DESCRIPTION

WHEREABOUTS = "**/whereabouts?*"
NAMES = ("Élise Nguyễn", "Bo O’Connor", "Cy Le Goff", "Participant·e Exemple")


@dataclass
class Hall:
    """A house on the morning of its gathering; `cut` takes the network away, `mend` brings it back."""

    app: Any
    database: Database
    port: int
    people: dict[str, UUID]
    cookie: str
    server: BaseWSGIServer | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def mend(self) -> None:
        self.server = make_server("127.0.0.1", self.port, self.app, threaded=True)
        Thread(target=self.server.serve_forever, daemon=True).start()

    def cut(self) -> None:
        if self.server is not None:
            self.server.shutdown()
            self.server.server_close()
            self.server = None

    def states(self) -> dict[str, str]:
        with self.database.reading() as session:
            return {
                f"{one.given} {one.family}".strip(): one.state for one in session.scalars(select(Participant))
            }

    def arrivals(self) -> int:
        """How many arrivals were told to the others."""
        with self.database.reading() as session:
            told = select(func.count()).where(outbox.c.type.contains("participant_checked_in"))
            return session.scalar(told) or 0

    def desk(self, browser: Browser, **more: Any) -> tuple[BrowserContext, Page]:
        """The welcome desk, open on a device that has kept what it needs."""
        context = browser.new_context(locale="fr-FR", **more)
        context.set_default_timeout(10_000)
        context.add_cookies([{"name": auth.ORGANISER_COOKIE, "value": self.cookie, "url": self.address}])
        page = context.new_page()
        page.goto(f"{self.address}/o/spring-table/accueil")
        page.wait_for_selector("[data-desk][data-kept=yes]", timeout=30_000)
        return context, page


@pytest.fixture
def hall(tmp_path: Path) -> Iterator[Hall]:
    settings = some_settings(public_url=f"http://127.0.0.1:{free_port()}")
    database = Database(f"sqlite:///{tmp_path}/registration.db", "registration")
    Base.metadata.create_all(database.engine)
    hall = _hall(database, settings, service.create_app(service, database, settings))
    hall.mend()
    yield hall
    hall.cut()
    database.dispose()


@pytest.fixture
def seated_hall(open_sqlite: Callable[[MetaData, str], Database]) -> Iterator[Hall]:
    """The same with grouping behind the same address: everybody has a published group in one round."""
    town, settings = Town(open_sqlite), replace(SETTINGS, public_url=f"http://127.0.0.1:{free_port()}")
    apps = {
        name: SERVICES[name].create_app(SERVICES[name], town.databases[name], settings)
        for name in ("registration", "grouping")
    }

    def street(environ: dict[str, Any], answer: Any) -> Any:
        is_grouping = environ["PATH_INFO"].startswith("/api/grouping/")
        return apps["grouping" if is_grouping else "registration"](environ, answer)

    hall = _hall(town.databases["registration"], settings, street)
    town.settle()
    with town.databases["grouping"].transaction() as session:
        gathering = session.scalars(select(grouping.Gathering)).one().id
        rounds.open_round(session, gathering, kind="angles", name="Angles", by=None, now=datetime.now(UTC))
    town.settle()
    with town.databases["grouping"].transaction() as session:
        plans.publish(session, session.scalars(select(grouping.Round)).one(), now=datetime.now(UTC))
    hall.mend()
    yield hall
    hall.cut()


def _hall(database: Database, settings: Settings, app: Any) -> Hall:
    """Four people have a seat at a gathering that begins within the hour."""
    now, people = datetime.now(UTC), {}
    links = Links(settings.public_url, settings.secret_key)
    day = {"starts_at": now + timedelta(hours=1), "ends_at": now + timedelta(hours=8)}
    with database.transaction() as session:
        odile = sign_ins.welcome(session, "odile@example.org", name="Odile", now=now)
        made = gatherings.create(session, by=odile, links=links, now=now, **{**DESCRIPTION, **day})
        gatherings.open_door(session, made.id, by=odile.id, links=links, now=now)
        for name in NAMES:
            given, _, family = name.partition(" ")
            people[name] = registrations.ask(
                session, made.id, given=given, family=family, email=f"p{len(people)}@example.org", territory="A",
                trade="direction", structure="", language="fr", links=links, now=now,
            ).participant_id  # fmt: skip
            registrations.confirm(session, people[name], links=links, now=now)
    who = auth.Actor("organiser", odile.id, odile.email, odile.name)
    port = urlsplit(settings.public_url).port
    assert port is not None
    return Hall(app, database, port, people, auth.issue(settings, who, 3600))


def _arrive(page: Page, name: str) -> None:
    page.click(f"form[data-name='{name}'] button")


def test_arrivals_wait_while_the_network_is_gone_and_are_each_told_once(hall, browser):
    context, page = hall.desk(browser)
    hall.cut()

    _arrive(page, "Cy Le Goff")
    page.fill("[data-walk-in] [name=given]", "Zoé")
    page.select_option("[data-walk-in] [name=territory]", index=1)
    page.check("[data-walk-in] [name=trade] >> nth=0")
    page.click("[data-walk-in] .btn.main")
    expect(page.locator("#desk-state")).to_contain_text("2 arrivées attendent")
    expect(page.locator("#here li")).to_have_count(2)
    assert (hall.states()["Cy Le Goff"], hall.arrivals()) == (State.registered, 0)

    hall.mend()
    expect(page.locator("#desk-state")).to_be_hidden(timeout=20_000)
    assert {name: hall.states()[name] for name in ("Cy Le Goff", "Zoé")} == {
        "Cy Le Goff": State.present,
        "Zoé": State.present,
    }
    assert hall.arrivals() == 2
    context.close()


def test_the_desk_opens_again_without_network_and_still_knows_what_waits(hall, browser):
    context, page = hall.desk(browser)
    hall.cut()
    _arrive(page, "Cy Le Goff")

    page.reload()
    expect(page.locator("h1")).to_have_text("Accueil")
    expect(page.locator("#desk-queue li")).to_have_count(1)
    _arrive(page, "Élise Nguyễn")

    hall.mend()
    expect(page.locator("#desk-state")).to_be_hidden(timeout=20_000)
    assert hall.arrivals() == 2
    context.close()


def test_two_people_of_one_name_on_a_page_opened_again_without_network_are_both_here(hall, browser):
    context, page = hall.desk(browser)
    hall.cut()
    for waiting in (1, 2):
        page.reload()
        page.fill("[data-walk-in] [name=given]", "Zoé")
        page.select_option("[data-walk-in] [name=territory]", index=1)
        page.check("[data-walk-in] [name=trade] >> nth=0")
        page.click("[data-walk-in] .btn.main")
        expect(page.locator("#desk-queue li")).to_have_count(waiting)

    hall.mend()
    expect(page.locator("#desk-state")).to_be_hidden(timeout=20_000)

    assert hall.arrivals() == 2
    context.close()


def test_two_questions_under_way_at_once_say_a_group_once(seated_hall, browser):
    context, page = seated_hall.desk(browser)
    held: list[Route] = []

    def together(route: Route) -> None:
        held.append(route)
        while len(held) > 1:
            held.pop(0).continue_()
            held.pop(0).continue_()

    page.route(WHEREABOUTS, together)
    for name in ("Élise Nguyễn", "Bo O’Connor"):
        with page.expect_request(WHEREABOUTS):
            _arrive(page, name)

    elise = page.locator("#here li").filter(has_text="Élise").locator("[data-seat]")
    expect(page.locator("#here [data-seated]")).to_have_count(2)
    expect(elise).to_have_text(re.compile(r"^Angles\s: groupe \d$"))
    context.close()


def test_a_browser_that_is_offline_queues_too(hall, browser):
    context, page = hall.desk(browser)
    context.set_offline(True)
    _arrive(page, "Bo O’Connor")
    expect(page.locator("#desk-queue li")).to_have_count(1)

    context.set_offline(False)

    expect(page.locator("#desk-queue li")).to_have_count(0, timeout=20_000)
    assert hall.states()["Bo O’Connor"] == State.present
    context.close()


def test_two_desks_that_note_the_same_person_offline_tell_it_once(hall, browser):
    desks = [hall.desk(browser) for _ in range(2)]
    hall.cut()
    for _, page in desks:
        _arrive(page, "Cy Le Goff")

    hall.mend()

    for context, page in desks:
        expect(page.locator("#desk-queue li")).to_have_count(0, timeout=20_000)
        context.close()
    assert hall.arrivals() == 1


def test_a_walk_in_that_cannot_be_is_shown_with_its_reason_and_does_not_block_the_others(hall, browser):
    context, page = hall.desk(browser)
    hall.cut()
    page.fill("[data-walk-in] [name=given]", "Zoé")
    page.click("[data-walk-in] .btn.main")
    _arrive(page, "Cy Le Goff")

    hall.mend()

    expect(page.locator("#desk-queue button")).to_have_count(1, timeout=20_000)
    expect(page.locator("#desk-queue li")).to_contain_text("Zoé – ")
    assert hall.states()["Cy Le Goff"] == State.present
    context.close()


@pytest.mark.parametrize("typed", ["ELISE nguyen", "oconnor", "o connor", "participante", "participant(e)"])
def test_the_search_of_the_device_finds_what_the_server_finds(hall, browser, typed):
    context, page = hall.desk(browser)
    page.fill("#q", typed)
    on_device = page.eval_on_selector_all(
        "[data-arrival]", "all => all.filter(e => !e.closest('li').hidden).map(e => e.dataset.name)"
    )

    page.press("#q", "Enter")
    page.wait_for_url("**/accueil?q=*")
    by_server = page.eval_on_selector_all("[data-arrival]", "all => all.map(e => e.dataset.name)")

    assert (len(on_device), on_device) == (1, by_server)
    context.close()


def test_a_code_before_the_camera_checks_its_person_in(hall, browser_type, browser_type_launch_args, tmp_path):
    film = _film(tmp_path, codes.of(hall.people["Élise Nguyễn"]))
    with _camera(browser_type, browser_type_launch_args, film) as browser:
        _context, page = hall.desk(browser, permissions=["camera"])
        page.click("#scan")
        expect(page.locator("#here")).to_contain_text("Élise Nguyễn", timeout=20_000)
        expect(page.locator("#desk-queue li")).to_have_count(0, timeout=10_000)

    assert hall.states()["Élise Nguyễn"] == State.present


def test_a_code_of_somewhere_else_is_said_to_be_one(hall, browser_type, browser_type_launch_args, tmp_path):
    with _camera(browser_type, browser_type_launch_args, _film(tmp_path, "https://example.org")) as browser:
        _context, page = hall.desk(browser, permissions=["camera"])
        page.click("#scan")
        expect(page.locator("#scan-said")).to_have_text("Ce n’est pas un de nos codes.", timeout=20_000)

    assert hall.arrivals() == 0


def test_the_desk_is_accessible_and_fits_while_something_waits(hall, browser):
    context, page = hall.desk(browser)
    hall.cut()
    _arrive(page, "Cy Le Goff")
    expect(page.locator("#desk-queue li")).to_have_count(1)
    for window in (DESK, PHONE):
        page.set_viewport_size(window)
        axe(page)
        no_sideways_scroll(page)
    context.close()


def _camera(browser_type: BrowserType, args: dict[str, Any], film: Path) -> Browser:
    """A browser whose camera sees `film`, over and over."""
    fake = ("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream")
    return browser_type.launch(
        **{**args, "args": [*args["args"], *fake, f"--use-file-for-fake-video-capture={film}"]}
    )


def _film(folder: Path, says: str, *, wide: int = 640, high: int = 480) -> Path:
    """A still film (YUV4MPEG2, 4:2:0) of a sheet with a QR code on it."""
    rows = list(segno.make(says, error="m", micro=False).matrix_iter(scale=8, border=4))
    grey = bytearray(b"\xeb" * (wide * high))
    top, left = (high - len(rows)) // 2, (wide - len(rows[0])) // 2
    for y, row in enumerate(rows):
        for x, dark in enumerate(row):
            if dark:
                grey[(top + y) * wide + left + x] = 16
    frame = b"FRAME\n" + bytes(grey) + b"\x80" * (wide * high // 2)
    path = folder / "camera.y4m"
    path.write_bytes(f"YUV4MPEG2 W{wide} H{high} F10:1 Ip A1:1 C420jpeg\n".encode() + frame * 5)
    return path
