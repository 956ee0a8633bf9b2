from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from infra.sample.cast import cast
from services.registration import sample, sign_ins, tasks
from services.registration.models import Gathering, Participant, State, Story, Topic
from tests.unit.chassis.face import some_settings
from tests.unit.registration.conftest import NOON

SETTINGS = some_settings(public_url="https://palabre.example")


def load(registration, now):
    with registration.transaction() as session:
        sample.load(session, SETTINGS, now=now)
    with registration.reading() as session:
        return session.scalars(select(Gathering)).one()


def test_the_sample_gathering_is_made_once_and_open(registration, told):
    gathering = load(registration, NOON)
    told()
    load(registration, NOON)

    assert (gathering.slug, gathering.state, gathering.seats, told()) == ("chemins-croises", "open", 132, [])


def test_the_people_of_the_sample_hold_seats_and_bring_stories_and_topics(registration):
    day = cast()
    with registration.transaction() as session:
        sample.load(session, SETTINGS, now=NOON, guests=day.invited[:118], told=day.stories, asked=day.topics)

    with registration.reading() as session:
        states = Counter(session.scalars(select(Participant.state)))
        stories = session.scalars(select(Story.title).where(Story.state == "accepted")).all()
        topics = session.scalars(select(Topic.question).order_by(Topic.number)).all()
    assert (states, sorted(stories), tuple(topics)) == (
        Counter({State.registered: 118}), sorted(day.stories), day.topics
    )  # fmt: skip


def test_the_sample_day_is_never_past(registration):
    late = datetime(2031, 7, 1, 12, tzinfo=UTC)

    assert timedelta(days=100) < load(registration, late).starts_at - late < timedelta(days=140)


def test_the_owner_of_the_sample_comes_in_by_the_printed_link(registration):
    load(registration, NOON)
    with registration.transaction() as session:
        link = sign_ins.owner_link(session, SETTINGS, now=NOON)
        owner = sign_ins.use(session, link.rpartition("/")[2], now=NOON)

    assert (link.startswith("https://palabre.example/entrer/"), owner.name) == (True, "Camille Le Tilleul")


def test_the_clock_frees_what_nobody_confirmed(registration, a_gathering, ask):
    ada = ask(a_gathering()).participant_id
    with registration.transaction(settings=SETTINGS) as session:
        freed = tasks.expire(session, NOON + timedelta(hours=49))

    with registration.reading() as session:
        assert (freed, session.get(Participant, ada).state) == (1, State.expired)
