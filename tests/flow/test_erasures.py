"""Somebody is forgotten by all four services, each says so, and a group keeps a free place."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from services.chassis import prune
from services.chassis.db import outbox
from services.feedback.models import Attendance
from services.grouping import links as rules
from services.grouping.models import Member, Placement
from services.notifications import erasures as last_letters
from services.notifications.models import Letter
from services.registration import (
    disclosures,
    erasures,
    gatherings,
    invitations,
    questions,
    registrations,
    stories,
    topics,
)
from services.registration.models import Erasure, Gathering, Organiser, Participant, State, Topic
from tests.flow import played
from tests.flow.played import DAY, LINKS, NOON
from tests.flow.town import HEARINGS, SERVICES, Town

# Whoever finds one of these in a database afterwards has found the person.
TRACES = ("Zéphyrine", "Quillfeather", "zephyrine@", "Moulin des Traces", "06 99 88 77 66", "La clé perdue")
FILE = "Prénom;Nom;Courriel;Structure\nZéphyrine;Quillfeather;zephyrine@traces.example;Moulin des Traces\n"
PHONE = {
    "kind": "phone", "wording": {"fr": "Téléphone ?"}, "purpose": {"fr": "Le jour même."}, "keep_days": 7,
    "required": False, "options": (), "only_if": None,
}  # fmt: skip


def come(town):
    """Zéphyrine is invited, registers with her phone number, tells a story, has wishes and hands in a topic."""
    with town.databases["registration"].transaction() as session:
        gathering = session.scalars(select(Gathering)).one()
        owner = session.scalars(select(Organiser)).one().id
        gatherings.change(
            session, gathering.id, version=gathering.version, by=owner, links=LINKS, now=NOON, seats=80,
            territories=[{"name": one["name"], "quota": None} for one in gathering.territories],
        )  # fmt: skip
        phone = questions.add(session, gathering.id, by=owner, now=NOON, **PHONE).key
        staged = invitations.stage(
            session, gathering.id, content=FILE.encode(), file_name="traces.csv", by=owner, now=NOON
        )
        invitations.apply(session, gathering.id, staged.id, by=owner, links=LINKS, now=NOON)
    town.settle()
    with town.databases["registration"].transaction() as session:
        who = registrations.ask(
            session, gathering.id, given="Zéphyrine", family="Quillfeather", email="zephyrine@traces.example",
            territory="A", trade=gathering.trades[0], structure="Moulin des Traces", language="fr",
            answers={phone: "06 99 88 77 66"}, links=LINKS, now=NOON,
        ).participant_id  # fmt: skip
        registrations.confirm(session, who, links=LINKS, now=NOON)
        story = stories.propose(session, who, title="La clé perdue", consents=True, now=NOON)
        stories.accept(session, gathering.id, story.id, by=owner, now=NOON)
        wished = session.scalars(select(Topic.id).where(Topic.state == "accepted")).first()
        topics.rank(session, who, topic_ids=[wished], now=NOON)
    town.settle()
    return gathering.id, who


def traces(town):
    """Every table of every service in which somebody can still be read."""
    found = []
    for name, service in SERVICES.items():
        with town.databases[name].reading() as session:
            for table in service.metadata.sorted_tables:
                for row in session.execute(select(table)):
                    said = repr(tuple(row)) + repr(tuple(row)).encode().decode("unicode_escape", "replace")
                    found += [f"{name}.{table.name}: {trace}" for trace in TRACES if trace in said]
    return sorted(set(found))


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    """A day that is over; nobody is forgotten yet."""
    from services.chassis.db import Database  # noqa: PLC0415

    folder, opened = tmp_path_factory.mktemp("erasures"), []

    def open_empty(tables, name):
        database = Database(f"sqlite:///{folder}/{name}.db", name)
        tables.create_all(database.engine)
        opened.append(database)
        return database

    town = Town(open_empty)
    played.prepare(town)
    town.gathering_id, town.who = come(town)
    played.meet(town)
    with town.databases["grouping"].transaction() as session:
        other = session.scalars(select(Member.participant_id).where(Member.participant_id != town.who)).first()
        about = {"kind": "apart", "one": town.who, "other": other, "by": None, "now": DAY}
        rules.tie(session, town.gathering_id, **about)
    yield town
    for database in opened:
        database.dispose()


@pytest.fixture(scope="module")
def copied(town):
    """What each service told Zéphyrine that it holds about her, as one text a service."""
    with town.databases["registration"].transaction() as session:
        disclosures.ask(session, town.who, now=DAY)
    town.settle()
    with town.databases["registration"].reading() as session:
        parts = disclosures.of_person(session, town.who)
    for name, service in SERVICES.items():
        with town.databases[name].transaction() as session:
            prune.prune(session, datetime.now(UTC) + timedelta(minutes=1), service.events)
    return {name: json.dumps(part.holdings, ensure_ascii=False) for name, part in parts.items() if part}


@pytest.fixture(scope="module")
def forgotten(town, copied):
    """The same after Zéphyrine asked to be forgotten: where she could be read, and who confirmed when."""
    before = traces(town)
    with town.databases["grouping"].reading() as session:
        mine = select(Placement).where(Placement.participant_id == town.who)
        groups = {one.group_id: session.scalar(_size(one)) for one in session.scalars(mine)}
    with town.databases["registration"].transaction() as session:
        erasures.erase(session, town.who, links=LINKS, now=DAY + timedelta(minutes=1))
    with town.databases["registration"].reading() as session:
        at_once = [one.service for one in erasures.progress(session, town.who) if one.at]
    town.settle()
    with town.databases["registration"].reading() as session:
        in_time = [one.service for one in erasures.progress(session, town.who) if one.at]
    letter = farewell(town)
    town.settle()
    with town.databases["registration"].transaction() as session:
        erasures.blot(session, DAY + timedelta(minutes=2))
    return {"before": before, "groups": groups, "at_once": at_once, "in_time": in_time, "letter": letter}


def farewell(town):
    """The last letter leaves, and its address goes: to whom it was, and who was still readable besides it."""
    with town.databases["notifications"].transaction() as session:
        letter = session.scalars(select(Letter).where(Letter.kind == "erased")).one()
        letter.state, to = "sent", letter.email
    still = [one for one in traces(town) if one.startswith("notifications.")]
    with town.databases["notifications"].transaction() as session:
        assert last_letters.finish(session, DAY + timedelta(minutes=2)) == 1
    return to, sorted({one.partition(":")[0] for one in still})


def _size(placement):
    here = (Placement.plan_id == placement.plan_id, Placement.group_id == placement.group_id)
    return select(func.count()).select_from(Placement).where(*here)


def test_the_person_reads_what_every_service_holds(copied):
    found = {name: [trace for trace in TRACES if trace in said] for name, said in copied.items()}

    assert found == {
        "registration": list(TRACES),
        "grouping": ["Zéphyrine", "Quillfeather", "Moulin des Traces", "La clé perdue"],
        "feedback": [],
        "notifications": ["Zéphyrine", "Quillfeather", "zephyrine@"],
    }
    assert '"present"' in copied["feedback"]


def test_a_copy_stays_in_no_outbox_once_it_is_heard(town, copied):
    with town.databases["notifications"].reading() as session:
        bodies = session.scalars(select(outbox.c.body).where(outbox.c.type.contains("disclosed"))).all()

    assert [body["holdings"] for body in bodies] == [""]


def test_every_service_knew_the_person_before(forgotten):
    assert {one.partition(".")[0] for one in forgotten["before"]} == set(SERVICES)


def test_each_service_confirms_for_itself(town, forgotten):
    with town.databases["registration"].reading() as session:
        confirmed = [one.service for one in erasures.progress(session, town.who) if one.at]

    assert (forgotten["at_once"], confirmed) == (["registration"], list(SERVICES))


def test_notifications_confirms_when_the_last_letter_has_left(forgotten):
    assert forgotten["in_time"] == ["registration", "grouping", "feedback"]
    assert forgotten["letter"] == ("zephyrine@traces.example", ["notifications.letters"])


def test_the_clock_finishes_what_was_under_way(town, forgotten):
    with town.databases["registration"].reading() as session:
        assert session.get_one(Erasure, town.who).blotted_at is not None


def test_no_table_of_any_service_knows_the_person_any_more(town, forgotten):
    assert traces(town) == []


def test_a_group_keeps_its_size_with_a_free_place(town, forgotten):
    with town.databases["grouping"].reading() as session:
        mine = session.scalars(select(Placement).where(Placement.participant_id == town.who)).all()
        after = {one.group_id: session.scalar(_size(one)) for one in mine}
        member = session.get_one(Member, town.who)

    assert (after, member.name, member.territory) == (forgotten["groups"], "", "A")
    assert len(after) > 0


def test_what_stays_is_a_number(town, forgotten):
    with town.databases["registration"].reading() as session:
        row = session.get_one(Participant, town.who)
    with town.databases["feedback"].reading() as session:
        was_there = session.get(Attendance, town.who)

    assert (row.state, row.territory, row.given, row.email, row.answers) == (State.erased, "A", "", "", {})
    assert was_there is None or was_there.email is None


def test_being_told_everything_again_brings_nobody_back(town, forgotten):
    for hearer, source in HEARINGS:
        if source == "registration":
            assert town.recall(hearer, source, "check").mended == 0, hearer

    assert traces(town) == []


def test_erasing_twice_is_as_good_as_once(town, forgotten):
    told = town.told("registration")

    with town.databases["registration"].transaction() as session:
        erasures.erase(session, town.who, links=LINKS, now=DAY + timedelta(minutes=9))

    assert town.told("registration") == told
