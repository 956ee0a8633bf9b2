"""Who waits for a seat, and who is offered the one that was freed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from services.chassis.errors import NotFound, Refused
from services.chassis.outbox import publish
from services.registration import hours, seats, telling
from services.registration.events import (
    HoldExpired,
    OfferExpired,
    ParticipantCancelled,
    ParticipantRegistered,
    ParticipantWaitlisted,
    SeatOffered,
)
from services.registration.links import Links
from services.registration.models import HOLDING, Gathering, Participant, State
from services.registration.seats import Reason, Room, Waiting

BATCH = 200


class NothingOffered(Refused):
    code = "nothing-offered"


@dataclass(frozen=True)
class Line:
    """A gathering's room, and how many people wait."""

    room: Room
    waiting: int


@dataclass(frozen=True)
class Place:
    """Where one person stands in the line: their true rank, the rank within their territory, and why they
    wait.
    """

    rank: int
    rank_in_territory: int
    reason: Reason


# Statements of every registration are made once: to make one takes longer than to use it.
# "no key update": rows that merely refer to the gathering can be written meanwhile. Every change of a gathering is a
# new version or a new line, so who has read it needs to read it again only when these are others.
_LOCK = (
    select(Gathering.version, Gathering.lines)
    .where(Gathering.id == bindparam("gathering_id"))
    .with_for_update(key_share=True)
)
_LOCK_WHOLE = select(Gathering).where(Gathering.id == bindparam("gathering_id")).with_for_update(key_share=True)
_COUNT = (
    select(Participant.territory, Participant.state, func.count())
    .where(
        Participant.gathering_id == bindparam("gathering_id"),
        Participant.state.in_((*HOLDING, State.waiting)),
        Participant.walk_in.is_(False),
    )
    .group_by(Participant.territory, Participant.state)
)


def lock(session: Session, gathering_id: UUID) -> Gathering:
    """The gathering, locked until the transaction ends: whoever gives or frees a seat holds it. Raises
    NotFound.
    """
    known: Gathering | None = session.identity_map.get(Session.identity_key(Gathering, gathering_id))
    if known is None:
        known = session.scalar(_LOCK_WHOLE, {"gathering_id": gathering_id})
        if known is None:
            raise NotFound("There is no such gathering.")
        return known
    locked = session.execute(_LOCK, {"gathering_id": gathering_id}).one_or_none()
    if locked is None:
        raise NotFound("There is no such gathering.")
    if (known.version, known.lines) != tuple(locked):
        session.refresh(known)
    return known


def lock_person(session: Session, participant_id: UUID) -> tuple[Participant, Gathering]:
    """The participant and their gathering, locked in the order in which everybody locks them."""
    participant = session.get(Participant, participant_id)
    if participant is None:
        raise NotFound("There is no such place.")
    gathering = lock(session, participant.gathering_id)
    session.refresh(participant, with_for_update=True)
    stays = survivor(session, participant)
    if stays is not participant:
        session.refresh(stays, with_for_update=True)
    return stays, gathering


def survivor(session: Session, participant: Participant) -> Participant:
    """Who this row was joined to, or itself: whoever comes by an old link or list meets the person who stayed."""
    while participant.state == State.merged and participant.merged_into is not None:
        participant = session.get_one(Participant, participant.merged_into)
    return participant


def joined(session: Session, participant_id: UUID) -> list[Participant]:
    """The rows that were joined to this one, and those that were joined to them; the first joined come first."""
    here = select(Participant).where(
        Participant.merged_into == participant_id, Participant.state == State.merged
    )
    found = session.scalars(here.order_by(Participant.merged_at)).all()
    return [row for one in found for row in (*joined(session, one.id), one)]


