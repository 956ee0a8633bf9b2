"""The schedule of a gathering's letters: what leaves when, and the night in which nothing does."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, redirect, request, url_for
from marshmallow import ValidationError
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as Answer

from services.chassis.i18n import gettext as _
from services.chassis.pages import Form, render, tell
from services.chassis.web import now, reading, settings, transacted
from services.notifications import reminders, schemas
from services.notifications.models import Gathering
from services.notifications.web.around import around, ours

schedule = Blueprint("schedule", __name__)


@schedule.get("/c/<slug>/calendrier")
@reading
def lines(session: Session, slug: str) -> str:
    return _page(session, ours(session, slug))


@schedule.post("/c/<slug>/calendrier/<uuid:reminder_id>")
@transacted
def change(session: Session, slug: str, reminder_id: UUID) -> Answer | tuple[str, int]:
    gathering, form = ours(session, slug), Form(request.form)
    try:
        wanted = form.read(schemas.ReminderForm)
    except ValidationError as error:
        return _page(session, gathering, wrong={reminder_id: form.refuse(error)}), 422
    days = -wanted["count"] if wanted["side"] == "before" else wanted["count"]
    at = f"{wanted['at']:%H:%M}"
    reminders.change(session, gathering, reminder_id, days=days, at=at, is_on=wanted["is_on"], now=now())
    tell(_("The schedule is changed."))
    return redirect(url_for(".lines", slug=slug), 303)


@schedule.post("/c/<slug>/nuit")
@transacted
def change_night(session: Session, slug: str) -> Answer | tuple[str, int]:
    gathering, form = ours(session, slug), Form(request.form)
    try:
        wanted = form.read(schemas.Night)
    except ValidationError as error:
        return _page(session, gathering, night=form.refuse(error)), 422
    gathering.night_from, gathering.night_to = (f"{wanted[name]:%H:%M}" for name in ("night_from", "night_to"))
    tell(_("The hours are changed; letters that wait already leave when they were to leave."))
    return redirect(url_for(".lines", slug=slug), 303)


def _page(
    session: Session, gathering: Gathering, *, wrong: dict[UUID, Form] | None = None, night: Form | None = None
) -> str:
    planned = reminders.listed(session, gathering.id)
    forms = {row.id: Form(_given(row.days, row.at, row.is_on)) for row in planned} | (wrong or {})
    return render(
        "notifications/schedule.html",
        planned=planned,
        forms=forms,
        night=night or Form({"night_from": gathering.night_from, "night_to": gathering.night_to}),
        is_held=settings().smtp_url == "held:",
        is_missed=reminders.is_missed,
        **around(session, gathering),
    )


def _given(days: int, at: str, is_on: bool) -> dict[str, object]:
    given: dict[str, object] = {"count": abs(days), "side": "after" if days > 0 else "before", "at": at}
    return {**given, "is_on": "true"} if is_on else given
