"""Finding people and counting them; nothing here changes anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, bindparam, collate, func, or_, select, union_all
from sqlalchemy.orm import Session

from services.chassis.errors import NotFound
from services.registration import names, seats, waiting_list
from services.registration.models import (
    Deed,
    Gathering,
    Invitation,
    Organiser,
    Participant,
    State,
    Story,
    Topic,
)
from services.registration.seats import Reason

PAGE = 50
# Whom no list names.
_GONE = (State.erased, State.merged)
# Made once: everybody who asks for a seat asks it next.
_ADDRESS = select(Participant.email).where(
    Participant.id == bindparam("participant_id"), Participant.gathering_id == bindparam("gathering_id")
)


@dataclass(frozen=True)
class Listing:
    """One page of people, how many there are in all, and on how many pages."""

    people: Sequence[Participant]
    total: int
    page: int

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // PAGE))


@dataclass(frozen=True)
class Waiter:
    """One line of the waiting list as organisers see it."""

    participant: Participant
    rank: int
    reason: Reason


@dataclass(frozen=True)
class Overview:
    """A gathering in figures: people by state, seats by territory, and who waits."""

    states: dict[str, int]
    room: seats.Room
    waiting: dict[str, int]
    waiters: Sequence[Waiter]
    invited: int
    silent: int
    stories: dict[str, int]
    topics: dict[str, int]


def listing(
    session: Session,
    gathering_id: UUID,
    *,
    q: str = "",
    territory: str = "",
    state: str = "",
    page: int = 1,
    size: int = PAGE,
) -> Listing:
    """People whose names or structure hold every word of `q`, accents and case aside, by name."""
    wanted: dict[str, Any] = {"q": q, "territory": territory, "state": state, "limit": size}
    people, total = part(session, gathering_id, **wanted, after=(page - 1) * size)
    last = max(1, -(-total // size))
    if page > last:
        page, (people, total) = last, part(session, gathering_id, **wanted, after=(last - 1) * size)
    return Listing(people, total, page)


def part(
    session: Session,
    gathering_id: UUID,
    *,
    q: str = "",
    territory: str = "",
    state: str = "",
    after: int,
    limit: int,
) -> tuple[Sequence[Participant], int]:
    """The `limit` people after the first `after` of a listing, and how many there are in all."""
    here = _where(gathering_id, q=q, territory=territory, state=state)
    total = session.scalar(select(func.count()).select_from(Participant).where(*here)) or 0
    ordered = select(Participant).where(*here).order_by(by_name(session), Participant.id)
    return session.scalars(ordered.limit(limit).offset(after)).all(), total


def pages_around(listing: Listing) -> list[int | None]:
    """The pages to offer beside this one: the first, the last, three on each side; None stands for those left out."""
    near = {1, listing.pages, *range(max(1, listing.page - 3), min(listing.pages, listing.page + 3) + 1)}
    shown: list[int | None] = []
    for page in sorted(near):
        if shown and shown[-1] is not None and page - shown[-1] > 1:
            shown.append(None)
        shown.append(page)
    return shown


def everybody(session: Session, gathering_id: UUID) -> Sequence[Participant]:
    """All people of a gathering, by name."""
    return session.scalars(
        select(Participant)
        .where(Participant.gathering_id == gathering_id, Participant.state.not_in(_GONE))
        .order_by(by_name(session), Participant.id)
    ).all()


def address(session: Session, gathering_id: UUID, participant_id: UUID) -> str:
    """The e-mail address of somebody of this gathering. Raises NotFound."""
    who = {"participant_id": participant_id, "gathering_id": gathering_id}
    email = session.scalar(_ADDRESS, who)
    if email is None:
        raise NotFound("There is no such place.")
    return email


def find(session: Session, gathering_id: UUID, participant_id: UUID) -> Participant:
    """Raises NotFound."""
    participant = session.get(Participant, participant_id)
    if participant is None or participant.gathering_id != gathering_id:
        raise NotFound("There is no such person here.")
    return participant


def akin(session: Session, participant: Participant) -> Sequence[Participant]:
    """Who may be the same person under another address, or shares this one. A suggestion: nothing is merged."""
    folded = names.fold(f"{participant.given} {participant.family}")
    nobodys = and_(Participant.email == "", Participant.name_key.startswith(f"{folded}#", autoescape=True))
    ways = [Participant.name_key == folded, nobodys]
    if participant.email:
        ways.append(Participant.email == participant.email)
    return session.scalars(
        select(Participant)
        .where(
            Participant.gathering_id == participant.gathering_id,
            Participant.id != participant.id,
            Participant.state.not_in(_GONE),
            or_(*ways),
        )
        .order_by(Participant.search)
        .limit(10)
    ).all()


def doubled(session: Session, gathering_id: UUID, people: Sequence[Participant]) -> set[UUID]:
    """Which of these people share a name or an address with somebody: `akin` says with whom."""
    here = (Participant.gathering_id == gathering_id, Participant.state.not_in(_GONE))
    keys = {names.fold(f"{one.given} {one.family}") for one in people}
    emails = {one.email for one in people} - {""}
    several = union_all(
        *(
            select(column).where(*here, column.in_(values)).group_by(column).having(func.count() > 1)
            for column, values in ((Participant.name_key, keys), (Participant.email, emails))
        )
    )
    # No key of a name reads like an address, so one list serves for both.
    found = set(session.execute(several).scalars())
    return {one.id for one in people if one.name_key in found or one.email in found}


def states(session: Session, gathering_id: UUID) -> dict[str, int]:
    """How many people stand where."""
    rows = session.execute(
        select(Participant.state, func.count())
        .where(Participant.gathering_id == gathering_id)
        .group_by(Participant.state)
    )
    return {state: people for state, people in rows}


def waiters(session: Session, gathering: Gathering, room: seats.Room) -> Sequence[Waiter]:
    """The waiting line in its order, with true ranks and the reason of each."""
    people = session.scalars(
        select(Participant)
        .where(Participant.gathering_id == gathering.id, Participant.state == State.waiting)
        .order_by(Participant.line)
    ).all()
    return [
        Waiter(person, rank, room.refusal(person.territory) or Reason.full)
        for rank, person in enumerate(people, 1)
    ]


def overview(session: Session, gathering: Gathering) -> Overview:
    """Everything the dashboard shows, in six queries however many people there are."""
    room = waiting_list.count(session, gathering).room
    line = waiters(session, gathering, room)
    waiting: dict[str, int] = {}
    for waiter in line:
        waiting[waiter.participant.territory] = waiting.get(waiter.participant.territory, 0) + 1
    invited = session.scalar(select(func.count()).where(Invitation.gathering_id == gathering.id)) or 0
    return Overview(
        states(session, gathering.id),
        room,
        waiting,
        line,
        invited,
        silent_since_moved(session, gathering),
        _by_state(session, Story, gathering.id),
        _by_state(session, Topic, gathering.id),
    )


def silent_since_moved(session: Session, gathering: Gathering) -> int:
    """How many registered people have not said that they still come since the day was moved; 0 when it was not."""
    if gathering.moved_at is None:
        return 0
    return session.scalar(select(func.count()).where(*_silent(gathering))) or 0


def is_asked_again(gathering: Gathering, participant: Participant) -> bool:
    """Whether a participant is to say that they still come, because the day was moved after they registered."""
    moved = gathering.moved_at
    return (
        moved is not None
        and participant.state == State.registered
        and participant.registered_at is not None
        and participant.registered_at < moved
        and (participant.still_comes_at is None or participant.still_comes_at < moved)
    )


def _silent(gathering: Gathering) -> tuple[ColumnElement[bool], ...]:
    asked = or_(Participant.still_comes_at.is_(None), Participant.still_comes_at < gathering.moved_at)
    return (
        Participant.gathering_id == gathering.id,
        Participant.state == State.registered,
        Participant.registered_at < gathering.moved_at,
        asked,
    )


def deeds(session: Session, gathering_id: UUID, about: UUID) -> Sequence[Any]:
    """The audit lines of one row, the newest first: (deed, at, name of who did it or None)."""
    return session.execute(
        select(Deed.deed, Deed.at, func.coalesce(func.nullif(Organiser.name, ""), Organiser.email).label("who"))
        .outerjoin(Organiser, Organiser.id == Deed.by)
        .where(Deed.gathering_id == gathering_id, Deed.about == about)
        .order_by(Deed.at.desc())
        .limit(100)
    ).all()


def brought(session: Session, kind: type[Any], gathering_id: UUID) -> Sequence[Any]:
    """Stories or topics of a gathering with who brought each, the undecided first: rows of (thing,
    participant).
    """
    return session.execute(
        select(kind, Participant)
        .join(Participant, Participant.id == kind.participant_id)
        .where(kind.gathering_id == gathering_id)
        .order_by((kind.state != "proposed"), kind.proposed_at)
    ).all()


def by_name(session: Session) -> ColumnElement[str]:
    """What people are ordered by: letter by letter, as SQLite does, whatever a PostgreSQL server's own order is."""
    if session.get_bind().dialect.name == "postgresql":
        return collate(Participant.search, "C")
    return Participant.search.expression


def _by_state(session: Session, kind: type[Any], gathering_id: UUID) -> dict[str, int]:
    rows = session.execute(
        select(kind.state, func.count()).where(kind.gathering_id == gathering_id).group_by(kind.state)
    )
    return {state: things for state, things in rows}


def _where(gathering_id: UUID, *, q: str, territory: str, state: str) -> list[ColumnElement[bool]]:
    here = [Participant.gathering_id == gathering_id]
    here += [Participant.search.contains(word, autoescape=True) for word in names.fold(q).split()]
    if territory:
        here.append(Participant.territory == territory)
    here.append(Participant.state == state if state else Participant.state.not_in(_GONE))
    return here
