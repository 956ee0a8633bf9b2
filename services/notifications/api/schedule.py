"""What leaves when, for programs."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from services.chassis.doors import Doors
from services.chassis.web import now, reading, transacted
from services.notifications import reminders, schemas
from services.notifications.api.around import ours
from services.notifications.models import Gathering, Reminder

schedule = Doors(
    "schedule_api", __name__, url_prefix="/api/notifications/gatherings/<uuid:gathering_id>/schedule"
)


@schedule.get("")
@reading
@schedule.response(200, schemas.ScheduleView)
def planned(session: Session, gathering_id: UUID) -> dict[str, Any]:
    """What leaves when, in the order of time, and the night in which nothing does."""
    return _schedule(session, ours(session, gathering_id))


@schedule.patch("/<uuid:reminder_id>")
@schedule.arguments(schemas.ReminderChange)
@transacted
@schedule.response(200, schemas.ReminderView)
def change(session: Session, wanted: dict[str, Any], gathering_id: UUID, reminder_id: UUID) -> Reminder:
    """Move one line of the schedule, or switch it on or off."""
    gathering = ours(session, gathering_id)
    at = f"{wanted['at']:%H:%M}"
    return reminders.change(session, gathering, reminder_id, **{**wanted, "at": at}, now=now())


@schedule.put("/night")
@schedule.arguments(schemas.Night)
@transacted
@schedule.response(200, schemas.ScheduleView)
def change_night(session: Session, wanted: dict[str, Any], gathering_id: UUID) -> dict[str, Any]:
    """Say from when to when nobody is written to who did not ask for it."""
    gathering = ours(session, gathering_id)
    for name, at in wanted.items():
        setattr(gathering, name, f"{at:%H:%M}")
    return _schedule(session, gathering)


def _schedule(session: Session, gathering: Gathering) -> dict[str, Any]:
    return {
        "night_from": gathering.night_from,
        "night_to": gathering.night_to,
        "lines": reminders.listed(session, gathering.id),
    }
