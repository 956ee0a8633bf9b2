"""A day as feedback hears of it, and the people who open its pages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from bs4 import BeautifulSoup
from flask.testing import FlaskClient
from sqlalchemy import select

from services.chassis import auth, roles
from services.chassis.db import Database, outbox
from services.chassis.settings import Settings
from services.feedback import answers, questionnaires
from services.feedback.tasks import inbox

NOON = datetime(2027, 4, 8, 10, tzinfo=UTC)
EVENING = datetime(2027, 4, 8, 17, tzinfo=UTC)
HOME = "https://palabre.example.org"
GATHERING = UUID("6f9619ff-8b86-4d01-b42d-00cf4fc964ff")
_SIGNING, _VERIFYING = auth.new_keys()
SETTINGS = Settings(
    mode="test", public_url=HOME, secret_key="s" * 40, signing_key=_SIGNING, verify_key=_VERIFYING
)


@dataclass
class Day:
    """One gathering as feedback knows it; facts are told through the very handlers that hear them."""

    database: Database

    def hear(self, fact_type: str, /, **data: Any) -> None:
        ear = inbox.ears[fact_type]
        with self.database.transaction() as session:
            ear.handle(session, ear.reads().load(data), NOON)

    def describe(self, **other: Any) -> None:
        self.hear(
            "registration.gathering_described.v1",
            **{
                "gathering_id": str(GATHERING),
                "version": 1,
                "slug": "chemins-croises",
                "title": "Chemins croisés",
                "purpose": "Apprendre les uns des autres",
                "starts_at": "2027-04-08T07:30:00+00:00",
                "ends_at": "2027-04-08T15:00:00+00:00",
                "zone": "Europe/Paris",
                "place": "Halle aux Grains",
                "language": "fr",
                "state": "open",
                "territories": [
                    {"letter": "A", "name": "Armorique", "quota": 18},
                    {"letter": "B", "name": "Beauce", "quota": 16},
                ],
                "trades": ["Encadrement technique", "Partenariats"],
                "public_url": f"{HOME}/r/chemins-croises",
                **other,
            },
        )

    def check_in(self, *families: str) -> list[UUID]:
        people = []
        for number, family in enumerate(families):
            people.append(uuid4())
            self.hear(
                "registration.participant_checked_in.v1",
                participant_id=str(people[-1]),
                gathering_id=str(GATHERING),
                checked_in_at=NOON.isoformat(),
                email=f"p{number}@example.org",
                given="Ada",
                family=family,
                language="fr",
                link=f"{HOME}/moi/x",
            )
        return people

    def told(self, fact_type: str) -> list[dict[str, Any]]:
        with self.database.reading() as session:
            rows = session.scalars(
                select(outbox.c.body).where(outbox.c.type == fact_type).order_by(outbox.c.sequence)
            )
            return list(rows)

    def links(self) -> list[str]:
        """The links that letters carry, as paths."""
        told = self.told("feedback.questionnaire_addressed.v1")
        return [fact["link"].removeprefix(HOME) for fact in told]


class Browser:
    """A person's browser: sends forms with the token their page carried."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client

    def get(self, path: str) -> Any:
        return self.client.get(path)

    def page(self, path: str) -> BeautifulSoup:
        return soup(self.client.get(path))

    def send(self, path: str, /, on: str | None = None, **form: Any) -> Any:
        """Fill the form of the page `on` (the path itself when there is none) that posts to `path`."""
        shown = self.page(on or path)
        found = shown.find("form", attrs={"method": "post", "action": path})
        assert found is not None, f"no form to {path} on {on or path}"
        hidden = {field["name"]: field["value"] for field in found.find_all("input", type="hidden")}
        return self.client.post(path, data={**hidden, **form})


def soup(answer: Any) -> BeautifulSoup:
    return BeautifulSoup(answer.get_data(as_text=True), "html5lib")


def organiser_token(database: Database, role: str) -> str:
    who = auth.Actor("organiser", uuid4(), "odile@example.org", "Odile F.")
    assert who.id is not None
    with database.transaction() as session:
        roles.grant(session, role_id=uuid4(), gathering_id=GATHERING, organiser_id=who.id, role=role)
    return auth.issue(SETTINGS, who, int(timedelta(hours=1).total_seconds()))


def whole_day(day: Day, *, people: int = 119, answering: int = 90) -> None:
    """Tell feedback all there is to tell of a day, and let people answer."""
    day.check_in(*(f"Famille{number}" for number in range(people)))
    for number in range(1, 9):
        day.hear(
            "registration.story_accepted.v1",
            story_id=str(uuid4()),
            gathering_id=str(GATHERING),
            participant_id=str(uuid4()),
            title=f"Le bus de 5 h {number}0",
        )
    for number in range(1, 13):
        day.hear(
            "registration.topic_accepted.v1",
            topic_id=str(uuid4()),
            gathering_id=str(GATHERING),
            participant_id=str(uuid4()),
            question=f"Comment aborder une situation numéro {number} ?",
            number=number,
        )
    for kind, name, groups in (("angles", "Angles d'écoute", 5), ("topics", "Ateliers", 12)):
        day.hear(
            "grouping.plan_published.v1",
            round_id=str(uuid4()),
            gathering_id=str(GATHERING),
            kind=kind,
            name=name,
            version=1,
            people=people,
            groups=[
                {
                    "group_id": str(uuid4()),
                    "number": n,
                    "name": f"{n}",
                    "question": None,
                    "size": 10,
                    "territories": ["A", "B"],
                    "trades": ["Partenariats"],
                }
                for n in range(groups)
            ],
        )
    for angle in ("La collaboration autour de la personne", "La place de la personne", "Le temps et le rythme"):
        day.hear(
            "grouping.synthesis_written.v1",
            group_id=str(uuid4()),
            gathering_id=str(GATHERING),
            angle=angle,
            modalities=["Se faire confiance avant d'en avoir besoin", "Tenir une approche d'ensemble"],
            written_at=EVENING.isoformat(),
        )
    with day.database.transaction() as session:
        questionnaires.address(session, GATHERING, now=EVENING)
    for number, link in enumerate(day.links()[:answering]):
        given = {"useful": str(5 - number % 7 % 5), "pace": ("right", "right", "fast", "slow")[number % 40 % 4]}
        if number % 3 == 0:
            given |= {"takeaway": f"Pour une fois, on m'a demandé ce que je savais faire ({number})."}
        with day.database.transaction() as session:
            answers.give(
                session,
                link.removeprefix("/q/"),
                given=given,
                quoted=["takeaway"] if number % 2 else [],
                seed="s",
                now=EVENING,
            )
