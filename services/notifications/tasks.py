"""What notifications does when it hears of something, and the work that waits in its tables."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from services.chassis import roles
from services.chassis.inbox import Inbox
from services.chassis.service import Chore, Sweep, Task
from services.notifications import (
    announcements,
    deliveries,
    digests,
    disclosures,
    domains,
    erasures,
    packs,
    people,
    posting,
    reminders,
    returns,
    schemas,
)
from services.notifications.models import Gathering, Invitee, Person, Placement, Plan

inbox = Inbox("notifications")
roles.hear(inbox)
inbox.mirror("registration", Gathering, by="id", own=("night_from", "night_to"))
inbox.mirror("registration", Invitee, by="id", own=("answered_at",), settle=people.settle_answers)
inbox.mirror("registration", Person, by="id", own=("calendar",), settle=people.settle_answers)
inbox.mirror("registration", Plan, by="topic_id")
inbox.mirror("grouping", Placement, by="placement_id")


def recall_gathering(session: Session, fact: dict[str, Any], now: datetime) -> None:
    people.remember_gathering(session, fact)


@inbox.on("registration.gathering_described.v1", reads=schemas.GatheringDescribed, replays=recall_gathering)
def remember_gathering(session: Session, fact: dict[str, Any], now: datetime) -> None:
    announcements.describe_gathering(session, fact, now)


@inbox.on("registration.sign_in_asked.v1", reads=schemas.SignInAsked)
def write_sign_in_link(session: Session, fact: dict[str, Any], now: datetime) -> None:
    announcements.ask_to_sign_in(session, fact, now)


@inbox.on("registration.passkey_added.v1", reads=schemas.PasskeyAdded)
def write_of_passkey(session: Session, fact: dict[str, Any], now: datetime) -> None:
    announcements.tell_of_passkey(session, fact, now)


@inbox.on("registration.identity_bound.v1", reads=schemas.IdentityBound)
def write_of_identity(session: Session, fact: dict[str, Any], now: datetime) -> None:
    announcements.tell_of_identity(session, fact, now)


def _announces(fact_type: str) -> Callable[[Session, dict[str, Any], datetime], None]:
    def announce(session: Session, fact: dict[str, Any], now: datetime) -> None:
        announcements.hear(session, fact_type, fact, now)

    return announce


def _recalls(remember: announcements.Remember) -> Callable[[Session, dict[str, Any], datetime], None]:
    def recall(session: Session, fact: dict[str, Any], now: datetime) -> None:
        announcements.recall(session, remember, fact)

    return recall


for _type, _about in announcements.FACTS.items():
    _again = _recalls(_about.remember) if _about.remember is not None else False
    inbox.on(_type, reads=_about.reads, replays=_again)(_announces(_type))


@inbox.on("registration.disclosure_asked.v1", reads=schemas.DisclosureAsked)
def tell_person(session: Session, fact: dict[str, Any], now: datetime) -> None:
    disclosures.tell(session, fact["participant_id"], fact["gathering_id"], now=now)


@inbox.on("registration.plan_kept.v1", reads=schemas.PlanKept, replays=True)
def remember_plan(session: Session, fact: dict[str, Any], now: datetime) -> None:
    people.remember_plan(session, fact)


def recall_erasure(session: Session, fact: dict[str, Any], now: datetime) -> None:
    erasures.forget(session, fact["participant_id"])


@inbox.on("registration.participant_erased.v1", reads=schemas.ParticipantErased, replays=recall_erasure)
def forget_person(session: Session, fact: dict[str, Any], now: datetime) -> None:
    erasures.erase(session, fact["participant_id"], fact["gathering_id"], reason=fact["reason"], now=now)


POST = Task("post", "notifications.mail", posting.post)
FIND = Sweep("find_letters", 1, deliveries.find, "post")
LOOK = Task("read_returns", "notifications.mail", returns.look)
FIND_RETURNS = Sweep("find_returns", 30, returns.find, "read_returns", by_clock=True)
LOOK_UP = Task("look_up_domain", "notifications.mail", domains.look)
FIND_DOMAIN = Sweep("find_domain", 30, domains.find, "look_up_domain", by_clock=True)
REMIND = Chore("write_reminders", 5, reminders.write_due)
PACKS = Chore("write_packs", 5, packs.write_due)
DIGEST = Chore("write_digests", 30, digests.write_due)
DOUBT = Chore("doubt_letters", 20, deliveries.doubt)
FORGET = Chore("finish_erasures", 2, erasures.finish)
SET_RIGHT = Chore("set_letters_right", 10, deliveries.set_right)
