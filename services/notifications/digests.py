"""The organisers' digest: once a day what went wrong with letters, then what waits for them, and silence otherwise."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.chassis.db import roles
from services.notifications import drafts, hours, letters
from services.notifications.letters import Addressee
from services.notifications.models import Delivery, Digest, DigestSilence, Gathering, Letter
from services.notifications.writing.composing import LANGUAGES, Written

AT = time(8)
# A digest that could not be written for this long is left out; the next one tells the same.
TOO_LATE = timedelta(hours=6)
TROUBLE = ("failed", "bounced", "unknown")
# Failures that are named; of the others their number.
NAMED = 8
READERS = ("owner", "organiser")
_ASLEEP = ("draft", "cancelled")


@dataclass(frozen=True, slots=True)
class Reader:
    """An organiser as their digest needs them; `wants` is False once they switched it off."""

    organiser_id: UUID
    name: str
    email: str
    wants: bool


@dataclass(frozen=True, slots=True)
class News:
    """What there is to tell: letters that went wrong, newest first, and how many drafts wait."""

    failures: tuple[Letter, ...]
    drafts: int

    def __bool__(self) -> bool:
        return bool(self.failures or self.drafts)


def write_due(session: Session, now: datetime) -> int:
    """Write the digest of one gathering whose hour has come; returns how many letters that made."""
    row = session.scalar(
        select(Digest)
        .where(Digest.due_at <= now)
        .order_by(Digest.due_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    if row is None:
        return _plan_forgotten(session, now)
    gathering = session.get_one(Gathering, row.gathering_id)
    due_at, row.due_at = row.due_at, next_at(gathering, now)
    if gathering.state in _ASLEEP or due_at < now - TOO_LATE:
        return 0
    told = news(session, gathering.id, row.told_upto)
    row.told_upto = now
    if not told:
        return 0
    written = 0
    version = due_at.astimezone(ZoneInfo(gathering.zone)).date().isoformat()
    for reader in readers(session, gathering.id):
        if not reader.wants or not reader.email:
            continue
        letter = letters.write(
            session,
            "digest",
            _addressee(gathering, reader.name, reader.email),
            gathering=gathering,
            about=reader.organiser_id,
            version=version,
            details=_details(told),
            now=now,
        )
        written += letter is not None
    return written


def news(session: Session, gathering_id: UUID, since: datetime | None) -> News:
    """What went wrong since the last digest and still is, and what waits."""
    went_wrong = select(Delivery.letter_id).where(Delivery.outcome.in_(TROUBLE))
    if since is not None:
        went_wrong = went_wrong.where(Delivery.at > since)
    failures = session.scalars(
        select(Letter)
        .where(
            Letter.gathering_id == gathering_id,
            Letter.state.in_(TROUBLE),
            Letter.kind != "digest",
            # Who was forgotten is nobody that anything can be done for.
            Letter.email != "",
            Letter.id.in_(went_wrong),
        )
        .order_by(Letter.created_at.desc(), Letter.id)
    ).all()
    return News(tuple(failures), sum(count for _kind, count, *_rest in drafts.waiting(session, gathering_id)))


def preview(session: Session, gathering: Gathering, language: str, name: str) -> Written | None:
    """The next digest as it would be written now; None when there is nothing to tell."""
    row = session.get(Digest, gathering.id)
    told = news(session, gathering.id, row.told_upto if row else None)
    if not told:
        return None
    to = _addressee(gathering, name, "", language)
    return letters.compose("digest", to, gathering=gathering, details=_details(told))


def next_at(gathering: Gathering, now: datetime) -> datetime:
    """The next eight o'clock of the gathering's zone, or the end of its night where that is later."""
    today = hours.from_day(now, gathering.zone, 0, AT)
    at = today if today > now else hours.from_day(now, gathering.zone, 1, AT)
    return hours.morning(at, gathering.zone, gathering.night)


def readers(session: Session, gathering_id: UUID) -> list[Reader]:
    """Who organises, by name; somebody with two roles once."""
    here = (roles.c.gathering_id == gathering_id) & roles.c.role.in_(READERS)
    rows = session.execute(
        select(roles.c.organiser_id, roles.c.name, roles.c.email).where(here).order_by(roles.c.name)
    ).all()
    silent = set(
        session.scalars(select(DigestSilence.organiser_id).where(DigestSilence.gathering_id == gathering_id))
    )
    found: dict[UUID, Reader] = {}
    for organiser_id, name, email in rows:
        if organiser_id not in found or not found[organiser_id].email:
            found[organiser_id] = Reader(organiser_id, name, email, organiser_id not in silent)
    return list(found.values())


def switch(session: Session, gathering_id: UUID, organiser_id: UUID, *, is_on: bool) -> None:
    """Whether this organiser is written to from now on."""
    row = session.get(DigestSilence, (gathering_id, organiser_id))
    if is_on and row is not None:
        session.delete(row)
    elif not is_on and row is None:
        session.add(DigestSilence(gathering_id=gathering_id, organiser_id=organiser_id))


def _plan_forgotten(session: Session, now: datetime) -> int:
    """A gathering that has no hour for its digest gets one."""
    has_one = select(Digest.gathering_id).where(Digest.gathering_id == Gathering.id).exists()
    gathering = session.scalar(select(Gathering).where(~has_one).limit(1).with_for_update(skip_locked=True))
    if gathering is not None:
        session.add(Digest(gathering_id=gathering.id, due_at=next_at(gathering, now), told_upto=None))
    return 0


def _addressee(gathering: Gathering, name: str, email: str, language: str = "") -> Addressee:
    speaks = language or gathering.language
    base = gathering.public_url.removesuffix(f"/r/{gathering.slug}")
    return Addressee(
        email, name, "", speaks if speaks in LANGUAGES else "en", f"{base}/c/{gathering.slug}/resume"
    )


def _details(told: News) -> dict[str, Any]:
    named = [{"name": one.name, "subject": one.subject, "state": one.state} for one in told.failures[:NAMED]]
    return {
        "failures": named,
        "failed": len(told.failures),
        "others": len(told.failures) - len(named),
        "drafts": told.drafts,
    }
