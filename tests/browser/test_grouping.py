"""The pages of grouping in a real browser, on the morning of the day."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from threading import Thread

import pytest
from playwright.sync_api import Page, expect
from werkzeug.serving import make_server

from services.chassis import auth
from services.chassis.db import Database
from services.grouping import links, plans, rounds, syntheses
from services.grouping.app import service
from services.grouping.models import Base
from tests.browser.eyes import DESK, PHONE, axe, no_sideways_scroll, overhearing
from tests.unit.grouping.conftest import GATHERING, NOON, ORGANISER, SETTINGS, Day, person

HERE = "/g/chemins-croises"
PAGES = (
    HERE,
    f"{HERE}/temps/1",
    f"{HERE}/temps/2",
    f"{HERE}/temps/3",
    f"{HERE}/temps/2/deplacer/{person(20)}",
    f"{HERE}/temps/2/roles/1",
    f"{HERE}/regles",
    f"{HERE}/syntheses",
    f"{HERE}/syntheses/1",
    f"{HERE}/mur",
)


@dataclass
class Hall:
    """A running grouping with a whole morning in it: circles, groups with a re-balance proposed, a round refused."""

    address: str

    def cookie(self, kind: auth.Kind) -> dict[str, str]:
        someone = auth.Actor("organiser", ORGANISER, name="Odile F.")
        if kind == "participant":
            someone = auth.Actor("participant", person(20), name="Ada", gathering_id=GATHERING)
        name = auth.ORGANISER_COOKIE if kind == "organiser" else auth.PARTICIPANT_COOKIE
        return {"name": name, "value": auth.issue(SETTINGS, someone, 3600), "url": self.address}


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hall]:
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('hall')}/grouping.db", "grouping")
    Base.metadata.create_all(database.engine)
    day = Day(database)
    day.describe()
    day.crowd(66, topics=6, stories=3)
    for kind in ("angles", "topics"):
        with database.transaction() as session:
            rounds.open_round(session, GATHERING, kind=kind, name=kind, by=ORGANISER, now=NOON)
        day.settle()
        with database.transaction() as session:
            plans.publish(session, rounds.of(session, GATHERING)[-1], now=NOON)
    day.note("absent", *range(10, 18))
    day.register(90, walk_in=True)
    with database.transaction() as session:
        rounds.ask_rebalance(session, rounds.of(session, GATHERING)[1], policy="sizes", by=ORGANISER, now=NOON)
        syntheses.write(session, GATHERING, 1, modalities=["La confiance"], by=ORGANISER, now=NOON)
    day.settle()
    with database.transaction() as session:
        for one in range(30, 37):
            for other in range(one + 1, 37):
                links.tie(
                    session,
                    GATHERING,
                    kind="apart",
                    one=person(one),
                    other=person(other),
                    by=ORGANISER,
                    now=NOON,
                )
        rounds.open_round(session, GATHERING, kind="topics", name="x", by=ORGANISER, now=NOON)
    day.settle()
    server = make_server("127.0.0.1", 0, service.create_app(service, database, SETTINGS), threaded=True)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield Hall(f"http://127.0.0.1:{server.port}")
    server.shutdown()
    thread.join()
    database.dispose()


@pytest.fixture
def organiser(page: Page, hall: Hall) -> Page:
    page.context.add_cookies([hall.cookie("organiser")])  # type: ignore[list-item]
    return page


@pytest.mark.parametrize("window", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_page_is_accessible_and_fits(organiser: Page, hall: Hall, window, language):
    organiser.set_viewport_size(window)
    with overhearing(organiser) as heard:
        for path in PAGES:
            organiser.goto(f"{hall.address}{path}?lang={language}")
            axe(organiser)
            no_sideways_scroll(organiser)

    assert heard.complaints == []


def test_my_place_is_accessible(page: Page, hall: Hall):
    page.context.add_cookies([hall.cookie("participant")])  # type: ignore[list-item]
    with overhearing(page) as heard:
        for window in (DESK, PHONE):
            page.set_viewport_size(window)
            page.goto(f"{hall.address}{HERE}/ma-place")
            axe(page)
            no_sideways_scroll(page)

    assert heard.complaints == []


def test_the_dialog_moves_somebody_and_undo_brings_them_back(organiser: Page, hall: Hall):
    organiser.goto(f"{hall.address}{HERE}/temps/1")
    someone = organiser.locator('[data-group="1"] .person').nth(3)
    name = someone.get_attribute("data-name")
    someone.locator(".more").click()
    expect(organiser.locator("#move h2")).to_contain_text(name)
    axe(organiser)

    organiser.select_option("#to", "2")
    organiser.click("#move .btn.main")

    expect(organiser.locator(f'[data-group="2"] [data-name="{name}"]')).to_have_count(1)
    organiser.click("[data-undo]")
    expect(organiser.locator(f'[data-group="1"] [data-name="{name}"]')).to_have_count(1)
