"""The page of dead facts: operators see why, try again, and leave out what they looked at; nobody else comes in."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from flask import Flask
from sqlalchemy import select

from services.chassis import auth, dead, dead_pages, web
from services.chassis.auth import Actor
from services.chassis.db import Database, drifts, inbox
from services.chassis.inbox import TRIES, Inbox
from services.chassis.service import Service
from tests.unit.chassis.face import some_settings
from tests.unit.chassis.test_inbox import METADATA, TYPE, Person, a_fact, effects

HOME = "/faits/grouping"
SUBJECT = UUID("0190a000-0000-7000-8000-000000000002")
SETTINGS = some_settings(operators=("odile@example.org",))


class House:
    """Grouping with one dead fact of Ada's and two later ones behind it; the cause is `broken` until mended."""

    def __init__(self, database: Database, folder) -> None:
        self.database, self.is_broken = database, True
        ears = self.ears = Inbox("grouping")

        @ears.on(TYPE, reads=Person)
        def note(session, fact, now):
            if self.is_broken:
                raise RuntimeError("cannot seat Ada")
            session.execute(effects.insert().values(person=fact["person"], word=fact["word"]))

        service = Service("grouping", METADATA, ears, (), lambda *_: Flask("grouping"), folder)
        self.app = web.new_app(service, database, SETTINGS)
        dead_pages.install(self.app, service)
        self.event_id = uuid4()
        for _ in range(TRIES):
            ears.hear(database, a_fact(1, word="Ada", event_id=self.event_id, subject=SUBJECT))
        for version in (2, 3):
            ears.hear(database, a_fact(version, word=str(version), subject=SUBJECT))

    def client(self, who: Actor | None):
        client = self.app.test_client()
        client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"
        if who is not None:
            client.set_cookie(auth.ORGANISER_COOKIE, auth.issue(SETTINGS, who, 600))
        return client

    def words(self) -> list[str]:
        with self.database.reading() as session:
            return list(session.scalars(select(effects.c.word).order_by(effects.c.id)))

    def status(self) -> str:
        with self.database.reading() as session:
            return session.scalar(select(inbox.c.status).where(inbox.c.event_id == self.event_id))


@pytest.fixture
def house(open_sqlite, tmp_path) -> House:
    return House(open_sqlite(METADATA, "grouping"), tmp_path)


@pytest.fixture
def odile(house):
    return house.client(Actor("organiser", uuid4(), "Odile@example.org", "Odile"))


def post(client, path: str, **fields: str):
    page = client.get(path.rpartition("/")[0]).text
    token = re.search(r'name="csrf_token" value="([^"]+)"', page).group(1)
    return client.post(path, data={"csrf_token": token, **fields})


def test_the_list_tells_the_reason_and_what_waits_and_nothing_of_people(house, odile):
    page = odile.get(HOME).text.replace("<wbr>", "")

    for part in (TYPE, "RuntimeError: cannot seat", "2 pieces of news wait behind it", str(house.event_id)):
        assert part in page
    assert str(SUBJECT) not in page


def test_a_list_too_long_for_a_page_says_how_many_there_are(house, odile, monkeypatch):
    monkeypatch.setattr(dead, "LISTED", 2)
    for _ in range(2):
        lost = a_fact(1, word="Ada", event_id=uuid4(), subject=uuid4())
        for _ in range(TRIES):
            house.ears.hear(house.database, lost)

    page = odile.get(HOME).text

    assert (page.count("RuntimeError: cannot seat"), "the oldest 2 of 3" in page) == (2, True)
    assert str(house.event_id) in page


def test_the_page_of_one_fact_shows_what_it_says_and_each_that_waits(house, odile):
    page = odile.get(f"{HOME}/{house.event_id}").text.replace("<wbr>", "")

    assert (page.count(f"<li>{TYPE}"), str(SUBJECT) in page, "Traceback" in page) == (2, True, True)


@pytest.mark.parametrize("path", ["", "/{id}", "/{id}/encore", "/{id}/ecarter"])
def test_nobody_but_an_operator_comes_in(house, path):
    other = house.client(Actor("organiser", uuid4(), "other@example.org", "Other"))
    house.app.config["WTF_CSRF_METHODS"] = ()
    method = "POST" if path.count("/") > 1 else "GET"
    address = HOME + path.format(id=house.event_id)

    assert [client.open(address, method=method).status_code for client in (house.client(None), other)] == [
        401,
        403,
    ]
    assert house.status() == "dead"


def test_a_form_from_elsewhere_changes_nothing(house, odile):
    house.is_broken = False

    answer = odile.post(f"{HOME}/{house.event_id}/encore")

    assert (answer.status_code, house.status()) == (400, "dead")


def test_trying_again_once_the_cause_is_mended_applies_all_in_order(house, odile):
    house.is_broken = False

    answer = post(odile, f"{HOME}/{house.event_id}/encore")

    assert (answer.status_code, house.words()) == (303, ["Ada", "2", "3"])
    assert "It is heard now." in odile.get(HOME).text


def test_trying_again_in_vain_says_so_and_keeps_the_fact(house, odile):
    post(odile, f"{HOME}/{house.event_id}/encore")

    assert "It could not be heard this time either." in odile.get(HOME).text


def test_leaving_out_lets_those_behind_go_on(house, odile):
    house.is_broken = False

    post(odile, f"{HOME}/{house.event_id}/ecarter", behind="2")

    assert (house.status(), house.words()) == ("discarded", ["2", "3"])


def test_leaving_out_is_refused_when_other_news_waits_than_was_seen(house, odile):
    answer = post(odile, f"{HOME}/{house.event_id}/ecarter", behind="1")

    assert (answer.status_code, house.status()) == (409, "dead")


def test_a_fact_that_is_settled_meanwhile_is_not_found(house, odile):
    assert odile.get(f"{HOME}/{uuid4()}").status_code == 404


def test_without_any_dead_fact_the_page_says_that_all_was_heard(house, odile):
    house.is_broken = False
    post(odile, f"{HOME}/{house.event_id}/encore")

    assert "Everything was heard" in odile.get(HOME).text


def test_rows_that_a_check_mended_are_named(house, odile):
    subject = uuid4()
    with house.database.transaction() as session:
        session.execute(
            drifts.insert().values(
                id=uuid4(),
                source="registration",
                subject=subject,
                kept_in="members",
                what="other trade",
                found_at=datetime.now(UTC),
            )
        )

    assert f"<code>members {subject}</code> other trade" in odile.get(HOME).text
