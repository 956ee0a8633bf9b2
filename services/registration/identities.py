"""Accounts elsewhere: an organiser comes in as somebody whom the operator's OpenID provider knows.

A provider names a person by issuer and subject, for ever (OpenID Connect Core 1.0, sections 2 and 5.7); an address may
pass to somebody else. So the address is believed once, when it was verified there and no account is bound yet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from uuid import UUID, uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.chassis.errors import NotFound, Refused
from services.chassis.outbox import publish
from services.registration import addresses, telling
from services.registration.events import IdentityBound
from services.registration.models import Identity, Organiser


class IdentityRefused(Refused):
    """The door stays closed; the message says what else opens it."""

    code, status = "identity-refused", HTTPStatus.FORBIDDEN


@dataclass(frozen=True)
class Told:
    """What the provider said of a person, its signature checked; `provider` is what people call it.

    `email` is empty where it said none, `is_verified` false where it did not vouch for the address.
    """

    issuer: str
    subject: str
    provider: str
    email: str
    is_verified: bool


@dataclass(frozen=True)
class Letter:
    """How the owner is written to about a new way in: where it is removed, in which language."""

    link: str
    language: str


def use(session: Session, told: Told, letter: Letter, *, now: datetime) -> Organiser:
    """Open the door to whom the provider knows; their account is bound the first time. Raises IdentityRefused."""
    identity = _bound(session, told)
    if identity is None:
        organiser = _by_address(session, told)
        # Looked at again: somebody who pressed twice may have bound it while we waited for the row.
        identity = _bound(session, told) or _bind(session, organiser, told, letter, now=now)
    identity.used_at = now
    telling.note(
        session, "signed in", identity.organiser_id, gathering_id=None, by=identity.organiser_id, now=now
    )
    return session.get_one(Organiser, identity.organiser_id)


def add(session: Session, organiser: Organiser, told: Told, letter: Letter, *, now: datetime) -> Identity:
    """Bind an account to an organiser who is in already; whatever its address. The same again changes nothing.

    Raises IdentityRefused.
    """
    identity = _bound(session, told)
    if identity is None:
        return _bind(session, organiser, told, letter, now=now)
    if identity.organiser_id != organiser.id:
        raise IdentityRefused(
            "This account at %(provider)s opens the door to another organiser. Come in as them to remove it.",
            provider=told.provider,
        )
    return identity


def of_organiser(session: Session, organiser_id: UUID) -> Sequence[Identity]:
    """The accounts that open the door to an organiser, the oldest first."""
    mine = select(Identity).where(Identity.organiser_id == organiser_id)
    return session.scalars(mine.order_by(Identity.added_at, Identity.id)).all()


def get(session: Session, organiser_id: UUID, identity_id: UUID) -> Identity:
    """One of the organiser's accounts. Raises NotFound, for another's too."""
    identity = session.get(Identity, identity_id)
    if identity is None or identity.organiser_id != organiser_id:
        raise NotFound("This account is not bound to yours any more.")
    return identity


def remove(session: Session, organiser_id: UUID, identity_id: UUID, *, now: datetime) -> Identity:
    """Close the door to one account. Raises NotFound."""
    identity = get(session, organiser_id, identity_id)
    session.delete(identity)
    telling.note(session, "identity removed", organiser_id, gathering_id=None, by=organiser_id, now=now)
    return identity


def _bound(session: Session, told: Told) -> Identity | None:
    return session.scalar(
        select(Identity)
        .where(Identity.issuer == told.issuer, Identity.subject == told.subject)
        .with_for_update()
    )


def _by_address(session: Session, told: Told) -> Organiser:
    """The organiser of the address that the provider vouches for. Raises IdentityRefused."""
    if not told.email:
        raise IdentityRefused(
            "%(provider)s did not tell us your e-mail address. Come in by e-mail, then bind your account there on the "
            "page “My account”.",
            provider=told.provider,
        )
    if not told.is_verified:
        raise IdentityRefused(
            "%(provider)s has not verified your e-mail address. Come in by e-mail, then bind your account there on the "
            "page “My account”.",
            provider=told.provider,
        )
    try:
        email = addresses.read(told.email)
    except addresses.NotAnAddress:
        email = told.email
    # Locked: two accounts of one address may come at once.
    organiser = session.scalar(select(Organiser).where(Organiser.email == email).with_for_update())
    if organiser is None:
        raise IdentityRefused(
            "Nobody organises here with the address %(email)s. Ask a colleague who does to invite you.",
            email=email,
        )
    others = select(Identity.id).where(
        Identity.organiser_id == organiser.id,
        Identity.issuer == told.issuer,
        Identity.subject != told.subject,
    )
    if session.scalar(others.limit(1)) is not None:
        raise IdentityRefused(
            "Another account at %(provider)s is bound to this address. Come in by e-mail, then bind this one on the "
            "page “My account”.",
            provider=told.provider,
        )
    return organiser


def _bind(session: Session, organiser: Organiser, told: Told, letter: Letter, *, now: datetime) -> Identity:
    identity = Identity(
        id=uuid4(),
        organiser_id=organiser.id,
        issuer=told.issuer,
        subject=told.subject,
        provider=told.provider,
        email=told.email,
        added_at=now,
    )
    session.add(identity)
    session.flush()
    about = {
        "identity_id": identity.id,
        "organiser_id": organiser.id,
        "email": organiser.email,
        "name": organiser.name,
        "provider": told.provider,
        "account": told.email,
        "link": letter.link,
        "language": letter.language,
    }
    publish(session, IdentityBound, about=about, now=now)
    telling.note(session, "identity bound", organiser.id, gathering_id=None, by=organiser.id, now=now)
    return identity
