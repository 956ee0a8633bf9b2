"""A day played through the use cases of the four services, so that every kind of mirrored row is there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import select

from infra.sample.cast import cast
from services.feedback import questionnaires
from services.feedback.models import Gathering as Heard
from services.grouping import plans, rounds, syntheses
from services.grouping.models import Round
from services.registration import (
    cancellations,
    desk,
    gatherings,
    invitations,
    registrations,
    sample,
    stories,
    topics,
    waiting_list,
)
from services.registration.links import Links
from services.registration.models import Gathering, Organiser, Participant, State, Story, Topic
from tests.flow.town import SETTINGS, Town

NOON = datetime.now(UTC) - timedelta(minutes=10)
DAY = NOON + timedelta(minutes=5)
LINKS = Links(SETTINGS.public_url, SETTINGS.secret_key)
GUESTS = 48


def prepare(town: Town) -> None:
    """Registrations with all that may happen to them: changes, cancellations and the way back, waiting, offers."""
    day = cast()
    with town.databases["registration"].transaction() as session:
        sample.load(
            session,
            SETTINGS,
            now=NOON,
            guests=day.invited[:GUESTS],
            told=["Une histoire", "Une autre", "Une troisième"],
            asked=[f"Comment faire {n} ?" for n in range(1, 6)],
        )
        gathering = session.scalars(select(Gathering)).one()
        owner = session.scalars(select(Organiser)).one()
        people = _ids(session, State.registered)
        letters = {one["letter"]: one for one in gathering.territories}
        full = next(iter(letters))
        cancellations.cancel(session, people[30], links=LINKS, now=NOON)
        cancellations.restore(session, people[30], links=LINKS, now=NOON)
        gatherings.change(
            session,
            gathering.id,
            version=gathering.version,
            by=owner.id,
            links=LINKS,
            now=NOON,
            seats=GUESTS + 1,
            place="Salle des fêtes",
        )
        file = "Prénom;Nom;Courriel\nLou;Silence;lou@silence.example\nZoé0;Attend;zoe0@attend.example\n"
        staged = invitations.stage(
            session, gathering.id, content=file.encode(), file_name="liste.csv", by=owner.id, now=NOON
        )
        invitations.apply(session, gathering.id, staged.id, by=owner.id, links=LINKS, now=NOON)
        for number in range(5):
            registrations.ask(
                session,
                gathering.id,
                given=f"Zoé{number}",
                family="Attend",
                email=f"zoe{number}@attend.example",
                territory=full,
                trade=gathering.trades[0],
                structure="Une structure",
                language="fr",
                links=LINKS,
                now=NOON,
            )
        accepted = session.scalars(
            select(Topic.id).where(Topic.state == "accepted").order_by(Topic.number)
        ).all()
        for number, person in enumerate(people[10:30]):
            topics.rank(session, person, topic_ids=[accepted[number % 5], accepted[(number + 1) % 5]], now=NOON)
        for person in people[20:26]:
            someone = session.get_one(Participant, person)
            registrations.change(
                session,
                person,
                given=someone.given,
                family=f"{someone.family} Neuf",
                territory=someone.territory,
                trade=someone.trade,
                structure="Autre structure",
                language="en",
                links=LINKS,
                now=NOON,
            )
        for person in people[31:34]:
            cancellations.cancel(session, person, links=LINKS, now=NOON)
        waits = session.scalars(select(Participant.id).where(Participant.state == State.offered)).all()
        if waits:
            waiting_list.accept(session, waits[0], links=LINKS, now=NOON)
        story = session.scalars(select(Story).where(Story.state == "accepted").order_by(Story.title)).first()
        stories.decline(session, gathering.id, story.id, by=owner.id, now=NOON)
        topics.decline(session, gathering.id, accepted[4], by=owner.id, now=NOON)
        registrations.send_links(
            session,
            gathering.id,
            email=session.get_one(Participant, people[35]).email,
            links=LINKS,
            now=NOON,
        )
    town.settle()


def meet(town: Town) -> None:
    """Groups formed and published, people at the door, syntheses, the questionnaire addressed."""
    with town.databases["registration"].reading() as session:
        gathering = session.scalars(select(Gathering)).one()
        owner = session.scalars(select(Organiser)).one()
        people = _ids(session, State.registered)
    with town.databases["grouping"].transaction() as session:
        for kind in ("angles", "topics"):
            rounds.open_round(session, gathering.id, kind=kind, name=f"Temps {kind}", by=owner.id, now=NOON)
    town.settle()
    with town.databases["grouping"].transaction() as session:
        for round_ in session.scalars(select(Round)).all():
            plans.publish(session, round_, now=NOON)
        syntheses.write(session, gathering.id, 1, modalities=["La confiance", "Le temps"], by=None, now=DAY)
    town.settle()
    with town.databases["registration"].transaction() as session:
        for person in people[:30]:
            desk.check_in(session, gathering.id, person, by=owner.id, links=LINKS, now=DAY)
        desk.note_absences(session, gathering.id, by=owner.id, now=DAY)
        late = _ids(session, State.no_show)[0]
        desk.check_in(session, gathering.id, late, by=owner.id, links=LINKS, now=DAY)
        desk.walk_in(
            session,
            gathering.id,
            given="Ada",
            family="Passe",
            email="ada@passe.example",
            territory=gathering.territories[0]["letter"],
            trade=gathering.trades[0],
            structure="",
            by=owner.id,
            links=LINKS,
            now=DAY,
        )
        topic = session.scalars(select(Topic).where(Topic.state == "accepted")).first()
        topics.keep_plan(
            session, topic.participant_id, topic_id=topic.id, plan="Appeler deux partenaires.", now=DAY
        )
    town.settle()
    with town.databases["feedback"].transaction() as session:
        questionnaires.address(session, session.scalars(select(Heard.id)).one(), now=DAY)
    town.settle()


def _ids(session, state: str) -> list[UUID]:
    found = select(Participant.id).where(Participant.state == state).order_by(Participant.email, Participant.id)
    return list(session.scalars(found))
