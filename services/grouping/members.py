"""Who comes, as grouping heard it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.chassis.errors import NotFound
from services.grouping.models import EXPECTED, Member, Wish

_TOLD = ("given", "family", "territory", "trade", "structure")


class UnknownMember(NotFound):
    code = "unknown-participant"


def expect(session: Session, participant_id: UUID, *, gathering_id: UUID, about: dict[str, Any]) -> None:
    """Somebody holds a seat, for the first time or again after they gave it back."""
    member = session.get(Member, participant_id)
    if member is None:
        member = Member(participant_id=participant_id, gathering_id=gathering_id, given="", family="")
        session.add(member)
    _write(member, about)
    member.walk_in = bool(about.get("walk_in", member.walk_in))
    member.state = "registered"


def change(session: Session, participant_id: UUID, *, about: dict[str, Any]) -> None:
    """What somebody said of themselves has changed; one who waits for a seat is not known here."""
    member = session.get(Member, participant_id)
    if member is not None:
        _write(member, about)


def note(session: Session, participant_id: UUID, *, state: str) -> None:
    """Somebody arrived, did not come, or gave their seat back. One who never held a seat is not known here."""
    member = session.get(Member, participant_id)
    if member is not None:
        member.state = state


def rank(session: Session, participant_id: UUID, *, gathering_id: UUID, topic_ids: Sequence[UUID]) -> None:
    """The wishes of one person; the last ranking counts."""
    wish = session.get(Wish, participant_id)
    if wish is None:
        wish = Wish(participant_id=participant_id, gathering_id=gathering_id)
        session.add(wish)
    wish.topic_ids = [str(topic_id) for topic_id in dict.fromkeys(topic_ids)][:3]


def known(session: Session, gathering_id: UUID) -> list[Member]:
    """Everyone who ever held a seat, by family name."""
    return list(
        session.scalars(
            select(Member)
            .where(Member.gathering_id == gathering_id)
            .order_by(func.lower(Member.family), func.lower(Member.given), Member.participant_id)
        )
    )


def expected(session: Session, gathering_id: UUID) -> set[UUID]:
    """Who needs a seat."""
    mine = select(Member.participant_id).where(Member.gathering_id == gathering_id, Member.state.in_(EXPECTED))
    return set(session.scalars(mine))


def one(session: Session, gathering_id: UUID, participant_id: UUID) -> Member:
    """Raises UnknownMember."""
    member = session.get(Member, participant_id)
    if member is None or member.gathering_id != gathering_id:
        raise UnknownMember("This person is not known at this gathering.")
    return member


def wishes(
    session: Session, gathering_id: UUID, numbers: Mapping[UUID | None, int], *, unknown: int
) -> dict[UUID, list[int]]:
    """What each person asked for, dearest first, each topic by its number; `unknown` for a topic without one."""
    # Compared as they are stored: a UUID made of each of 400 words is a tenth of a re-balance.
    number = {str(topic): known for topic, known in numbers.items()}
    mine = select(Wish.participant_id, Wish.topic_ids).where(Wish.gathering_id == gathering_id)
    return {
        person: [number.get(topic, unknown) for topic in topics] for person, topics in session.execute(mine)
    }


def _write(member: Member, about: dict[str, Any]) -> None:
    for name in _TOLD:
        if about.get(name) is not None:
            setattr(member, name, about[name])
