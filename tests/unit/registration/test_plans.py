"""What a carrier will try after the day: kept for them, asked on their own page."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from services.chassis.db import outbox
from services.chassis.errors import NotFound
from services.registration import disclosures, erasures, topics
from services.registration.models import Gathering, Topic
from tests.unit.registration.conftest import LINKS

PLAN = "Appeler deux partenaires."


@pytest.fixture
def gathering(a_gathering):
    return a_gathering()


@pytest.fixture
def ada(come, gathering):
    return come(gathering)


@pytest.fixture
def topic(do, registration, gathering, ada, odile):
    """Ada's, on a day that began a moment ago."""
    brought = do(topics.propose, ada, question="Comment garder le lien ?")
    with registration.transaction() as session:
        session.get_one(Gathering, gathering.id).starts_at = datetime.now(UTC) - timedelta(hours=1)
    return do(topics.accept, gathering.id, brought.id, by=odile.id)


def told(registration):
    with registration.reading() as session:
        here = outbox.c.type == "registration.plan_kept.v1"
        return [
            one["plan"]
            for one in session.scalars(select(outbox.c.body).where(here).order_by(outbox.c.sequence))
        ]


def test_a_plan_is_told_when_it_changes_and_when_it_is_taken_back(do, registration, ada, topic):
    for plan in (PLAN, PLAN, ""):
        do(topics.keep_plan, ada, topic_id=topic.id, plan=plan)

    assert told(registration) == [PLAN, ""]


def test_nobody_keeps_a_plan_for_a_topic_of_somebody_else(do, registration, come, gathering, topic):
    bo = come(gathering, "Bo")

    with pytest.raises(NotFound):
        do(topics.keep_plan, bo, topic_id=topic.id, plan=PLAN)

    assert told(registration) == []


def test_a_topic_that_is_no_part_of_the_day_has_no_plan(do, registration, gathering, ada, topic, odile):
    do(topics.decline, gathering.id, topic.id, by=odile.id)

    with pytest.raises(NotFound):
        do(topics.keep_plan, ada, topic_id=topic.id, plan=PLAN)


def test_a_plan_is_in_the_copy_and_goes_with_its_person(do, registration, ada, topic):
    do(topics.keep_plan, ada, topic_id=topic.id, plan=PLAN)
    do(disclosures.ask, ada)
    with registration.reading() as session:
        assert PLAN in str(disclosures.of_person(session, ada)["registration"].holdings)

    do(erasures.erase, ada, links=LINKS)

    with registration.reading() as session:
        assert session.get_one(Topic, topic.id).plan == ""


def test_a_carrier_writes_it_on_their_own_page(registration, ada, topic, a_browser):
    browser = a_browser()
    browser.client.set_cookie("langue", "en")
    address = f"/moi/{LINKS.participant_token(ada)}"
    form = browser.get(address).form(f"{address}/suite")
    form.fill(plan=PLAN)

    page = browser.send(form)

    assert "it comes back to you in a letter" in page.text
    assert (told(registration), browser.get(address).form(f"{address}/suite").value("plan")) == ([PLAN], PLAN)


def test_what_is_too_long_is_said_beside_its_field_and_not_lost(registration, ada, topic, a_browser):
    browser = a_browser()
    address = f"/moi/{LINKS.participant_token(ada)}"
    form = browser.get(address).form(f"{address}/suite")
    form.fill(plan="x" * 1001)

    page = browser.send(form)

    assert page.form(f"{address}/suite").value("plan") == "x" * 1001
    assert told(registration) == []
