"""Giving one's seat back, and taking that back."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from services.chassis.errors import Refused
from services.chassis.outbox import publish
from services.registration import stories, telling, topics, waiting_list
from services.registration.events import ParticipantCancelled, ParticipantRestored
from services.registration.links import Links
from services.registration.models import HOLDING, Gathering, Participant, State
from services.registration.seats import Reason

UNDO = timedelta(hours=24)


class NothingToCancel(Refused):
    code = "nothing-to-cancel"


class TooLateToUndo(Refused):
    code = "too-late-to-undo"


class SeatTaken(Refused):
    code = "seat-taken"


class AlreadyHere(Refused):
    code = "already-here"


def cancel(
    session: Session, participant_id: UUID, *, by: UUID | None = None, links: Links, now: datetime
) -> Participant:
    """Give the seat (or the place in the line) back; it goes to the first who may have it.

    Stories and topics of the person are withdrawn. Cancelling twice is as good as once. Raises NotFound,
    AlreadyHere (on the day), NothingToCancel.
    """
    participant, gathering = waiting_list.lock_person(session, participant_id)
    if participant.state in (State.cancelled, State.declined, State.transferred):
        return participant
    if participant.state in (State.present, State.no_show):
        raise AlreadyHere("The day has begun: see the people at the door.")
    if participant.state == State.expired:
        raise NothingToCancel("You hold no seat any more.")
    held = participant.state in HOLDING
    participant.cancelled_from, participant.cancelled_at = participant.state, now
    participant.state, participant.deadline_at = State.cancelled, None
    told = telling.of(participant, links, held_seat=held)
    publish(session, ParticipantCancelled, about=told, now=now)
    telling.note(session, "cancelled", participant.id, gathering_id=gathering.id, by=by, now=now)
    stories.withdraw_all(session, participant.id, now=now)
    topics.withdraw_all(session, participant.id, now=now)
    if held:
        waiting_list.promote(session, gathering, links=links, now=now)
    return participant


def restore(session: Session, participant_id: UUID, *, links: Links, now: datetime) -> Participant:
    """Take a cancellation back, within a day and while a seat is free.

    Who had waited has their old number in the line again. Who handed their seat over has it back as long as the
    other person has not confirmed. Raises NotFound, TooLateToUndo, SeatTaken.
    """
    participant, gathering = waiting_list.lock_person(session, participant_id)
    if participant.state in (State.registered, State.waiting):
        return participant
    if not is_undoable(participant, now=now) or gathering.state == "cancelled" or now >= gathering.ends_at:
        raise TooLateToUndo("It is too late to take your cancellation back.")
    if participant.cancelled_from == State.waiting:
        waiting_list.rejoin(session, gathering, participant, links=links, now=now)
        return participant
    heir = _heir(session, participant)
    if heir is not None:
        _release(session, gathering, heir, territory=participant.territory, links=links, now=now)
    elif _refusal(session, gathering, participant.territory, now=now) is not None:
        raise SeatTaken("Your seat has gone to somebody who was waiting.")
    participant.handed_to = None
    participant.state, participant.registered_at = State.registered, now
    participant.cancelled_at = participant.cancelled_from = None
    publish(session, ParticipantRestored, about=telling.of(participant, links), now=now)
    telling.note(session, "restored", participant.id, gathering_id=gathering.id, by=None, now=now)
    if heir is not None and heir.territory != participant.territory:
        waiting_list.promote(session, gathering, links=links, now=now)
    return participant


def is_undoable(participant: Participant, *, now: datetime) -> bool:
    """Whether a cancellation may still be taken back, a free seat provided."""
    return (
        participant.state in (State.cancelled, State.transferred)
        and participant.cancelled_from in (State.registered, State.waiting)
        and participant.cancelled_at is not None
        and now < participant.cancelled_at + UNDO
    )


def _heir(session: Session, participant: Participant) -> Participant | None:
    """Who was handed this person's seat and has not confirmed it yet."""
    if participant.handed_to is None:
        return None
    heir = session.get(Participant, participant.handed_to, with_for_update=True, populate_existing=True)
    return heir if heir is not None and heir.state == State.pending_email else None


def _release(
    session: Session, gathering: Gathering, heir: Participant, *, territory: str, links: Links, now: datetime
) -> None:
    """Take the held seat of `heir` for somebody of `territory`. Raises SeatTaken when its quota is full by now."""
    room = waiting_list.count(session, gathering).room.leaving(heir.territory)
    if room.refusal(territory) is not None:
        raise SeatTaken("Your seat has gone to somebody who was waiting.")
    heir.cancelled_from, heir.cancelled_at = heir.state, now
    heir.state, heir.deadline_at = State.cancelled, None
    publish(session, ParticipantCancelled, about=telling.of(heir, links, held_seat=True), now=now)
    telling.note(session, "cancelled", heir.id, gathering_id=gathering.id, by=None, now=now)


def _refusal(session: Session, gathering: Gathering, territory: str, *, now: datetime) -> Reason | None:
    line = waiting_list.count(session, gathering)
    # After the cut-off nobody who waits is offered the seat: it is still there for who gave it back.
    if not waiting_list.is_served(gathering, now=now):
        return line.room.refusal(territory)
    return waiting_list.verdict(session, gathering, line, territory)