def count(session: Session, gathering: Gathering) -> Line:
    """The seats held and the people waiting, counted in one query over an index."""
    rows = session.execute(_COUNT, {"gathering_id": gathering.id}).all()
    held: dict[str, int] = {}
    waiting = 0
    for territory, state, people in rows:
        if state == State.waiting:
            waiting += people
        else:
            held[territory] = held.get(territory, 0) + people
    quotas = {one["letter"]: one["quota"] for one in gathering.territories if one["quota"] is not None}
    return Line(Room(gathering.seats, quotas, held), waiting)


def join(
    pen: telling.Pen,
    gathering: Gathering,
    participant: Participant,
    *,
    rank: int,
    reason: Reason,
    trace: str = "",
) -> None:
    """Put somebody at the end of the line, and tell them their rank and why they wait.

    `gathering` must be locked; a number in its line is given once and never again.
    """
    gathering.lines += 1
    participant.state, participant.deadline_at, participant.line = State.waiting, None, gathering.lines
    pen.person(participant)
    pen.tell(ParticipantWaitlisted, participant, rank=rank, reason=str(reason), trace=trace)
    pen.note("waits", participant, by=None)


def rejoin(
    session: Session, gathering: Gathering, participant: Participant, *, links: Links, now: datetime
) -> None:
    """Give somebody who left the line their old number back, and a seat if one is free for them."""
    participant.state, participant.cancelled_at, participant.cancelled_from = State.waiting, None, None
    session.flush()
    stands = place(session, gathering, participant)
    _tell_rank(session, participant, stands.rank, stands.reason, links=links, now=now)
    telling.note(session, "restored", participant.id, gathering_id=gathering.id, by=None, now=now)
    promote(session, gathering, links=links, now=now)


def is_served(gathering: Gathering, *, now: datetime) -> bool:
    """Whether freed seats are still offered: not once the gathering is cancelled, or nearer than its cut-off."""
    return now < stops_at(gathering) and gathering.state != "cancelled"


def stops_at(gathering: Gathering) -> datetime:
    """The cut-off after which no seat is offered any more."""
    return gathering.starts_at - timedelta(hours=gathering.offers_stop_h)


def verdict(session: Session, gathering: Gathering, line: Line, territory: str) -> Reason | None:
    """Why a newcomer from `territory` must wait, or None when a seat is theirs."""
    refusal = line.room.refusal(territory)
    if refusal is not None or line.waiting == 0:
        return refusal
    return seats.verdict(line.room, queue(session, gathering.id), territory)


def place(session: Session, gathering: Gathering, participant: Participant) -> Place:
    """Where a waiting person stands now."""
    ahead = select(func.count(), func.count().filter(Participant.territory == participant.territory)).where(
        Participant.gathering_id == gathering.id,
        Participant.state == State.waiting,
        Participant.line < participant.line,
    )
    before, before_in_territory = session.execute(ahead).one()
    reason = count(session, gathering).room.refusal(participant.territory)
    return Place(before + 1, before_in_territory + 1, reason or Reason.full)


def promote(session: Session, gathering: Gathering, *, links: Links, now: datetime) -> int:
    """Offer every free seat to the first person in the line whom seats and quotas allow; return how many.

    `gathering` must be locked. Nothing is offered once the gathering is over, cancelled, or nearer than its
    `offers_stop_h`.
    """
    if not is_served(gathering, now=now):
        return 0
    session.flush()
    line = count(session, gathering)
    if line.waiting == 0 or line.room.free == 0:
        return 0
    chosen = [one.who for one in seats.promoted(line.room, queue(session, gathering.id))]
    until = hours.deadline(
        now, gathering.zone, within=timedelta(hours=gathering.offer_h), before=stops_at(gathering)
    )
    people = session.scalars(
        select(Participant).where(Participant.id.in_(chosen)).order_by(Participant.line)
    ).all()
    for participant in people:
        participant.state, participant.deadline_at = State.offered, until
        publish(session, SeatOffered, about=telling.of(participant, links), now=now)
        telling.note(session, "offered", participant.id, gathering_id=gathering.id, by=None, now=now)
    session.flush()
    return len(people)


