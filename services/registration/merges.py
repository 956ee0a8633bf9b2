"""Two rows of one person become one, and two again when that was wrong."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.chassis.catalogues import N_
from services.chassis.errors import Refused
from services.registration import merging, names, participants, retelling, telling, waiting_list
from services.registration.links import Links
from services.registration.models import HOLDING, Gathering, Participant, State, Story, Topic


class CannotJoin(Refused):
    code = "cannot-join"


class CannotPart(Refused):
    code = "cannot-part"


@dataclass(frozen=True)
class Foreseen:
    """What parting would do: whether one of the two, `who`, has to wait because the seat has gone."""

    who: Participant
    waits: bool


def merge(
    session: Session,
    gathering_id: UUID,
    stays_id: UUID,
    goes_id: UUID,
    *,
    by: UUID,
    links: Links,
    now: datetime,
) -> Participant:
    """Join the row `goes_id` to `stays_id`, which takes over the better place and whatever it lacks; return it.

    A seat that is left over goes to the first who may have it. Nobody is written to about the row that goes; its
    links lead to the other. Joining twice is as good as once. Raises NotFound, CannotJoin.
    """
    gathering, stays, goes = _lock(session, gathering_id, stays_id, goes_id)
    if goes.state == State.merged and goes.merged_into == stays.id:
        return stays
    if reason := refusal(session, stays, goes):
        raise CannotJoin(reason)
    kept, name_key = {"stays": _place(stays), "goes": _place(goes)}, goes.name_key
    gave = merging.is_better(kept["goes"], kept["stays"])
    filled = merging.filled(_row(stays), _row(goes))
    before = {name: getattr(stays, name) for name in (*filled, "territory")}

    # The key of an address that is taken over must be free first: two rows never bear the same.
    if "email" in filled or "family" in filled:
        goes.name_key = names.alone(goes.name_key, goes.id)
    goes.state, goes.deadline_at = State.merged, None
    # A number in the line is one person's.
    goes.line = None
    goes.merged_into, goes.merged_at = stays.id, now
    session.flush()
    if gave:
        _put(stays, kept["goes"])
    for name, value in filled.items():
        setattr(stays, name, value)
    _name_again(session, stays)
    goes.merged = {
        "gave": gave,
        "stays": merging.written(kept["stays"]),
        "goes": merging.written(kept["goes"]),
        "name_key": name_key,
        "took": {
            name: [merging.bare(before[name]), merging.bare(value)]
            for name, value in filled.items()
            if name != "answers"
        },
        # Not what was answered: whoever has a question forgotten has it forgotten here too.
        "answers": sorted(set(goes.answers) - set(before.get("answers", goes.answers))),
        "stories": _carry(session, Story, goes.id, stays.id),
        "topics": _carry(session, Topic, goes.id, stays.id),
    }
    session.flush()
    if gave:
        retelling.standing(session, gathering, stays, links=links, now=now)
    retelling.details(session, stays, before, links=links, now=now)
    retelling.brought(session, goes.merged, now=now)
    retelling.gone(session, goes, held=kept["goes"]["state"] in HOLDING, links=links, now=now)
    telling.note(session, "joined", stays.id, gathering_id=gathering.id, by=by, now=now)
    waiting_list.promote(session, gathering, links=links, now=now)
    return stays


def part(
    session: Session, gathering_id: UUID, goes_id: UUID, *, by: UUID, links: Links, now: datetime
) -> Participant:
    """Take a joining back: both are as they were, except what was changed since; return the row that comes back.

    Whose seat has gone meanwhile waits, with their old number if they had one. Of several joinings to one person the
    last is taken back first. Parting twice is as good as once. Raises NotFound, CannotPart.
    """
    known = participants.find(session, gathering_id, goes_id)
    if known.merged_into is None and known.state != State.erased:
        return known
    gathering, stays, goes = _lock(session, gathering_id, known.merged_into or goes_id, goes_id)
    if goes.merged_into is None and goes.state != State.erased:
        return goes
    if reason := _why_not_part(session, stays, goes):
        raise CannotPart(reason)
    kept: dict[str, Any] = goes.merged or {}
    before = {name: getattr(stays, name) for name in (*kept["took"], "territory")}
    _give_back(session, stays, goes, kept, foreseen=foresee(session, gathering, stays, goes, now=now))
    session.flush()
    for one in (goes, stays) if kept["gave"] else (goes,):
        retelling.standing(session, gathering, one, links=links, now=now)
    retelling.details(session, stays, before, links=links, now=now)
    retelling.brought(session, kept, now=now)
    if kept["gave"] and "wishes" in kept["took"] and goes.wishes:
        retelling.wishes(session, goes, now=now)
    telling.note(session, "parted", goes.id, gathering_id=gathering.id, by=by, now=now)
    waiting_list.promote(session, gathering, links=links, now=now)
    return goes


def refusal(session: Session, stays: Participant, goes: Participant) -> str:
    """Why two people of one gathering cannot be joined; empty when they can."""
    if stays.id == goes.id:
        return N_("This is the same page twice: choose two people.")
    both = (stays.id, goes.id)
    brought = [
        session.scalar(select(func.count()).select_from(kind).where(kind.participant_id.in_(both))) or 0
        for kind in (Story, Topic)
    ]
    return merging.refusal(_row(stays), _row(goes), stories=brought[0], topics=brought[1])


def goes_on(stays: Participant, goes: Participant) -> dict[str, Any]:
    """What the row that stays would say after joining: for looking at it before."""
    gave = merging.is_better(_place(goes), _place(stays))
    return {**_row(stays), **(_place(goes) if gave else {}), **merging.filled(_row(stays), _row(goes))}


def foresee(
    session: Session, gathering: Gathering, stays: Participant, goes: Participant, *, now: datetime
) -> Foreseen:
    """Who comes back by parting, and whether they would have to wait."""
    kept: dict[str, Any] = goes.merged or {}
    who, place = (stays, kept["stays"]) if kept["gave"] else (goes, kept["goes"])
    if place["state"] not in HOLDING or place["walk_in"]:
        return Foreseen(who, waits=False)
    line = waiting_list.count(session, gathering)
    # After the cut-off nobody who waits is offered a seat: a free one is there for who comes back.
    if not waiting_list.is_served(gathering, now=now):
        return Foreseen(who, waits=line.room.refusal(place["territory"]) is not None)
    return Foreseen(who, waits=waiting_list.verdict(session, gathering, line, place["territory"]) is not None)


def _why_not_part(session: Session, stays: Participant, goes: Participant) -> str:
    if goes.state != State.merged or goes.merged is None or stays.state == State.erased:
        return N_("The data has been erased, so this cannot be taken back.")
    if stays.state == State.merged:
        return N_("This person was joined to another one since. Take that back first.")
    later = select(Participant.id).where(
        Participant.merged_into == stays.id, Participant.merged_at > goes.merged_at
    )
    if session.scalars(later).first() is not None:
        return N_("Somebody else was joined to this person since. Take that back first.")
    return ""


def _give_back(
    session: Session, stays: Participant, goes: Participant, kept: dict[str, Any], *, foreseen: Foreseen
) -> None:
    """Put into both rows what they said before, save what was changed since."""
    here = _place(stays)
    goes.merged_into = goes.merged_at = goes.merged = None
    _put(goes, here if kept["gave"] else merging.read(kept["goes"]))
    if kept["gave"]:
        _put(stays, merging.read(kept["stays"]))
    for name, (was, became) in kept["took"].items():
        if merging.bare(getattr(stays, name)) == became:
            setattr(stays, name, merging.full(name, was))
    stays.answers = {
        key: said
        for key, said in stays.answers.items()
        if key not in kept["answers"] or said != goes.answers.get(key)
    }
    _name_again(session, stays)
    session.flush()
    goes.name_key = kept["name_key"]
    for kind, ids in ((Story, kept["stories"]), (Topic, kept["topics"])):
        for one in _of(session, kind, ids, stays.id):
            one.participant_id = goes.id
    if foreseen.waits:
        back = foreseen.who
        back.state, back.deadline_at = State.waiting, None
        if back.line is None:
            gathering = session.get_one(Gathering, back.gathering_id)
            gathering.lines += 1
            back.line = gathering.lines


def _lock(
    session: Session, gathering_id: UUID, stays_id: UUID, goes_id: UUID
) -> tuple[Gathering, Participant, Participant]:
    """The gathering, then the two people, in the order in which everybody locks them."""
    gathering = waiting_list.lock(session, gathering_id)
    found = {one: participants.find(session, gathering_id, one) for one in {stays_id, goes_id}}
    for one in sorted(found, key=str):
        session.refresh(found[one], with_for_update=True)
    return gathering, found[stays_id], found[goes_id]


def _place(who: Participant) -> dict[str, Any]:
    return {name: getattr(who, name) for name in merging.PLACE}


def _row(who: Participant) -> dict[str, Any]:
    return {name: getattr(who, name) for name in (*merging.PLACE, *merging.FILLED, "answers", "given")}


def _put(who: Participant, place: dict[str, Any]) -> None:
    for name, value in place.items():
        setattr(who, name, value)


def _name_again(session: Session, who: Participant) -> None:
    """Make the key and the search text say again what the row says."""
    key = names.fold(f"{who.given} {who.family}")
    same = select(Participant.id).where(
        Participant.gathering_id == who.gathering_id,
        Participant.email == who.email,
        Participant.name_key == key,
        Participant.id != who.id,
    )
    with session.no_autoflush:
        is_taken = not who.email or session.scalars(same).first() is not None
    who.name_key = names.alone(key, who.id) if is_taken else key
    who.search = names.searchable(who.given, who.family, who.structure)


def _carry(session: Session, kind: type[Any], goes_id: UUID, stays_id: UUID) -> list[str]:
    found = session.scalars(select(kind).where(kind.participant_id == goes_id).with_for_update()).all()
    for one in found:
        one.participant_id = stays_id
    return [str(one.id) for one in found]


def _of(session: Session, kind: type[Any], ids: list[str], holder: UUID) -> list[Any]:
    here = select(kind).where(kind.id.in_([UUID(one) for one in ids]), kind.participant_id == holder)
    return list(session.scalars(here.with_for_update()).all())
