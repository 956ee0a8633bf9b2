"""The sample gathering: something to look at before one has made a gathering of one's own."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import Any, Protocol
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from services.chassis.settings import Settings
from services.registration import gatherings, hours, questions, registrations, sign_ins, stories, topics
from services.registration.links import Links
from services.registration.models import Gathering

SLUG = "chemins-croises"
ZONE = "Europe/Paris"
DAY = datetime(2027, 4, 8, tzinfo=ZoneInfo(ZONE)).date()
OWNER = ("camille.letilleul@chemins-croises.example", "Camille Le Tilleul")
TERRITORIES = (
    ("Armorique", 18), ("Beauce", 16), ("Cévennes", 14), ("Dombes", 17), ("Estuaire", 16), ("Flandre", 18),
    ("Garonne", 15), ("Hautes-Vosges", 18),
)  # fmt: skip
TRADES = ("accompagnement", "encadrement technique", "direction", "partenariat", "coordination")
ANGLES = (
    "La collaboration autour de la personne",
    "Le partenariat au quotidien",
    "Nos pratiques qui évoluent",
    "La place de la personne",
    "Le temps et le rythme",
)
_ASKED: dict[str, Any] = {"keep_days": 7, "required": False, "options": (), "only_if": None}
QUESTIONS: tuple[dict[str, Any], ...] = (
    {
        **_ASKED,
        "kind": "single",
        "wording": {"fr": "Que mangez-vous à midi ?", "en": "What do you eat at noon?"},
        "purpose": {"fr": "Pour commander les repas.", "en": "To order the meals."},
        "options": (
            {"fr": "Comme tout le monde", "en": "What everybody eats"},
            {"fr": "Végétarien", "en": "Vegetarian"},
            {"fr": "J’apporte mon repas", "en": "I bring my own"},
        ),
    },
    {
        **_ASKED,
        "kind": "long_text",
        "wording": {
            "fr": "De quoi avez-vous besoin pour suivre la journée ?",
            "en": "What do you need to take part?",
        },
        "purpose": {
            "fr": "Une place devant, une boucle magnétique, un accès sans marche…",
            "en": "A seat in front, an induction loop, no steps…",
        },
    },
)


class Guest(Protocol):
    """A fictional person; `territory` is a letter."""

    @property
    def given(self) -> str: ...
    @property
    def family(self) -> str: ...
    @property
    def email(self) -> str: ...
    @property
    def territory(self) -> str: ...
    @property
    def trade(self) -> str: ...
    @property
    def structure(self) -> str: ...
    @property
    def language(self) -> str: ...


def load(
    session: Session,
    settings: Settings,
    *,
    now: datetime,
    guests: Sequence[Guest] = (),
    told: Sequence[str] = (),
    asked: Sequence[str] = (),
) -> None:
    """Make the sample gathering, open for registration; nothing happens when it is there.

    It takes place on 8 April 2027, or about four months from `now` when that is past. `guests` ask for a seat one
    after the other and confirm it; the first of them bring the stories `told`, the next the questions `asked`.
    """
    if session.scalar(select(exists().where(Gathering.slug == SLUG))):
        return
    links = Links.of(settings)
    email, name = OWNER
    owner = sign_ins.welcome(session, email, name=name, now=now)
    day = DAY if hours.instant(DAY, time(9, 30), ZONE) > now else (now + timedelta(days=120)).date()
    gathering = gatherings.create(
        session,
        title="Chemins croisés",
        purpose="Huit personnes racontent une histoire vécue. Vous l’écoutez avec une question en tête, puis "
        "vous travaillez à onze sur un sujet porté par l’une ou l’un d’entre vous.",
        starts_at=hours.instant(day, time(9, 30), ZONE),
        ends_at=hours.instant(day, time(16, 30), ZONE),
        zone=ZONE,
        place="Halle aux Grains, Saint-Rieul",
        seats=sum(quota for _, quota in TERRITORIES),
        language="fr",
        writing="epicene",
        organiser_name="L’équipe Passerelles",
        reply_to=email,
        territories=[{"name": name, "quota": quota} for name, quota in TERRITORIES],
        trades=list(TRADES),
        angles=list(ANGLES),
        by=owner,
        links=links,
        now=now,
    )
    for wanted in QUESTIONS:
        questions.add(session, gathering.id, by=owner.id, now=now, **wanted)
    gatherings.open_door(session, gathering.id, by=owner.id, links=links, now=now)
    seated = [_seat(session, gathering.id, guest, links=links, now=now) for guest in guests]
    holding = [one for one in seated if one is not None]
    for title, teller in zip(told, holding, strict=False):
        story = stories.propose(session, teller, title=title, consents=True, now=now)
        stories.accept(session, gathering.id, story.id, by=owner.id, now=now)
    for question, carrier in zip(asked, holding[len(told) :], strict=False):
        topic = topics.propose(session, carrier, question=question, now=now)
        topics.accept(session, gathering.id, topic.id, by=owner.id, now=now)


def _seat(session: Session, gathering_id: UUID, guest: Guest, *, links: Links, now: datetime) -> UUID | None:
    """The id of a guest who holds a confirmed seat now, or None for one who waits."""
    answer = registrations.ask(
        session,
        gathering_id,
        given=guest.given,
        family=guest.family,
        email=guest.email,
        territory=guest.territory,
        trade=guest.trade,
        structure=guest.structure,
        language=guest.language,
        links=links,
        now=now,
    )
    if answer.outcome != "held":
        return None
    registrations.confirm(session, answer.participant_id, links=links, now=now)
    return answer.participant_id
