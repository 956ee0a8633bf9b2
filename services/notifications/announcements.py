"""What people are told when something happened: for each fact, the letters it makes.

A fact may come before the gathering or the person it speaks of is known here; it is then kept and acted on as soon as
they are. What a letter is (and that it is written once) is the business of `letters`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.chassis.inbox import Heard
from services.notifications import changes, drafts, letters, losses, packs, people, reminders, schemas
from services.notifications.letters import Addressee
from services.notifications.models import EarlyFact, Gathering, Person, Placement
from services.notifications.writing import labels

Fact = dict[str, Any]
Act = Callable[[Session, Fact, Gathering, datetime], None]
Remember = Callable[[Session, Fact], object]


@dataclass(frozen=True, slots=True)
class About:
    """What we read of a fact about a gathering, what we do about it, and the part of that which is no letter."""

    reads: type[Heard]
    act: Act
    remember: Remember | None = None
    needs_person: bool = False


def hear(session: Session, fact_type: str, fact: Fact, now: datetime) -> None:
    """Act on a fact about a gathering, now or as soon as what it speaks of is known."""
    about = FACTS[fact_type]
    gathering = session.get(Gathering, fact["gathering_id"])
    participant_id: UUID | None = fact.get("participant_id")
    if gathering is None or (about.needs_person and session.get(Person, participant_id) is None):
        _keep(session, fact_type, about.reads, fact, now)
        return
    about.act(session, fact, gathering, now)
    if not about.needs_person and participant_id is not None:
        _catch_up(session, gathering, now, participant_id=participant_id)


def recall(session: Session, remember: Remember, fact: Fact) -> None:
    """Remember what a fact says and write to nobody: it was acted on when it was heard, or still waits for that."""
    if fact["_event_id"] not in people.waiting_facts(session):
        remember(session, fact)


def describe_gathering(session: Session, fact: Fact, now: datetime) -> None:
    """Remember what a gathering is; tell those who come when its day, its place or its being changed."""
    known = session.get(Gathering, fact["gathering_id"])
    before = None if known is None else (known.starts_at, known.ends_at, known.zone, known.place, known.state)
    gathering = people.remember_gathering(session, fact)
    if gathering is None:
        return
    if before is None:
        _catch_up(session, gathering, now)
    elif gathering.state == "cancelled" and before[4] != "cancelled":
        drafts.discard_all(session, gathering.id)
        _tell_of_end(session, gathering, now)
    elif gathering.state != "cancelled" and before[4] != "draft":
        _tell_of_day(session, gathering, before, now)
    reminders.follow(session, gathering, now)


def ask_to_sign_in(session: Session, fact: Fact, now: datetime) -> None:
    to = Addressee(fact["email"], "", "", fact["language"], fact["link"])
    details = {"code": fact["code"], "expires_at": fact["expires_at"]}
    letters.write(
        session, "sign-in", to, gathering=None, about=fact["sign_in_id"], version="1", details=details, now=now
    )


def tell_of_passkey(session: Session, fact: Fact, now: datetime) -> None:
    to = Addressee(fact["email"], fact["name"], "", fact["language"], fact["link"])
    details = {"passkey": fact["passkey"]}
    letters.write(
        session, "passkey", to, gathering=None, about=fact["passkey_id"], version="1", details=details, now=now
    )


def tell_of_identity(session: Session, fact: Fact, now: datetime) -> None:
    to = Addressee(fact["email"], fact["name"], "", fact["language"], fact["link"])
    details = {"provider": fact["provider"], "account": fact["account"] or fact["email"]}
    letters.write(
        session,
        "identity",
        to,
        gathering=None,
        about=fact["identity_id"],
        version="1",
        details=details,
        now=now,
    )


def _ask_to_help(session: Session, fact: Fact, gathering: Gathering, now: datetime) -> None:
    to = Addressee(fact["email"], fact["name"] or "", "", fact["language"], fact["link"])
    details = {
        "helps_as": fact["role"],
        "invited_by": fact["invited_by"] or gathering.organiser_name,
        "expires_at": fact["expires_at"],
    }
    letters.write(
        session,
        "colleague",
        to,
        gathering=gathering,
        about=fact["sign_in_id"],
        version="1",
        details=details,
        now=now,
    )


def _invite(session: Session, fact: Fact, gathering: Gathering, now: datetime) -> None:
    people.remember_invitee(session, fact)
    letters.write(
        session,
        "invitation",
        _named(fact),
        gathering=gathering,
        about=fact["invitation_id"],
        version="1",
        now=now,
    )


def _ask_to_confirm(session: Session, fact: Fact, gathering: Gathering, now: datetime) -> None:
    person = people.remember_person(session, fact, "asked")
    letters.answered(session, gathering.id, Addressee.of(person), now)
    details = {
        "code": fact["code"],
        "expires_at": fact["expires_at"],
        "handed_by": fact["handed_by"] or "",
    }
    # The link of this letter confirms; it is not the personal one.
    _write(
        session,
        "confirm-address",
        person,
        gathering,
        fact["expires_at"].isoformat(),
        details,
        now,
        link=fact["link"],
    )


def _send_link(session: Session, fact: Fact, gathering: Gathering, now: datetime) -> None:
    person = people.remember_person(session, fact, None, at_first="asked")
    _write(session, "link", person, gathering, _moment(fact), {}, now)


def _register(session: Session, fact: Fact, gathering: Gathering, now: datetime) -> None:
    person = people.remember_person(session, fact, "registered")
    letters.answered(session, gathering.id, Addressee.of(person), now)
    _write(session, "registered", person, gathering, fact["registered_at"].isoformat(), {}, now, calendar=True)


def _put_on_waiting_list(session: Session, fact: Fact, gathering: Gathering, now: datetime) -> None:
    person = people.remember_person(session, fact, "waiting")
    letters.answered(session, gathering.id, Addressee.of(person), now)
    territory = gathering.territories.get(fact["territory"] or "", fact["territory"] or "")
    details = {"rank": fact["rank"], "reason": fact["reason"], "territory": territory}
    _write(session, "waiting", person, gathering, _moment(fact), details, now)


def _offer(session: Session, fact: Fact, gathering: Gathering, now: datetime) -> None:
    person = people.remember_person(session, fact, "offered")
    details = {"expires_at": fact["expires_at"]}
    _write(session, "offer", person, gathering, fact["expires_at"].isoformat(), details, now)


def _close_offer(session: Session, fact: Fact, gathering: Gathering, now: datetime) -> None:
    person = people.remember_person(session, fact, "waiting")
    _write(session, "offer-expired", person, gathering, _moment(fact), {}, now)


def _end_hold(session: Session, fact: Fact, gathering: Gathering, now: datetime) -> None:
    person = people.remember_person(session, fact, "cancelled")
    _write(session, "hold-expired", person, gathering, _moment(fact), {}, now)


def _change(session: Session, fact: Fact, gathering: Gathering, now: datetime) -> None:
    person = people.remember_person(session, fact, None)
    changes.tell_person(
        session,
        person,
        gathering,
        before=fact["before"],
        after=fact["after"],
        version=_moment(fact),
        now=now,
    )


def _cancel(session: Session, fact: Fact, gathering: Gathering, now: datetime) -> None:
    person = people.remember_person(session, fact, "cancelled")
    letters.answered(session, gathering.id, Addressee.of(person), now)
    if fact["is_silent"]:
        letters.drop_all(session, gathering.id, person.id)
        return
    details = {"held_seat": fact["held_seat"], "handed_to": fact["handed_to"] or ""}
    version = fact["cancelled_at"].isoformat()
    _write(session, "cancelled", person, gathering, version, details, now, calendar=True)


def _restore(session: Session, fact: Fact, gathering: Gathering, now: datetime) -> None:
    person = people.remember_person(session, fact, "registered")
    _write(session, "restored", person, gathering, _moment(fact), {}, now, calendar=True)


def _place(session: Session, fact: Fact, gathering: Gathering, now: datetime) -> None:
    person = session.get_one(Person, fact["participant_id"])
    known = session.get(Placement, (person.id, fact["round_id"]), with_for_update=True)
    if known is not None and known.version > fact["version"]:
        return
    was = None if known is None else (known.group_number, known.role)
    now_at = people.remember_place(session, fact)
    packs.hear(session, fact, now)
    role = now_at.role
    if was == (now_at.group_number, role) or person.standing == "cancelled":
        return
    details = {
        "round_kind": fact["kind"],
        "group_number": fact["group_number"],
        "group_name": fact["group_name"] or str(fact["group_number"]),
        "question": fact["question"] or "",
        "role": role,
        "companions": fact["companions"],
        "reasons": labels.reasons(fact["reasons"], person.language, gathering.territories),
        "before_number": fact["before_number"],
    }
    version = f"{fact['round_id']}.{fact['version']}"
    if fact["moved"]:
        round_id = fact["round_id"]
        changes.tell_move(
            session, person, gathering, round_id=round_id, was=was, details=details, version=version, now=now
        )
    else:
        _write(session, "placement", person, gathering, version, details, now)


def _hand_questionnaire(session: Session, fact: Fact, gathering: Gathering, now: datetime) -> None:
    letters.write(
        session,
        "questionnaire",
        _named(fact, fact["participant_id"]),
        gathering=gathering,
        version=str(fact["invite_id"]),
        details={"closes_at": fact["closes_at"]},
        # Only this letter leads from the person to their link, so a reminder is made from it.
        facts={
            "given": fact["given"],
            "family": fact["family"],
            "link": fact["link"],
            "closes_at": fact["closes_at"].isoformat() if fact["closes_at"] else None,
        },
        now=now,
    )


def _announce_account(session: Session, fact: Fact, gathering: Gathering, now: datetime) -> None:
    # Once a gathering: an account that is published again after a correction is not announced again.
    for person in people.coming(session, gathering.id, "registered"):
        _write(session, "account", person, gathering, "1", {}, now, link=fact["link"])


def _stands(standing: str | None, *, at_first: str = "registered") -> Remember:
    def remember(session: Session, fact: Fact) -> None:
        people.remember_person(session, fact, standing, at_first=at_first)

    return remember


FACTS = {
    "registration.colleague_invited.v1": About(schemas.ColleagueInvited, _ask_to_help),
    "registration.person_invited.v1": About(schemas.PersonInvited, _invite, people.remember_invitee),
    "registration.address_to_confirm.v1": About(schemas.AddressToConfirm, _ask_to_confirm, _stands("asked")),
    "registration.link_asked.v1": About(schemas.Participant, _send_link, _stands(None, at_first="asked")),
    "registration.participant_registered.v1": About(schemas.Registered, _register, _stands("registered")),
    "registration.participant_waitlisted.v1": About(
        schemas.Waitlisted, _put_on_waiting_list, _stands("waiting")
    ),
    "registration.seat_offered.v1": About(schemas.SeatOffered, _offer, _stands("offered")),
    "registration.offer_expired.v1": About(schemas.Participant, _close_offer, _stands("waiting")),
    "registration.hold_expired.v1": About(schemas.Participant, _end_hold, _stands("cancelled")),
    "registration.participant_changed.v1": About(schemas.Changed, _change, _stands(None)),
    "registration.participant_cancelled.v1": About(schemas.Cancelled, _cancel, _stands("cancelled")),
    "registration.participant_restored.v1": About(schemas.Registered, _restore, _stands("registered")),
    "registration.story_withdrawn.v1": About(schemas.StoryWithdrawn, losses.tell_of_story),
    "registration.topic_withdrawn.v1": About(schemas.TopicWithdrawn, losses.tell_of_topic),
    "grouping.person_placed.v1": About(schemas.PersonPlaced, _place, people.remember_place, needs_person=True),
    "feedback.questionnaire_addressed.v1": About(schemas.QuestionnaireAddressed, _hand_questionnaire),
    "feedback.account_published.v1": About(schemas.AccountPublished, _announce_account),
}


def _write(
    session: Session,
    kind: str,
    person: Person,
    gathering: Gathering,
    version: str,
    details: dict[str, Any],
    now: datetime,
    *,
    calendar: bool = False,
    link: str = "",
) -> None:
    to = Addressee.of(person)
    if link:
        to = Addressee(to.email, to.given, to.family, to.language, link, to.participant_id)
    letters.write(
        session,
        kind,
        to,
        gathering=gathering,
        version=version,
        details=details,
        person=person if calendar else None,
        now=now,
    )


def _tell_of_end(session: Session, gathering: Gathering, now: datetime) -> None:
    for person in people.coming(session, gathering.id, "registered", "waiting", "offered"):
        if (waiting := letters.waiting(session, person, "gathering-changed")) is not None:
            letters.drop(waiting)
        has_seat = person.standing == "registered"
        version, told = str(gathering.version), {"has_seat": has_seat}
        _write(session, "gathering-cancelled", person, gathering, version, told, now, calendar=has_seat)


def _tell_of_day(
    session: Session, gathering: Gathering, before: tuple[datetime, datetime, str, str, str], now: datetime
) -> None:
    starts_at, ends_at, zone, place, state = before
    day = (gathering.starts_at, gathering.ends_at, gathering.zone, gathering.place)
    had, is_back = (starts_at, ends_at, zone, place), state == "cancelled"
    if had != day or is_back:
        for person in people.coming(session, gathering.id, "registered", "waiting", "offered"):
            changes.tell_day(session, person, gathering, had, is_back=is_back, now=now)


def _named(fact: Fact, participant_id: UUID | None = None) -> Addressee:
    return Addressee(
        fact["email"] or "",
        fact["given"] or "",
        fact["family"] or "",
        fact["language"],
        fact["link"] or "",
        participant_id,
    )


def _moment(fact: Fact) -> str:
    """The version of a letter whose fact has no number of its own: when it happened."""
    happened_at: datetime = fact["_happened_at"]
    return happened_at.isoformat()


def _keep(session: Session, fact_type: str, reads: type[Heard], fact: Fact, now: datetime) -> None:
    known = session.scalar(select(EarlyFact.number).where(EarlyFact.event_id == fact["_event_id"]))
    if known is not None:
        return
    kept = {
        "data": reads().dump(fact),
        "happened_at": fact["_happened_at"].isoformat(),
        "trace": fact["_trace"],
    }
    session.add(
        EarlyFact(
            event_id=fact["_event_id"],
            type=fact_type,
            gathering_id=fact["gathering_id"],
            participant_id=fact.get("participant_id"),
            fact=kept,
            heard_at=now,
        )
    )


def _catch_up(
    session: Session, gathering: Gathering, now: datetime, *, participant_id: UUID | None = None
) -> None:
    for early in people.early_facts(session, gathering_id=gathering.id, participant_id=participant_id):
        about = FACTS[early.type]
        fact: Fact = dict(about.reads().load(early.fact["data"]))
        fact["_event_id"] = early.event_id
        fact["_happened_at"] = datetime.fromisoformat(early.fact["happened_at"])
        fact["_trace"] = early.fact["trace"]
        ours, session.info["trace"] = session.info.get("trace"), fact["_trace"]
        hear(session, early.type, fact, now)
        session.info["trace"] = ours
