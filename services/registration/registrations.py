"""Confirming a seat, changing one's details; asking for one is in `newcomers`."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.chassis.errors import Misshapen, NotFound, Refused
from services.chassis.outbox import publish
from services.registration import names, newcomers, telling, waiting_list
from services.registration.asking import answers as asking
from services.registration.events import ParticipantChanged, ParticipantRegistered
from services.registration.links import Links, hashed
from services.registration.models import HOLDING, Gathering, Participant, State
from services.registration.newcomers import Answer as Answer
from services.registration.newcomers import Answers
from services.registration.newcomers import RegistrationClosed as RegistrationClosed
from services.registration.newcomers import ask as ask
from services.registration.newcomers import check_answers as check_answers
from services.registration.newcomers import check_place as check_place
from services.registration.seats import Reason

TRIES = 5


class LinkUnknown(Refused):
    code, status = "link-unknown", HTTPStatus.NOT_FOUND


def send_links(session: Session, gathering_id: UUID, *, email: str, links: Links, now: datetime) -> None:
    """Send everybody of this address the link to their place again, three an hour at most.

    The caller tells everybody the same, so that nobody learns who comes.
    """
    people = session.scalars(
        select(Participant).where(Participant.gathering_id == gathering_id, Participant.email == email)
    ).all()
    # Those whose rows were joined have one letter together.
    for participant in {(found := waiting_list.survivor(session, one)).id: found for one in people}.values():
        newcomers.write_again(session, participant, links=links, now=now)


def confirm(session: Session, participant_id: UUID, *, links: Links, now: datetime) -> Participant:
    """Confirm an address: the held seat is now the person's own.

    When the seat was given back in the meantime, another one is taken if there is one; otherwise the person
    waits. Confirming twice is as good as once. Raises NotFound, RegistrationClosed (the gathering is cancelled
    or over).
    """
    participant = session.get(Participant, participant_id)
    if participant is None:
        raise NotFound("There is no such place.")
    was_expired = participant.state == State.expired
    if was_expired:
        gathering = waiting_list.lock(session, participant.gathering_id)
    else:
        gathering = session.get_one(Gathering, participant.gathering_id)
    session.refresh(participant, with_for_update=True)
    if participant.state == State.merged:
        return confirm(session, waiting_list.survivor(session, participant).id, links=links, now=now)
    if participant.state not in (State.pending_email, State.expired):
        return participant
    if gathering.state == "cancelled" or now >= gathering.ends_at:
        raise RegistrationClosed("Registration is closed.", state=gathering.state)
    if participant.state == State.pending_email:
        return _seat(session, participant, links=links, now=now)
    if not was_expired:
        # The clock was faster by a moment: the page says so and offers to ask again.
        return participant

    line = waiting_list.count(session, gathering)
    reason = waiting_list.verdict(session, gathering, line, participant.territory)
    if reason is None:
        return _seat(session, participant, links=links, now=now)
    pen = telling.Pen(session, links, now)
    waiting_list.join(pen, gathering, participant, rank=line.waiting + 1, reason=reason)
    pen.write()
    return participant


def confirm_by_code(
    session: Session, participant_id: UUID, *, code: str, links: Links, now: datetime
) -> Participant | None:
    """Confirm an address by the letter's six digits; None when they are wrong or guessed too often."""
    participant = session.get(Participant, participant_id, with_for_update=True, populate_existing=True)
    if participant is not None and participant.state == State.merged:
        return _confirm_joined(session, participant, code=code, links=links, now=now)
    if participant is None or participant.state != State.pending_email or participant.deadline_at is None:
        return None
    if participant.tries >= TRIES or session.get_one(Gathering, participant.gathering_id).state == "cancelled":
        return None
    participant.tries += 1
    if not links.is_code(code, participant.id, participant.deadline_at):
        return None
    return _seat(session, participant, links=links, now=now)


