"""Asking for a seat, confirming it, changing one's details."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from uuid import UUID, uuid4

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.orm import Session

from services.chassis.errors import Misshapen, NotFound, Refused
from services.chassis.outbox import publish
from services.registration import hours, names, telling, waiting_list
from services.registration.asking import answers as asking
from services.registration.events import (
    AddressToConfirm,
    LinkAsked,
    ParticipantChanged,
    ParticipantRegistered,
)
from services.registration.links import Links, hashed
from services.registration.models import HOLDING, Deed, Gathering, Invitation, Participant, State
from services.registration.seats import Reason

LETTERS_AN_HOUR = 3
TRIES = 5
# What somebody answers, by question: a text, the key of an option, or several keys.
Answers = Mapping[str, str | Sequence[str]]
_ACTIVE = (*HOLDING, State.waiting, State.no_show)


_SAME = select(Participant).where(
    Participant.gathering_id == bindparam("gathering_id"),
    Participant.email == bindparam("email"),
    Participant.name_key == bindparam("name_key"),
)


class RegistrationClosed(Refused):
    code = "registration-closed"


class LinkUnknown(Refused):
    code, status = "link-unknown", HTTPStatus.NOT_FOUND


@dataclass(frozen=True)
class Answer:
    """What someone who asks for a seat is told: held until `held_until`, or waiting at `rank` for `reason`.

    It is the same for somebody who is registered already as for a newcomer, so that nobody can learn from it
    who comes. `participant_id` is for the code page.
    """

    participant_id: UUID
    outcome: str
    held_until: datetime | None = None
    rank: int | None = None
    reason: Reason | None = None


def ask(
    session: Session,
    gathering_id: UUID,
    *,
    given: str,
    family: str,
    email: str,
    territory: str,
    trade: str,
    structure: str,
    language: str,
    answers: Answers | None = None,
    invitation: str = "",
    links: Links,
    now: datetime,
) -> Answer:
    """Hold a seat for one person until their address is confirmed, or put them in the line.

    The gathering's row is locked until the transaction ends, so two people can never take the last seat. One
    address may be shared by people of different names; the same address and name is the same person, who gets
    their letter again (three an hour at most) and nothing else. `answers` are those to the gathering's own questions,
    by their keys; without them the person is asked on their own page. `invitation` is the token of an invitation's
    link, if any. Raises NotFound, RegistrationClosed, Misshapen (an unknown territory or trade, an answer that is
    missing or is none).
    """
    gathering = waiting_list.lock(session, gathering_id)
    if gathering.state != "open" or now >= gathering.ends_at:
        raise RegistrationClosed("Registration is closed.", state=gathering.state)
    check_place(gathering, territory=territory, trade=trade)
    said = None if answers is None else check_answers(gathering, answers)

    name_key = names.fold(f"{given} {family}")
    known = session.scalar(_SAME, {"gathering_id": gathering_id, "email": email, "name_key": name_key})
    line = waiting_list.count(session, gathering)
    reason = waiting_list.verdict(session, gathering, line, territory)
    until = hours.deadline(
        now, gathering.zone, within=timedelta(hours=gathering.hold_h), before=gathering.ends_at
    )
    if known is not None and known.state in _ACTIVE:
        _write_again(session, known, links=links, now=now)
        if reason is None:
            return Answer(known.id, "held", held_until=until)
        return Answer(known.id, "waiting", rank=line.waiting + 1, reason=reason)

    participant = known or Participant(id=uuid4(), gathering_id=gathering_id, email=email, name_key=name_key)
    participant.given, participant.family = given, family
    participant.territory, participant.trade, participant.structure = territory, trade, structure
    participant.language, participant.search = language, names.searchable(given, family, structure)
    participant.walk_in, participant.tries, participant.asked_at = False, 0, now
    participant.token_hash = hashed(links.participant_token(participant.id, participant.token_hash or ""))
    participant.cancelled_at = participant.cancelled_from = participant.handed_to = None
    if said is not None:
        participant.answers = asking.merged(gathering.questions, participant.answers or {}, said)
    if invitation:
        _answer_invitation(session, participant, invitation, now=now)
    if reason is None:
        hold(session, participant, until=until, by=None, links=links, now=now)
        return Answer(participant.id, "held", held_until=until)
    rank = waiting_list.join(session, gathering, participant, line, reason, links=links, now=now)
    return Answer(participant.id, "waiting", rank=rank, reason=reason)


def hold(
    session: Session,
    participant: Participant,
    *,
    until: datetime,
    handed_by: str = "",
    by: UUID | None,
    links: Links,
    now: datetime,
) -> None:
    """Keep a seat for somebody until their address is confirmed; the caller has seen that there is one."""
    participant.state, participant.deadline_at = State.pending_email, until
    session.add(participant)
    session.flush()
    code = links.code(participant.id, until)
    told = telling.of(participant, links, code=code, handed_by=handed_by)
    publish(session, AddressToConfirm, about=told, now=now)
    telling.note(session, "held", participant.id, gathering_id=participant.gathering_id, by=by, now=now)


def send_links(session: Session, gathering_id: UUID, *, email: str, links: Links, now: datetime) -> None:
    """Send everybody of this address the link to their place again, three an hour at most.

    The caller tells everybody the same, so that nobody learns who comes.
    """
    people = session.scalars(
        select(Participant).where(Participant.gathering_id == gathering_id, Participant.email == email)
    ).all()
    for participant in people:
        _write_again(session, participant, links=links, now=now)


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
    waiting_list.join(session, gathering, participant, line, reason, links=links, now=now)
    return participant


def confirm_by_code(
    session: Session, participant_id: UUID, *, code: str, links: Links, now: datetime
) -> Participant | None:
    """Confirm an address by the letter's six digits; None when they are wrong or guessed too often."""
    participant = session.get(Participant, participant_id, with_for_update=True, populate_existing=True)
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
    participant = session.get(Participant, participant_id, with_for_update=True)
    if participant is None:
        raise NotFound("There is no such place.")
    participant.still_comes_at = now
    gathering_id = participant.gathering_id
    telling.note(session, "still comes", participant.id, gathering_id=gathering_id, by=None, now=now)
    return participant


