"""Organisers come in by a link or a code in a letter. There is no password to steal."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from http import HTTPStatus
from uuid import UUID, uuid4

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from services.chassis.errors import Refused
from services.chassis.outbox import publish
from services.chassis.settings import Settings
from services.registration import addresses, telling
from services.registration.events import SignInAsked
from services.registration.links import Links, hashed
from services.registration.models import Deed, Organiser, SignIn

VALID = timedelta(minutes=15)
FIRST_VALID = timedelta(hours=24)
INVITED_VALID = timedelta(days=3)
AN_HOUR = 3
TRIES = 5
NEWCOMER = "organisation@palabre.example"


class LinkSpent(Refused):
    code, status = "link-spent", HTTPStatus.GONE


def ask(session: Session, *, email: str, language: str, links: Links, now: datetime) -> None:
    """Send a way in to an organiser's address. Nothing happens for other addresses, nor a fourth time an hour.

    The caller tells everybody the same, so that nobody learns who organises.
    """
    organiser = session.scalar(select(Organiser).where(Organiser.email == email))
    if organiser is None:
        return
    # Letters are counted, not ways in: a link that an operator was shown keeps nobody's letter back.
    lately = select(func.count()).where(
        Deed.about == organiser.id, Deed.deed == "sign-in asked", Deed.at > now - timedelta(hours=1)
    )
    if (session.scalar(lately) or 0) >= AN_HOUR:
        return
    sign_in, token = a_way_in(session, email, valid=VALID, now=now)
    about = {
        "sign_in_id": sign_in.id,
        "email": email,
        "link": links.sign_in(token),
        "code": links.code(sign_in.id, sign_in.expires_at),
        "expires_at": sign_in.expires_at,
        "language": language,
    }
    publish(session, SignInAsked, about=about, now=now)
    telling.note(session, "sign-in asked", organiser.id, gathering_id=None, by=None, now=now)


def use(session: Session, token: str, *, now: datetime) -> Organiser:
    """Open the door with a link, once. Raises LinkSpent."""
    return _enter(session, SignIn.token_hash == hashed(token), now=now)


def use_code(session: Session, *, email: str, code: str, links: Links, now: datetime) -> Organiser | None:
    """Open the door with the six digits of the last letter; None when they are wrong or were guessed too
    often.
    """
    sign_in = session.scalar(
        select(SignIn)
        .where(
            SignIn.email == email,
            SignIn.used_at.is_(None),
            # A letter's way in, not one that an operator was shown, which lasts longer and has no code.
            SignIn.expires_at.between(now, now + VALID),
        )
        .order_by(SignIn.asked_at.desc())
        .limit(1)
        .with_for_update()
    )
    if sign_in is None or sign_in.tries >= TRIES:
        return None
    sign_in.tries += 1
    if not links.is_code(code, sign_in.id, sign_in.expires_at):
        return None
    return _enter(session, SignIn.id == sign_in.id, now=now)


def is_open(session: Session, token: str, *, now: datetime) -> bool:
    """Whether a link would still open the door; asking does not spend it."""
    sign_in = session.scalar(select(SignIn).where(SignIn.token_hash == hashed(token)))
    return sign_in is not None and sign_in.used_at is None and sign_in.expires_at > now


def first_link(session: Session, email: str, now: datetime) -> str:
    """Make `email` an organiser and return a token that opens the door once within a day; no letter is sent.

    Raises addresses.NotAnAddress.
    """
    email = addresses.read(email)
    welcome(session, email, now=now)
    _, token = a_way_in(session, email, valid=FIRST_VALID, now=now)
    return token


def owner_link(session: Session, settings: Settings, *, now: datetime) -> str:
    """The address at which the eldest organiser comes in once, within a day; a first one is made when there
    is none.
    """
    email = session.scalar(select(Organiser.email).order_by(Organiser.created_at).limit(1))
    links = Links.of(settings)
    return links.sign_in(first_link(session, email or NEWCOMER, now))


def a_way_in(session: Session, email: str, *, valid: timedelta, now: datetime) -> tuple[SignIn, str]:
    """Something that opens the door once for this address until it is too old, and the token that is its link."""
    token = secrets.token_urlsafe(24)
    sign_in = SignIn(
        id=uuid4(), email=email, token_hash=hashed(token), tries=0, asked_at=now, expires_at=now + valid
    )
    session.add(sign_in)
    session.flush()
    return sign_in, token


def welcome(session: Session, email: str, *, name: str = "", now: datetime) -> Organiser:
    """The organiser of this address, made when there is none."""
    organiser = session.scalar(select(Organiser).where(Organiser.email == email))
    if organiser is None:
        organiser = Organiser(id=uuid4(), email=email, name=name, created_at=now)
        session.add(organiser)
        session.flush()
        telling.note(session, "organiser welcomed", organiser.id, gathering_id=None, by=None, now=now)
    return organiser


def _enter(session: Session, which: object, *, now: datetime) -> Organiser:
    email = session.scalar(
        update(SignIn)
        .where(which, SignIn.used_at.is_(None), SignIn.expires_at > now)  # type: ignore[arg-type]
        .values(used_at=now)
        .returning(SignIn.email)
    )
    organiser: Organiser | None = None
    if email is not None:
        organiser = session.scalar(select(Organiser).where(Organiser.email == email))
    if organiser is None:
        raise LinkSpent("This link has been used, or it is too old. Ask for a new one.")
    telling.note(session, "signed in", organiser.id, gathering_id=None, by=organiser.id, now=now)
    return organiser


def organiser(session: Session, organiser_id: UUID) -> Organiser | None:
    return session.get(Organiser, organiser_id)
