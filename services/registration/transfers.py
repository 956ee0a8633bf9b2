"""Handing one's seat to a colleague, who confirms it as anybody would."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.chassis.errors import Misshapen, Refused
from services.chassis.outbox import publish
from services.registration import hours, names, newcomers, stories, telling, topics, waiting_list
from services.registration.events import ParticipantCancelled
from services.registration.links import Links, hashed
from services.registration.models import HOLDING, Participant, State

_TAKES_NONE = (*HOLDING, State.no_show)


class NothingToHandOver(Refused):
    code = "nothing-to-hand-over"


def hand_over(
    session: Session,
    participant_id: UUID,
    *,
    given: str,
    family: str,
    email: str,
    territory: str,
    trade: str,
    structure: str,
    language: str,
    by: UUID | None = None,
    links: Links,
    now: datetime,
) -> Participant:
    """Give one's own seat to somebody named, who holds it until their address is confirmed; return them.

    The seat never becomes free on the way, so nobody who waits is passed over for it: it was not theirs. Stories
    and topics of the giver are withdrawn. Raises NotFound, NothingToHandOver, Misshapen (an unknown or full
    territory, somebody who has a seat already).
    """
    giver, gathering = waiting_list.lock_person(session, participant_id)
    if giver.state != State.registered or gathering.state == "cancelled" or now >= gathering.ends_at:
        raise NothingToHandOver("You hold no seat that you could hand over.")
    newcomers.check_place(gathering, territory=territory, trade=trade, was=giver)
    room = waiting_list.count(session, gathering).room.leaving(giver.territory)
    if territory != giver.territory and room.refusal(territory) is not None:
        raise Misshapen({"territory": ["All the seats of this territory are taken."]})
    said: dict[str, Any] = {
        "given": given, "family": family, "territory": territory, "trade": trade, "structure": structure,
        "language": language,
    }  # fmt: skip
    heir = _heir(session, giver, email=email, said=said, links=links, now=now)

    giver.cancelled_from, giver.cancelled_at = giver.state, now
    giver.state, giver.handed_to = State.transferred, heir.id
    told = telling.of(giver, links, held_seat=True, handed_to=given)
    publish(session, ParticipantCancelled, about=told, now=now)
    telling.note(session, "handed over", giver.id, gathering_id=gathering.id, by=by, now=now)
    stories.withdraw_all(session, giver.id, now=now)
    topics.withdraw_all(session, giver.id, now=now)
    until = hours.deadline(
        now, gathering.zone, within=timedelta(hours=gathering.hold_h), before=gathering.ends_at
    )
    handed_by = f"{giver.given} {giver.family}".strip()
    session.add(heir)
    pen = telling.Pen(session, links, now)
    newcomers.hold(pen, heir, until=until, handed_by=handed_by, by=by)
    pen.write()
    if territory != giver.territory:
        waiting_list.promote(session, gathering, links=links, now=now)
    return heir


def _heir(
    session: Session, giver: Participant, *, email: str, said: dict[str, Any], links: Links, now: datetime
) -> Participant:
    """The row of who takes the seat: a new one, or that of somebody who waits, cancelled or was too late."""
    name_key = names.fold(f"{said['given']} {said['family']}")
    heir = session.scalar(
        select(Participant)
        .where(
            Participant.gathering_id == giver.gathering_id,
            Participant.email == email,
            Participant.name_key == name_key,
        )
        .with_for_update()
    )
    if heir is not None and heir.state == State.merged:
        raise Misshapen({"email": ["This person is registered under another address. Ask the organisers."]})
    if heir is not None and heir.state in _TAKES_NONE:
        raise Misshapen({"email": ["This person has a seat of their own."]})
    if heir is None:
        heir = Participant(id=uuid4(), gathering_id=giver.gathering_id, email=email, name_key=name_key)
        heir.token_hash = hashed(links.participant_token(heir.id))
    for name, value in said.items():
        setattr(heir, name, value)
    heir.search = names.searchable(said["given"], said["family"], said["structure"])
    heir.walk_in, heir.tries, heir.asked_at = False, 0, now
    heir.cancelled_at = heir.cancelled_from = heir.handed_to = None
    return heir
