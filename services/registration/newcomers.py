"""Asking for a seat, alone or with others who ask at the same moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.orm import Session

from services.chassis.errors import Misshapen, Refused
from services.chassis.outbox import publish
from services.registration import hours, names, seats, telling, waiting_list
from services.registration.asking import answers as asking
from services.registration.events import AddressToConfirm, LinkAsked
from services.registration.links import Links, hashed
from services.registration.models import HOLDING, Deed, Gathering, Invitation, Participant, State
from services.registration.seats import Reason, Waiting

LETTERS_AN_HOUR = 3
# What somebody answers, by question: a text, the key of an option, or several keys.
Answers = Mapping[str, str | Sequence[str]]
_ACTIVE = (*HOLDING, State.waiting, State.no_show)

_SAME = select(Participant).where(
    Participant.gathering_id == bindparam("gathering_id"),
    Participant.email.in_(bindparam("emails", expanding=True)),
    Participant.name_key.in_(bindparam("name_keys", expanding=True)),
)


class RegistrationClosed(Refused):
    code = "registration-closed"


@dataclass(frozen=True)
class Wish:
    """One person who asks for a seat, as the form's schema read it.

    `answers` are those to the gathering's own questions, by their keys; without them the person is asked on their own
    page. `invitation` is the token of an invitation's link, if any, and `trace` that of the person's request.
    """

    given: str
    family: str
    email: str
    territory: str
    trade: str
    structure: str
    language: str
    answers: Answers | None = None
    invitation: str = ""
    trace: str = ""

    @property
    def who(self) -> tuple[str, str]:
        """One address may be shared by people of different names; the same address and name is the same person."""
        return self.email, names.fold(f"{self.given} {self.family}")


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


def ask(session: Session, gathering_id: UUID, *, links: Links, now: datetime, **wanted: Any) -> Answer:
    """Hold a seat for one person until their address is confirmed, or put them in the line.

    The gathering's row is locked until the transaction ends, so two people can never take the last seat. The same
    address and name is the same person, who gets their letter again (three an hour at most) and nothing else. `wanted`
    is what a Wish says. Raises NotFound, RegistrationClosed, Misshapen (an unknown territory or trade, an answer that
    is missing or is none).
    """
    pen = telling.Pen(session, links, now)
    (answer,) = ask_all(pen, waiting_list.lock(session, gathering_id), [Wish(**wanted)])
    pen.write()
    if isinstance(answer, Refused):
        raise answer
    return answer


def ask_all(pen: telling.Pen, gathering: Gathering, wishes: Sequence[Wish]) -> list[Answer | Refused]:
    """Each wish in its turn, exactly as if they came one after the other; the caller lets the pen write.

    `gathering` must be locked. Whoever is refused leaves nothing behind, and the others are none the worse.
    """
    door = _Door(pen, gathering, wishes)
    return [door.answer(wish) for wish in wishes]


class _Door:
    """A locked gathering while people come in: what its rows say, and what was decided since."""

    def __init__(self, pen: telling.Pen, gathering: Gathering, wishes: Sequence[Wish]) -> None:
        self._pen, self._gathering = pen, gathering
        who = [wish.who for wish in wishes]
        about = {"emails": [email for email, _ in who], "name_keys": [key for _, key in who]}
        rows = pen.session.scalars(_SAME, {"gathering_id": gathering.id, **about})
        self._known = {(one.email, one.name_key): one for one in rows}
        line = waiting_list.count(pen.session, gathering)
        self._room, self._waiting = line.room, line.waiting
        self._queue: list[Waiting] | None = None
        self._until = hours.deadline(
            pen.now, gathering.zone, within=timedelta(hours=gathering.hold_h), before=gathering.ends_at
        )

    def answer(self, wish: Wish) -> Answer | Refused:
        try:
            return self._answer(wish)
        except Refused as refusal:
            return refusal

    def _answer(self, wish: Wish) -> Answer:
        pen, gathering = self._pen, self._gathering
        if gathering.state != "open" or pen.now >= gathering.ends_at:
            raise RegistrationClosed("Registration is closed.", state=gathering.state)
        check_place(gathering, territory=wish.territory, trade=wish.trade)
        said = None if wish.answers is None else check_answers(gathering, wish.answers)

        who = wish.who
        known = self._known.get(who)
        is_joined = known is not None and known.state == State.merged
        if known is not None:
            known = waiting_list.survivor(pen.session, known)
        reason = self._verdict(wish.territory)
        if known is not None and known.state in _ACTIVE:
            pen.write()
            write_again(pen.session, known, links=pen.links, now=pen.now)
            if reason is None:
                return Answer(known.id, "held", held_until=self._until)
            return Answer(known.id, "waiting", rank=self._waiting + 1, reason=reason)

        participant = known or Participant(
            id=uuid4(), gathering_id=gathering.id, email=who[0], name_key=who[1], wishes=[], answers={}
        )
        self._known[who] = participant
        if not is_joined:
            participant.given, participant.family = wish.given, wish.family
        participant.territory, participant.trade, participant.structure = (
            wish.territory,
            wish.trade,
            wish.structure,
        )
        participant.language = wish.language
        participant.search = names.searchable(participant.given, participant.family, wish.structure)
        participant.walk_in, participant.tries, participant.asked_at = False, 0, pen.now
        token = pen.links.participant_token(participant.id, participant.token_hash or "")
        participant.token_hash = hashed(token)
        participant.cancelled_at = participant.cancelled_from = participant.handed_to = None
        if said is not None:
            participant.answers = asking.merged(gathering.questions, participant.answers or {}, said)
        if wish.invitation:
            _answer_invitation(pen.session, participant, wish.invitation, now=pen.now)
        if reason is None:
            self._room = self._room.seating(wish.territory)
            hold(pen, participant, until=self._until, by=None, trace=wish.trace)
            return Answer(participant.id, "held", held_until=self._until)
        self._waiting += 1
        waiting_list.join(pen, gathering, participant, rank=self._waiting, reason=reason, trace=wish.trace)
        if self._queue is not None:
            self._queue.append(Waiting(participant.id, wish.territory, gathering.lines))
        return Answer(participant.id, "waiting", rank=self._waiting, reason=reason)

    def _verdict(self, territory: str) -> Reason | None:
        refusal = self._room.refusal(territory)
        if refusal is not None or self._waiting == 0:
            return refusal
        if self._queue is None:
            self._pen.write()
            self._queue = waiting_list.queue(self._pen.session, self._gathering.id)
        return seats.verdict(self._room, self._queue, territory)


def hold(
    pen: telling.Pen,
    participant: Participant,
    *,
    until: datetime,
    handed_by: str = "",
    by: UUID | None,
    trace: str = "",
) -> None:
    """Keep a seat for somebody until their address is confirmed; the caller has seen that there is one."""
    participant.state, participant.deadline_at = State.pending_email, until
    pen.person(participant)
    code = pen.links.code(participant.id, until)
    pen.tell(AddressToConfirm, participant, code=code, handed_by=handed_by, trace=trace)
    pen.note("held", participant, by=by)


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


def write_again(session: Session, participant: Participant, *, links: Links, now: datetime) -> None:
    """Send somebody their letter again, three an hour at most."""
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
