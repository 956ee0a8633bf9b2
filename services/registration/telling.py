"""What is told of a row to the other services, and what is written of a deed in the audit log."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from services.chassis import pen
from services.chassis.outbox import Event
from services.chassis.settings import Settings
from services.registration import hours
from services.registration.links import Links
from services.registration.models import Base, Gathering, Invitation, Participant


def of(participant: Participant, links: Links, **more: object) -> dict[str, Any]:
    """Everything a fact about `participant` may say; `more` adds or replaces."""
    return {
        "participant_id": participant.id,
        "gathering_id": participant.gathering_id,
        "email": participant.email,
        "given": participant.given,
        "family": participant.family,
        "link": links.mine(participant.id, participant.token_hash),
        "language": participant.language,
        "territory": participant.territory,
        "trade": participant.trade,
        "structure": participant.structure,
        "walk_in": participant.walk_in,
        "registered_at": participant.registered_at,
        "cancelled_at": participant.cancelled_at,
        "checked_in_at": participant.checked_in_at,
        "expires_at": participant.deadline_at,
        **more,
    }


def remind(session: Session, settings: Settings, event: type[Event], body: dict[str, Any]) -> dict[str, Any]:
    """Put a link that was struck out of an old fact back into it. A code is over by then and stays away."""
    if "link" not in event.secrets or body.get("link"):
        return body
    links = Links.of(settings)
    if "invitation_id" in body:
        slug = session.get_one(Gathering, UUID(body["gathering_id"])).slug
        invitation_id = UUID(body["invitation_id"])
        kept = _kept(session, Invitation, invitation_id) if links.before else ""
        return {**body, "link": links.invitation(slug, invitation_id, kept)}
    participant_id = UUID(body["participant_id"])
    kept = _kept(session, Participant, participant_id) if links.before else ""
    return {**body, "link": links.mine(participant_id, kept)}


def _kept(session: Session, kind: type[Participant] | type[Invitation], about: UUID) -> str:
    return session.scalar(select(kind.token_hash).where(kind.id == about)) or ""


def described(gathering: Gathering, links: Links) -> dict[str, Any]:
    """Everything the others may know of a gathering."""
    names = (
        "version", "slug", "title", "purpose", "starts_at", "ends_at", "zone", "place", "language", "writing",
        "seats", "organiser_name", "reply_to", "territories", "trades", "angles", "state",
    )  # fmt: skip
    return {
        "gathering_id": gathering.id,
        "public_url": links.gathering(gathering.slug),
        "kept_until": hours.kept_until(gathering.ends_at, gathering.zone, gathering.keep_days),
        **{name: getattr(gathering, name) for name in names},
    }


_DEEDS, _PEOPLE = Base.metadata.tables["deeds"], Base.metadata.tables["participants"]
_NOTE = insert(_DEEDS)
_SAYS = tuple((column.name, column.key) for column in _PEOPLE.c)


def note(
    session: Session, deed: str, about: UUID, *, gathering_id: UUID | None, by: UUID | None, now: datetime
) -> None:
    """Write one line of the audit log; `by` is an organiser, or None for the person concerned or the clock."""
    line = {"id": uuid4(), "gathering_id": gathering_id, "about": about, "deed": deed, "by": by, "at": now}
    session.execute(_NOTE, line)


class Pen(pen.Pen):
    """What is written of people at one hour: their rows, what is told of them, and the audit lines."""

    def __init__(self, session: Session, links: Links, now: datetime) -> None:
        super().__init__(session)
        self.links, self.now = links, now

    def person(self, participant: Participant) -> None:
        """Keep a participant: a new row, or whatever is other in the one that the session knows."""
        if participant not in self.session:
            self.row(_PEOPLE, {column: getattr(participant, name) for column, name in _SAYS})

    def tell(self, event: type[Event], participant: Participant, *, trace: str = "", **more: object) -> None:
        self.publish(event, of(participant, self.links, **more), now=self.now, trace=trace)

    def note(self, deed: str, participant: Participant, *, by: UUID | None) -> None:
        """One line of the audit log; `by` is an organiser, or None for the person concerned or the clock."""
        about = {"about": participant.id, "gathering_id": participant.gathering_id}
        self.row(_DEEDS, {"id": uuid4(), **about, "deed": deed, "by": by, "at": self.now})
