"""What registration does by the clock, and when it hears of something."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from marshmallow import fields
from sqlalchemy.orm import Session

from services.chassis.inbox import Heard, Inbox
from services.chassis.service import Chore
from services.chassis.settings import Settings
from services.registration import challenges, disclosures, erasures, invitations, questions, waiting_list
from services.registration.links import Links

inbox = Inbox("registration")


class Forgotten(Heard):
    participant_id = fields.UUID(required=True)
    gone = fields.Dict(keys=fields.String(), values=fields.Integer(), load_default=dict)


def _confirm(service: str) -> None:
    @inbox.on(f"{service}.person_erased.v1", reads=Forgotten)
    def confirm(session: Session, fact: dict[str, Any], now: datetime) -> None:
        erasures.confirm(session, fact["participant_id"], service, gone=fact["gone"], now=now)


class Told(Heard):
    participant_id = fields.UUID(required=True)
    holdings = fields.List(fields.Dict(), required=True)


def _keep(service: str) -> None:
    @inbox.on(f"{service}.person_disclosed.v1", reads=Told)
    def keep(session: Session, fact: dict[str, Any], now: datetime) -> None:
        disclosures.keep(session, fact["participant_id"], service, fact["holdings"], now=now)


for _service in erasures.SERVICES[1:]:
    _confirm(_service)
    _keep(_service)


def expire(session: Session, now: datetime) -> int:
    """Free the seats nobody confirmed or answered for in time."""
    chosen: Settings = session.info["settings"]
    return waiting_list.expire(session, links=Links.of(chosen), now=now)


def invite(session: Session, now: datetime) -> int:
    """Go on with the long lists that somebody wants applied."""
    chosen: Settings = session.info["settings"]
    return invitations.go_on(session, links=Links.of(chosen), now=now)


CHORES = (
    Chore("expire", 20, expire),
    Chore("invite", 1, invite),
    Chore("forget answers", 3600, questions.forget),
    Chore("end keeping", 30, erasures.end_keeping),
    Chore("blot", 60, erasures.blot),
    Chore("forget challenges", 300, challenges.forget),
    Chore("forget copies", 3600, disclosures.forget),
)
