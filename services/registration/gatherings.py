"""Making a gathering, describing it, opening and closing its door."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any
from uuid import UUID, uuid4

from slugify import slugify
from sqlalchemy import bindparam, exists, func, select, update
from sqlalchemy.orm import Session

from services.chassis.catalogues import N_
from services.chassis.db import roles
from services.chassis.errors import Misshapen, NotFound, Refused
from services.chassis.outbox import publish
from services.registration import hours, names, teams, telling, waiting_list
from services.registration.asking import questions as asking
from services.registration.events import GatheringDescribed
from services.registration.links import Links
from services.registration.models import HOLDING, Gathering, Organiser, Participant, State

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
DESCRIBING = (
    "title", "purpose", "starts_at", "ends_at", "zone", "place", "seats", "language", "writing",
    "organiser_name", "reply_to", "territories", "trades", "angles", "hold_h", "offer_h", "offers_stop_h",
    "keep_days",
)  # fmt: skip
# People are told two weeks before they are forgotten, and that letter needs its day.
WARNING = timedelta(days=15)


class ChangedMeanwhile(Refused):
    code, status = "changed-meanwhile", HTTPStatus.CONFLICT


class GatheringOver(Refused):
    code = "gathering-over"


def create(
    session: Session,
    *,
    like: Gathering | None = None,
    by: Organiser,
    links: Links,
    now: datetime,
    **wanted: Any,
) -> Gathering:
    """Make a gathering, as a draft that only its owner sees, and tell the others.

    `wanted` names the fields of DESCRIBING; those of the waiting list (in hours) may be left out. The gathering asks
    what `like` asks.
    Raises Misshapen with a sentence for each field that cannot be.
    """
    wanted = _lettered(wanted, ())
    _check(wanted, now=now)
    gathering = Gathering(
        id=uuid4(),
        slug=_free_slug(session, wanted["title"]),
        version=1,
        state="draft",
        created_at=now,
        questions=asking.rows(asking.anew(asking.of(like.questions))) if like else [],
        **wanted,
    )
    session.add(gathering)
    session.flush()
    teams.grant(session, gathering.id, by, "owner", by=by.id, now=now)
    publish(session, GatheringDescribed, about=telling.described(gathering, links), now=now)
    telling.note(session, "created", gathering.id, gathering_id=gathering.id, by=by.id, now=now)
    return gathering


def again(
    session: Session,
    gathering_id: UUID,
    *,
    title: str | None = None,
    starts_at: datetime,
    ends_at: datetime,
    by: Organiser,
    links: Links,
    now: datetime,
) -> Gathering:
    """Make a gathering like this one on another day: all that describes it, and none of its people.

    Raises NotFound, Misshapen.
    """
    known = by_id(session, gathering_id)
    wanted = {name: getattr(known, name) for name in DESCRIBING} | {"starts_at": starts_at, "ends_at": ends_at}
    return create(session, like=known, by=by, links=links, now=now, **wanted | {"title": title or known.title})


def change(
    session: Session,
    gathering_id: UUID,
    *,
    version: int,
    by: UUID,
    links: Links,
    now: datetime,
    **wanted: Any,
) -> Gathering:
    """Describe a gathering anew, if nobody else did since `version` was read.

    More seats or larger quotas are offered to those who wait. When the day is moved, people are asked on their own
    page whether they still come. Raises NotFound, ChangedMeanwhile (with the
    member `fields`: what the other person's version says), Misshapen.
    """
    gathering = waiting_list.lock(session, gathering_id)
    wanted = _lettered({name: getattr(gathering, name) for name in DESCRIBING} | wanted, gathering.territories)
    changed = [name for name in DESCRIBING if getattr(gathering, name) != wanted[name]]
    if gathering.version != version:
        raise ChangedMeanwhile(
            "Somebody else has changed this gathering since you opened the page.",
            version=gathering.version,
            fields=changed,
        )
    if not changed:
        return gathering
    _check(wanted, now=now, was=gathering)
    _check_people(session, gathering, wanted)
    for name in changed:
        setattr(gathering, name, wanted[name])
    if {"starts_at", "ends_at"} & set(changed):
        _move(session, gathering, now=now)
    _tell(session, gathering, "changed", by=by, links=links, now=now)
    waiting_list.promote(session, gathering, links=links, now=now)
    return gathering


def open_door(session: Session, gathering_id: UUID, *, by: UUID, links: Links, now: datetime) -> Gathering:
    """Let people register. Raises NotFound, GatheringOver."""
    return _turn(session, gathering_id, "open", by=by, links=links, now=now)


def close_door(session: Session, gathering_id: UUID, *, by: UUID, links: Links, now: datetime) -> Gathering:
    """Take no more registrations; who has a place keeps it. Raises NotFound, GatheringOver."""
    return _turn(session, gathering_id, "closed", by=by, links=links, now=now)


def call_off(session: Session, gathering_id: UUID, *, by: UUID, links: Links, now: datetime) -> Gathering:
    """Cancel the whole gathering, for good; everybody is told. Raises NotFound."""
    return _turn(session, gathering_id, "cancelled", by=by, links=links, now=now)


def by_id(session: Session, gathering_id: UUID) -> Gathering:
    """Raises NotFound."""
    gathering = session.get(Gathering, gathering_id)
    if gathering is None:
        raise NotFound("There is no such gathering.")
    return gathering


# Made once: every visit asks it, and to make a statement takes longer than to use it.
_AT = select(Gathering).where(Gathering.slug == bindparam("slug"))
_VERSION_AT = select(Gathering.version).where(Gathering.slug == bindparam("slug"))


def find(session: Session, slug: str) -> Gathering | None:
    """The gathering at this address, if there is one."""
    return session.scalar(_AT, {"slug": slug})


def version(session: Session, slug: str) -> int | None:
    """The version of the gathering at this address, if there is one: with another one, everything may be other."""
    return session.scalar(_VERSION_AT, {"slug": slug})


def by_slug(session: Session, slug: str) -> Gathering:
    """Raises NotFound."""
    gathering = find(session, slug)
    if gathering is None:
        raise NotFound("There is no gathering at this address.")
    return gathering


def of_organiser(session: Session, organiser_id: UUID) -> Sequence[Gathering]:
    """The gatherings someone may act on, the next one first."""
    mine = select(roles.c.gathering_id).where(roles.c.organiser_id == organiser_id)
    return session.scalars(
        select(Gathering).where(Gathering.id.in_(mine)).order_by(Gathering.starts_at, Gathering.id)
    ).all()


def _move(session: Session, gathering: Gathering, *, now: datetime) -> None:
    """The day is another one: nothing stays held or offered beyond its new hours."""
    gathering.moved_at = now
    for state, last in (
        (State.pending_email, gathering.ends_at),
        (State.offered, max(now, waiting_list.stops_at(gathering))),
    ):
        session.execute(
            update(Participant)
            .where(Participant.gathering_id == gathering.id, Participant.state == state)
            .where(Participant.deadline_at > last)
            .values(deadline_at=last)
        )


def _turn(
    session: Session, gathering_id: UUID, state: str, *, by: UUID, links: Links, now: datetime
) -> Gathering:
    gathering = waiting_list.lock(session, gathering_id)
    if gathering.state == state:
        return gathering
    if gathering.state == "cancelled" or (state == "open" and now >= gathering.ends_at):
        raise GatheringOver("This gathering is over or has been cancelled.", state=gathering.state)
    gathering.state = state
    _tell(session, gathering, state, by=by, links=links, now=now)
    return gathering


def _tell(session: Session, gathering: Gathering, deed: str, *, by: UUID, links: Links, now: datetime) -> None:
    gathering.version += 1
    session.flush()
    publish(session, GatheringDescribed, about=telling.described(gathering, links), now=now)
    telling.note(session, deed, gathering.id, gathering_id=gathering.id, by=by, now=now)


def _lettered(wanted: Mapping[str, Any], known: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The same wishes with a letter for each territory (the one it had, or the next free) and numbered
    angles.
    """
    had = {names.fold(one["name"]): one["letter"] for one in known}
    free = iter([letter for letter in LETTERS if letter not in had.values()])
    territories: list[dict[str, Any]] = []
    for one in wanted["territories"]:
        letter = had.get(names.fold(one["name"])) or next(free, None)
        if letter is None:
            raise Misshapen({"territories": [N_("At most 26 territories: one for each letter.")]})
        territories.append({"letter": letter, "name": one["name"], "quota": one.get("quota")})
    angles = [one if isinstance(one, str) else one["name"] for one in wanted["angles"]]
    numbered = [{"number": number, "name": name} for number, name in enumerate(angles, 1)]
    return {**wanted, "territories": territories, "angles": numbered}


def _check(wanted: Mapping[str, Any], *, now: datetime, was: Gathering | None = None) -> None:
    errors: dict[str, list[str]] = {}
    if wanted["starts_at"] <= now and (was is None or was.starts_at != wanted["starts_at"]):
        errors["starts_at"] = [N_("This date is in the past.")]
    if wanted["ends_at"] <= wanted["starts_at"]:
        errors["ends_at"] = [N_("The end comes before the start.")]
    until = hours.kept_until(wanted["ends_at"], wanted["zone"], wanted.get("keep_days"))
    as_before = was is not None and until == hours.kept_until(was.ends_at, was.zone, was.keep_days)
    if until is not None and until < now + WARNING and not as_before:
        errors["keep_days"] = [N_("People are told two weeks before they are forgotten: choose a longer time.")]
    for field in ("territories", "trades", "angles"):
        said = [names.fold(one if isinstance(one, str) else one["name"]) for one in wanted[field]]
        if len(set(said)) < len(said):
            errors[field] = [N_("One name stands here twice.")]
    if errors:
        raise Misshapen(errors)


def _check_people(session: Session, gathering: Gathering, wanted: Mapping[str, Any]) -> None:
    """Nobody loses a seat by an edit: seats and quotas stay above what is held, territories with people
    remain.
    """
    room = waiting_list.count(session, gathering).room
    errors: dict[str, list[str]] = {}
    if wanted["seats"] < room.taken and wanted["seats"] < gathering.seats:
        errors["seats"] = [N_("More seats than that are taken already.")]
    quotas = {one["letter"]: one["quota"] for one in wanted["territories"]}
    before = {one["letter"]: one["quota"] for one in gathering.territories}
    for letter, held in room.held.items():
        quota = quotas.get(letter)
        if quota is not None and quota < held and quota != before.get(letter):
            errors["territories"] = [N_("More seats of a territory are taken than its quota would allow.")]
    gone = {one["letter"] for one in gathering.territories} - set(quotas)
    if gone:
        people = session.scalar(
            select(func.count()).where(
                Participant.gathering_id == gathering.id,
                Participant.territory.in_(gone),
                Participant.state.in_((*HOLDING, State.waiting)),
            )
        )
        if people:
            errors["territories"] = [N_("A territory with people in it cannot be taken away.")]
    if errors:
        raise Misshapen(errors)


def _free_slug(session: Session, title: str) -> str:
    base = slugify(title, max_length=60, word_boundary=True) or "rencontre"
    slug, number = base, 1
    while session.scalar(select(exists().where(Gathering.slug == slug))):
        number += 1
        slug = f"{base}-{number}"
    return slug
