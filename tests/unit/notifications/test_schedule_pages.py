"""The schedule's doors: what leaves when, moved, switched off, and the hours of the night."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from bs4 import BeautifulSoup
from sqlalchemy import select

from services.notifications.app import service
from services.notifications.models import Gathering, Reminder
from tests.unit.notifications.conftest import SPRING
from tests.unit.notifications.test_pages import HERE

PAGE = f"{HERE}/calendrier"


def line(street, kind="practical", days=-7):
    with street.database.reading() as session:
        return session.scalars(
            select(Reminder).where(Reminder.kind == kind, Reminder.days == days)
        ).one_or_none()


def filled(client, action, **typed):
    """Fill in the form of the page that goes to `action`, and send it."""
    form = BeautifulSoup(client.get(PAGE).text, "html.parser").find("form", action=action)
    fields = {
        i["name"]: i["value"]
        for i in form.find_all("input")
        if i["type"] != "checkbox" or i.has_attr("checked")
    }
    fields |= {s["name"]: s.find("option", selected=True)["value"] for s in form.find_all("select")}
    return client.post(
        action, data={name: value for name, value in (fields | typed).items() if value is not None}
    )


def test_the_page_says_what_leaves_when_in_the_gathering_s_zone(odile):
    page = odile.get(PAGE).text.replace("\u202f", " ").replace("\u00a0", " ")

    assert "Part jeudi 1er avril 2027, 9 h." in page
    assert "Part jeudi 8 avril 2027, 7 h 30." in page
    assert page.count("Il ne part pas.") == 3


def test_a_line_is_moved_by_its_form(odile, street):
    row = line(street)

    answer = filled(odile, f"{PAGE}/{row.id}", count="3", side="before", at="18:15")

    assert answer.status_code == 303
    assert line(street, days=-3).due_at == datetime(2027, 4, 5, 16, 15, tzinfo=UTC)


def test_a_line_is_switched_off_and_stays_where_it_was(odile, street):
    row = line(street)

    filled(odile, f"{PAGE}/{row.id}", is_on=None)

    assert (line(street).is_on, line(street).due_at) == (False, row.due_at)


@pytest.mark.parametrize("typed", [{"count": "many"}, {"count": "500"}, {"at": "25:00"}])
def test_what_is_wrong_with_a_line_is_said_beside_it_and_the_others_stay(odile, street, typed):
    row = line(street)

    answer = filled(odile, f"{PAGE}/{row.id}", **typed)

    soup = BeautifulSoup(answer.text, "html.parser")
    (field,) = soup.find_all(attrs={"aria-invalid": "true"})
    assert (answer.status_code, field["name"], field["value"]) == (422, *next(iter(typed.items())))
    assert line(street).due_at == row.due_at


def test_the_night_is_set_by_its_form(odile, street):
    assert filled(odile, f"{HERE}/nuit", night_from="22:00", night_to="07:00").status_code == 303

    with street.database.reading() as session:
        assert session.get_one(Gathering, SPRING).night == ("22:00", "07:00")


def test_a_night_that_cannot_be_read_changes_nothing(odile, street):
    assert filled(odile, f"{HERE}/nuit", night_from="late").status_code == 422

    with street.database.reading() as session:
        assert session.get_one(Gathering, SPRING).night == ("20:00", "08:00")


def test_a_line_of_another_gathering_is_not_here(odile):
    page = odile.get(PAGE)
    key = BeautifulSoup(page.text, "html.parser").find("input", {"name": "csrf_token"})["value"]
    typed = {"csrf_token": key, "once": "1", "count": "1", "side": "before", "at": "09:00"}

    assert odile.post(f"{PAGE}/{uuid4()}", data=typed).status_code == 404


def test_programs_read_and_change_the_schedule(program, street):
    here = f"/api/notifications/gatherings/{SPRING}/schedule"
    first = program.get(here).get_json()
    one = next(row for row in first["lines"] if (row["kind"], row["days"]) == ("practical", -7))

    moved = program.patch(f"{here}/{one['id']}", json={"days": -2, "at": "10:30", "is_on": True}).get_json()
    night = program.put(f"{here}/night", json={"night_from": "21:00", "night_to": "07:00"}).get_json()

    assert (moved["days"], moved["at"], moved["due_at"]) == (-2, "10:30", "2027-04-06T08:30:00+00:00")
    assert (night["night_from"], night["night_to"]) == ("21:00", "07:00")
    assert program.patch(f"{here}/{one['id']}", json={"days": -500, "at": "9"}).status_code == 422


def test_the_schedule_is_its_organisers_only(visitor):
    assert visitor.get(PAGE).status_code == 401
    assert visitor.get(f"/api/notifications/gatherings/{SPRING}/schedule").status_code == 401


def test_the_page_is_reached_from_the_letters(odile):
    assert f'href="{PAGE}"' in odile.get(HERE).text


def test_in_held_mode_the_page_says_that_nothing_waits(odile, street, app, settings):
    said = "rien n’attend"

    assert said in odile.get(PAGE).text
    really = service.create_app(service, street.database, replace(settings, smtp_url="smtp://one.example"))
    client = really.test_client()
    client.set_cookie("palabre", odile.get_cookie("palabre").value)
    assert said not in client.get(PAGE).text
