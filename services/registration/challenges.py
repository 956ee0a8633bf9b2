"""What a browser is asked to sign with a passkey: each is good once, and not for long."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.orm import Session

from services.registration.links import hashed
from services.registration.models import Challenge

VALID = timedelta(minutes=5)
# WebAuthn asks for 16 at least.
BYTES = 64


def make(session: Session, organiser_id: UUID | None, *, now: datetime) -> bytes:
    """A new challenge: for the organiser who adds a passkey, or, with None, for whoever stands at the door."""
    challenge = secrets.token_bytes(BYTES)
    session.add(Challenge(hash=_kept(challenge), organiser_id=organiser_id, expires_at=now + VALID))
    return challenge


def spend(session: Session, challenge: bytes, organiser_id: UUID | None, *, now: datetime) -> bool:
    """Whether this challenge was made for them and still waits; from now on nobody can answer it again."""
    gone = session.execute(
        delete(Challenge)
        .where(Challenge.hash == _kept(challenge))
        .returning(Challenge.organiser_id, Challenge.expires_at)
    ).first()
    return gone is not None and gone.expires_at > now and gone.organiser_id == organiser_id


def forget(session: Session, now: datetime) -> int:
    """Delete the challenges that nobody answered in time; returns how many."""
    return len(
        session.scalars(delete(Challenge).where(Challenge.expires_at <= now).returning(Challenge.hash)).all()
    )


def _kept(challenge: bytes) -> str:
    return hashed(challenge.hex())
