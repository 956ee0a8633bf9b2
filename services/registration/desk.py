"""The day itself: who is here, who came unannounced, who did not come."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID, uuid4, uuid5

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.chassis.errors import NotFound, Refused
from services.chassis.outbox import publish
from services.registration import names, telling, waiting_list
from services.registration.events import ParticipantAbsent, ParticipantCheckedIn, ParticipantRegistered
from services.registration.links import Links, hashed
from services.registration.models import Participant, State
from services.registration.registrations import check_place

EXPECTED = (State.registered, State.no_show)


class RoomFull(Refused):
    code = "room-full"


class AnotherArrival(Refused):
    code = "another-arrival"


def check_in(
    session: Session, gathering_id: UUID, participant_id: UUID, *, by: UUID, links: Links, now: datetime
) -> Participant:
    """Note that someone is here. Noting it twice is as good as once.

    Someone who held a seat without having confirmed it has confirmed it by coming; someone who waited,
    declined or cancelled comes in as a walk-in. Raises NotFound, RoomFull (a walk-in without a chair left).
    """
    gathering = waiting_list.lock(session, gathering_id)
    participant = session.get(Participant, participant_id, with_for_update=True, populate_existing=True)
    if participant is None or participant.gathering_id != gathering_id or participant.state == State.erased:
        raise NotFound("There is no such person here.")
    if participant.state == State.merged:
        who = waiting_list.survivor(session, participant).id
        return check_in(session, gathering_id, who, by=by, links=links, now=now)
    if participant.state == State.present:
        return participant
    if participant.state not in EXPECTED:
        if participant.state not in (State.pending_email, State.offered):
            _find_a_chair(session, gathering_id, seats=gathering.seats)
            participant.walk_in = True
        participant.registered_at, participant.deadline_at = now, None
        participant.state = State.registered
        publish(session, ParticipantRegistered, about=telling.of(participant, links), now=now)
    return _arrive(session, participant, by=by, links=links, now=now)


def walk_in(
    session: Session,
    gathering_id: UUID,
    *,
    given: str,
    family: str,
    email: str,
    territory: str,
    trade: str,
    structure: str,
    language: str = "",
    entry: str = "",
    by: UUID,
    links: Links,
    now: datetime,
) -> Participant:
    """Register and check in someone who came unannounced, while fewer people are here than there are seats.

    Somebody we know by this address and name is checked in as themselves; without an address nobody is known, for
    two people may have one name. `entry` is what the desk calls this arrival: the same entry is the same person,
    whoever sends it again and from whichever sign-in. Raises NotFound, RoomFull, AnotherArrival (this entry was
    somebody of another name), Misshapen.
    """
    gathering = waiting_list.lock(session, gathering_id)
    name_key = names.fold(f"{given} {family}")
    participant_id = uuid5(gathering_id, entry) if entry else uuid4()
    noted = session.get(Participant, participant_id)
    if noted is not None:
        if noted.state != State.erased and names.fold(f"{noted.given} {noted.family}") != name_key:
            raise AnotherArrival("This was sent already for somebody else. Write them down once more.")
        return check_in(session, gathering_id, noted.id, by=by, links=links, now=now)
    check_place(gathering, territory=territory, trade=trade)
    known = session.scalar(
        select(Participant.id).where(
            Participant.gathering_id == gathering_id,
            Participant.email == email,
            Participant.name_key == name_key,
        )
    )
    if email and known is not None:
        return check_in(session, gathering_id, known, by=by, links=links, now=now)
    _find_a_chair(session, gathering_id, seats=gathering.seats)
    participant = Participant(
        id=participant_id,
        gathering_id=gathering_id,
        state=State.registered,
        given=given,
        family=family,
        email=email,
        name_key=name_key if email else names.alone(name_key, participant_id),
        territory=territory,
        trade=trade,
        structure=structure,
        language=language or gathering.language,
        search=names.searchable(given, family, structure),
        token_hash=hashed(links.participant_token(participant_id)),
        walk_in=True,
        asked_at=now,
        registered_at=now,
    )
    session.add(participant)
    session.flush()
    publish(session, ParticipantRegistered, about=telling.of(participant, links), now=now)
    telling.note(session, "walked in", participant_id, gathering_id=gathering_id, by=by, now=now)
    return _arrive(session, participant, by=by, links=links, now=now)


def note_absences(session: Session, gathering_id: UUID, *, by: UUID, now: datetime) -> int:
    """Note as absent everybody who holds a seat and is not here; return how many. They may still come in
    later.
    """
    waiting_list.lock(session, gathering_id)
    people = session.scalars(
        select(Participant)
        .where(Participant.gathering_id == gathering_id, Participant.state == State.registered)
        .order_by(Participant.search)
        .with_for_update()
    ).all()
    for participant in people:
        participant.state = State.no_show
        about = {"participant_id": participant.id, "gathering_id": gathering_id, "noted_at": now}
        publish(session, ParticipantAbsent, about=about, now=now)
        telling.note(session, "absent", participant.id, gathering_id=gathering_id, by=by, now=now)
    return len(people)


def _arrive(
    session: Session, participant: Participant, *, by: UUID, links: Links, now: datetime
) -> Participant:
    participant.state, participant.checked_in_at = State.present, now
    publish(session, ParticipantCheckedIn, about=telling.of(participant, links), now=now)
    gathering_id = participant.gathering_id
    telling.note(session, "checked in", participant.id, gathering_id=gathering_id, by=by, now=now)
    return participant


def _find_a_chair(session: Session, gathering_id: UUID, *, seats: int) -> None:
    present = session.scalar(
        select(func.count()).where(Participant.gathering_id == gathering_id, Participant.state == State.present)
    )
    if (present or 0) >= seats:
        raise RoomFull("As many people are here as there are seats.", seats=seats)