def by_token(session: Session, token: str) -> Participant:
    """Whose personal link this is. Raises LinkUnknown."""
    participant = session.scalar(select(Participant).where(Participant.token_hash == hashed(token)))
    if participant is None:
        raise LinkUnknown("This link leads to no place: it may be cut short. Copy it whole from your letter.")
    return participant


def check_place(gathering: Gathering, *, territory: str, trade: str, was: Participant | None = None) -> None:
    """Raise Misshapen unless the gathering knows this territory and trade (or the person had it before)."""
    errors: dict[str, list[str]] = {}
    letters = {one["letter"] for one in gathering.territories}
    if letters and territory not in letters and (was is None or was.territory != territory):
        errors["territory"] = ["Choose a territory in the list."]
    if gathering.trades and trade not in gathering.trades and (was is None or was.trade != trade):
        errors["trade"] = ["Choose a trade in the list."]
    if errors:
        raise Misshapen(errors)


def check_answers(gathering: Gathering, answers: Answers) -> dict[str, asking.Said]:
    """The answers as they are kept. Raises Misshapen, with a sentence for each `answers.<key>` that cannot be."""

    def given(key: str) -> Sequence[str]:
        typed = answers.get(key, ())
        return [typed] if isinstance(typed, str) else typed

    said, errors = asking.read(gathering.questions, given)
    if errors:
        raise Misshapen({f"answers.{key}": sentences for key, sentences in errors.items()})
    return said


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


def _write_again(session: Session, participant: Participant, *, links: Links, now: datetime) -> None:
    lately = session.scalar(
        select(func.count()).where(
            Deed.about == participant.id,
            Deed.deed == "written again",
            Deed.at > now - timedelta(hours=1),
        )
    )
    if (lately or 0) >= LETTERS_AN_HOUR:
        return
    publish(session, LinkAsked, about=telling.of(participant, links, asked_at=now), now=now)
    gathering_id = participant.gathering_id
    telling.note(session, "written again", participant.id, gathering_id=gathering_id, by=None, now=now)


def _answer_invitation(session: Session, participant: Participant, token: str, *, now: datetime) -> None:
    invitation_id = session.scalar(
        update(Invitation)
        .where(Invitation.gathering_id == participant.gathering_id, Invitation.token_hash == hashed(token))
        .values(answered_at=now)
        .returning(Invitation.id)
    )
    participant.invitation_id = invitation_id


def _is_known(session: Session, participant: Participant, name_key: str) -> bool:
    same = select(Participant.id).where(
        Participant.gathering_id == participant.gathering_id,
        Participant.email == participant.email,
        Participant.name_key == name_key,
        Participant.id != participant.id,
    )
    return session.scalar(same) is not None
