"""What notifications does when it hears of something, and the work that waits in its tables."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from services.chassis import auth
from services.chassis.inbox import Inbox
from services.chassis.service import Chore, Sweep, Task
from services.notifications import announcements, deliveries, posting, reminders, schemas

inbox = Inbox("notifications")
auth.hear_roles(inbox)


@inbox.on("registration.gathering_described.v1", reads=schemas.GatheringDescribed)
def remember_gathering(session: Session, fact: dict[str, Any], now: datetime) -> None:
    announcements.describe_gathering(session, fact, now)


@inbox.on("registration.sign_in_asked.v1", reads=schemas.SignInAsked)
def write_sign_in_link(session: Session, fact: dict[str, Any], now: datetime) -> None:
    announcements.ask_to_sign_in(session, fact, now)


def _announces(fact_type: str) -> Callable[[Session, dict[str, Any], datetime], None]:
    def announce(session: Session, fact: dict[str, Any], now: datetime) -> None:
        announcements.hear(session, fact_type, fact, now)

    return announce


for _type, _about in announcements.FACTS.items():
    inbox.on(_type, reads=_about.reads)(_announces(_type))

POST = Task("post", "notifications.mail", posting.post)
FIND = Sweep("find_letters", 1, deliveries.find, "post")
REMIND = Chore("write_reminders", 5, reminders.write_due)
DOUBT = Chore("doubt_letters", 20, deliveries.doubt)