def accept(session: Session, participant_id: UUID, *, links: Links, now: datetime) -> Participant:
    """Take the offered seat; the answer also proves the address. Raises NothingOffered, NotFound."""
    participant = session.get(Participant, participant_id, with_for_update=True, populate_existing=True)
    if participant is None:
        raise NotFound("There is no such place.")
    if participant.state == State.merged:
        return accept(session, survivor(session, participant).id, links=links, now=now)
    if participant.state == State.registered:
        return participant
    gathering = session.get_one(Gathering, participant.gathering_id)
    if participant.state != State.offered or gathering.state == "cancelled":
        raise NothingOffered("No seat is kept for you at the moment.")
    participant.state, participant.deadline_at, participant.registered_at = State.registered, None, now
    publish(session, ParticipantRegistered, about=telling.of(participant, links), now=now)
    telling.note(session, "accepted", participant.id, gathering_id=participant.gathering_id, by=None, now=now)
    return participant


def decline(session: Session, participant_id: UUID, *, links: Links, now: datetime) -> Participant:
    """Leave the offered seat to the next person. Raises NothingOffered, NotFound."""
    participant, gathering = lock_person(session, participant_id)
    if participant.state == State.declined:
        return participant
    if participant.state != State.offered:
        raise NothingOffered("No seat is kept for you at the moment.")
    participant.state, participant.deadline_at, participant.cancelled_at = State.declined, None, now
    told = telling.of(participant, links, held_seat=True)
    publish(session, ParticipantCancelled, about=told, now=now)
    telling.note(session, "declined", participant.id, gathering_id=gathering.id, by=None, now=now)
    promote(session, gathering, links=links, now=now)
    return participant


def expire(session: Session, *, links: Links, now: datetime) -> int:
    """Free the seats whose time to confirm or to answer has run out, and offer them on; return how many.

    A gathering where it is night is left for the morning. At most BATCH people at a time.
    """
    late = session.execute(
        select(Participant.gathering_id, Gathering.zone)
        .join(Gathering, Gathering.id == Participant.gathering_id)
        .where(Participant.deadline_at <= now, Gathering.state != "cancelled")
        .group_by(Participant.gathering_id, Gathering.zone)
        .order_by(Participant.gathering_id)
    ).all()
    freed = 0
    for gathering_id, zone in late:
        if hours.is_awake(now, zone):
            freed += _expire_at(session, gathering_id, links=links, now=now)
    return freed


def _expire_at(session: Session, gathering_id: UUID, *, links: Links, now: datetime) -> int:
    gathering = lock(session, gathering_id)
    people = session.scalars(
        select(Participant)
        .where(Participant.gathering_id == gathering_id, Participant.deadline_at <= now)
        .order_by(Participant.deadline_at)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    ).all()
    for participant in people:
        lapsed = OfferExpired if participant.state == State.offered else HoldExpired
        participant.state, participant.deadline_at = State.expired, None
        publish(session, lapsed, about=telling.of(participant, links), now=now)
        telling.note(session, "expired", participant.id, gathering_id=gathering_id, by=None, now=now)
    if people:
        promote(session, gathering, links=links, now=now)
    return len(people)


def _tell_rank(
    session: Session, participant: Participant, rank: int, reason: Reason, *, links: Links, now: datetime
) -> None:
    told = telling.of(participant, links, rank=rank, reason=str(reason))
    publish(session, ParticipantWaitlisted, about=told, now=now)


def queue(session: Session, gathering_id: UUID) -> list[Waiting]:
    """Everybody who waits, the first in the line first."""
    rows = session.execute(
        select(Participant.id, Participant.territory, Participant.line)
        .where(Participant.gathering_id == gathering_id, Participant.state == State.waiting)
        .order_by(Participant.line)
    ).all()
    return [Waiting(who, territory, line or 0) for who, territory, line in rows]
