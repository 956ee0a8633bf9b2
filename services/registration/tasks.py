"""What registration does by the clock."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from services.chassis.service import Chore
from services.chassis.settings import Settings
from services.registration import invitations, questions, waiting_list
from services.registration.links import Links


def expire(session: Session, now: datetime) -> int:
    """Free the seats nobody confirmed or answered for in time."""
    chosen: Settings = session.info["settings"]
    return waiting_list.expire(session, links=Links(chosen.public_url, chosen.secret_key), now=now)


def invite(session: Session, now: datetime) -> int:
    """Go on with the long lists that somebody wants applied."""
    chosen: Settings = session.info["settings"]
    return invitations.go_on(session, links=Links(chosen.public_url, chosen.secret_key), now=now)


CHORES = (
    Chore("expire", 20, expire),
    Chore("invite", 1, invite),
    Chore("forget answers", 3600, questions.forget),
)
