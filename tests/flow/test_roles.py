"""From the roles of a published plan to the letters about them, through registration, grouping and notifications."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from services.grouping import plans, rounds
from services.grouping.models import Group, Placement, Plan, Round
from services.notifications import packs, reminders
from services.notifications.models import Gathering, Letter, Reminder
from services.registration import cancellations
from tests.flow import played
from tests.flow.played import LINKS, NOON
from tests.flow.town import Town


@pytest.fixture
def town(open_database) -> Town:
    """Topic groups are published, and everybody has heard of it."""
    opened = Town(open_database)
    played.prepare(opened)
    with opened.databases["notifications"].reading() as session:
        gathering = session.scalars(select(Gathering)).one()
    with opened.databases["grouping"].transaction() as session:
        rounds.open_round(session, gathering.id, kind="topics", name="Entre pairs", by=None, now=NOON)
    opened.settle()
    with opened.databases["grouping"].transaction() as session:
        plans.publish(session, session.scalars(select(Round)).one(), now=NOON)
    opened.settle()
    return opened


def held(town: Town) -> dict[tuple[int, str], UUID]:
    """Who has which role in which group, as published."""
    with town.databases["grouping"].reading() as session:
        rows = session.execute(
            select(Group.number, Placement.duty, Placement.participant_id)
            .join(Placement, Placement.group_id == Group.id)
            .join(Plan, Plan.id == Placement.plan_id)
            .where(Plan.state == "published", Placement.duty != "")
        )
        return {(number, duty): person for number, duty, person in rows}


def clock(town: Town) -> datetime:
    """The hour of the line in the schedule, when all that was heard has settled."""
    with town.databases["notifications"].reading() as session:
        line = session.scalars(select(Reminder).where(Reminder.kind == "pack")).one()
    return max(line.due_at, datetime.now(line.due_at.tzinfo) + timedelta(minutes=5))


def post(town: Town, now: datetime) -> None:
    """What is due is written, as often as the relay may come by, and leaves."""
    for _turn in range(40):
        with town.databases["notifications"].transaction() as session:
            packs.write_due(session, now)
            reminders.write_due(session, now)
    with town.databases["notifications"].transaction() as session:
        for letter in session.scalars(select(Letter).where(Letter.kind.in_(("pack", "relieved")))):
            if letter.state == "queued":
                letter.state, letter.sent_at = "sent", now


def told(town: Town) -> list[tuple[UUID, str]]:
    with town.databases["notifications"].reading() as session:
        mine = select(Letter).where(Letter.kind.in_(("pack", "relieved")))
        return sorted((one.participant_id, one.kind) for one in session.scalars(mine) if one.participant_id)


def test_who_facilitates_or_takes_notes_is_written_to_once_and_so_is_who_takes_over(town: Town) -> None:
    before, now = held(town), clock(town)
    post(town, now)
    post(town, now)
    assert told(town) == sorted((who, "pack") for (_n, duty), who in before.items() if duty != "timekeeper")

    gone = before[1, "facilitator"]
    with town.databases["registration"].transaction() as session:
        cancellations.cancel(session, gone, links=LINKS, now=NOON)
    town.settle()
    post(town, now)

    new = held(town)[1, "facilitator"]
    assert new != gone
    assert told(town).count((new, "pack")) == 1
    assert (gone, "relieved") not in told(town)


def test_who_is_replaced_on_the_board_is_told_once_when_it_is_published(town: Town) -> None:
    before, now = held(town), clock(town)
    post(town, now)
    one, other = before[1, "facilitator"], before[1, "timekeeper"]
    with town.databases["grouping"].transaction() as session:
        round_ = session.scalars(select(Round)).one()
        taken = {"facilitator": None, "rapporteur": before[1, "rapporteur"], "timekeeper": other}
        plans.assign(session, round_, 1, taken, now=NOON)
    town.settle()
    post(town, now)
    quiet = [kind for _who, kind in told(town) if kind == "relieved"]

    with town.databases["grouping"].transaction() as session:
        plans.publish(session, session.scalars(select(Round)).one(), now=NOON)
    town.settle()
    post(town, now)
    post(town, now)

    assert quiet == []
    assert [who for who, kind in told(town) if kind == "relieved"] == [one]
