"""The sample gathering: something to look at before one has made a gathering of one's own."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from services.chassis.settings import Settings
from services.registration import gatherings, hours, sign_ins
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


def load(session: Session, settings: Settings, *, now: datetime) -> None:
    """Make the sample gathering, open for registration; nothing happens when it is there.

    It takes place on 8 April 2027, or about four months from `now` when that is past.
    """
    if session.scalar(select(exists().where(Gathering.slug == SLUG))):
        return
    links = Links(settings.public_url, settings.secret_key)
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
    gatherings.open_door(session, gathering.id, by=owner.id, links=links, now=now)