def change(
    session: Session,
    participant_id: UUID,
    *,
    given: str,
    family: str,
    territory: str,
    trade: str,
    structure: str,
    language: str,
    answers: Answers | None = None,
    by: UUID | None = None,
    links: Links,
    now: datetime,
) -> Participant:
    """Change one's details and, with `answers`, what one answered; the seat moves to the new territory when it has
    one left.

    Raises NotFound, Misshapen (an unknown territory or trade, a full territory, a name that is here already, an
    answer that is missing or is none).
    """
    participant, gathering = waiting_list.lock_person(session, participant_id)
    if participant.state == State.erased:
        raise NotFound("There is no such place.")
    check_place(gathering, territory=territory, trade=trade, was=participant)
    said = None if answers is None else check_answers(gathering, answers)
    wanted = {
        "given": given, "family": family, "territory": territory, "trade": trade, "structure": structure,
        "language": language,
    }  # fmt: skip
    after = {name: value for name, value in wanted.items() if getattr(participant, name) != value}
    if said is not None:
        _answer(session, participant, gathering, said, by=by, now=now)
    if not after:
        return participant
    if "territory" in after and participant.state in HOLDING:
        line = waiting_list.count(session, gathering)
        if line.room.refusal(territory) == Reason.quota:
            raise Misshapen({"territory": ["All the seats of this territory are taken."]})
    name_key = names.fold(f"{given} {family}")
    if not participant.email:
        name_key = names.alone(name_key, participant.id)
    if name_key != participant.name_key and _is_known(session, participant, name_key):
        raise Misshapen({"given": ["Somebody of this name is registered with your address already."]})

    before = {name: getattr(participant, name) for name in after}
    for name, value in after.items():
        setattr(participant, name, value)
    participant.name_key, participant.search = name_key, names.searchable(given, family, structure)
    session.flush()
    told = telling.of(participant, links, before=before, after=after)
    publish(session, ParticipantChanged, about=told, now=now)
    telling.note(session, "changed", participant.id, gathering_id=gathering.id, by=by, now=now)
    if "territory" in before:
        waiting_list.promote(session, gathering, links=links, now=now)
    return participant


def still_come(session: Session, participant_id: UUID, *, now: datetime) -> Participant:
    """Note that someone comes on the day as it is now. Raises NotFound."""
    participant = session.get(Participant, participant_id, with_for_update=True, populate_existing=True)
    if participant is None:
        raise NotFound("There is no such place.")
    if participant.state == State.merged:
        return still_come(session, waiting_list.survivor(session, participant).id, now=now)
    participant.still_comes_at = now
    gathering_id = participant.gathering_id
    telling.note(session, "still comes", participant.id, gathering_id=gathering_id, by=None, now=now)
    return participant


def by_token(session: Session, token: str) -> Participant:
    """Whose personal link this is; that of a row that was joined to another leads there. Raises LinkUnknown."""
    participant = session.scalar(select(Participant).where(Participant.token_hash == hashed(token)))
    if participant is None:
        raise LinkUnknown("This link leads to no place: it may be cut short. Copy it whole from your letter.")
    return waiting_list.survivor(session, participant)


def _confirm_joined(
    session: Session, participant: Participant, *, code: str, links: Links, now: datetime
) -> Participant | None:
    """Confirm by the code of a letter that left before its row was joined to another: it proves the same person."""
    until = ((participant.merged or {}).get("goes") or {}).get("deadline_at")
    if until is None or participant.tries >= TRIES:
        return None
    participant.tries += 1
    if not links.is_code(code, participant.id, datetime.fromisoformat(until)):
        return None
    return confirm(session, waiting_list.survivor(session, participant).id, links=links, now=now)


def _answer(
    session: Session,
    participant: Participant,
    gathering: Gathering,
    said: dict[str, asking.Said],
    *,
    by: UUID | None,
    now: datetime,
) -> None:
    """Keep what somebody answered; nobody else is told, for answers never leave this service."""
    answers = asking.merged(gathering.questions, participant.answers, said)
    if answers != participant.answers:
        participant.answers = answers
        telling.note(session, "answered", participant.id, gathering_id=gathering.id, by=by, now=now)


def _seat(session: Session, participant: Participant, *, links: Links, now: datetime) -> Participant:
    participant.state, participant.deadline_at, participant.registered_at = State.registered, None, now
    publish(session, ParticipantRegistered, about=telling.of(participant, links), now=now)
    gathering_id = participant.gathering_id
    telling.note(session, "confirmed", participant.id, gathering_id=gathering_id, by=None, now=now)
    return participant


def _is_known(session: Session, participant: Participant, name_key: str) -> bool:
    same = select(Participant.id).where(
        Participant.gathering_id == participant.gathering_id,
        Participant.email == participant.email,
        Participant.name_key == name_key,
        Participant.id != participant.id,
    )
    return session.scalar(same) is not None
