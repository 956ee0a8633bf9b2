"""The addresses that letters come back from: who, why, since when, and how they are written to again."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, redirect, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as Answer

from services.chassis.auth import actor
from services.chassis.i18n import gettext as _
from services.chassis.pages import Form, render, tell
from services.chassis.web import now, reading, settings, transacted
from services.notifications import refusals, returns
from services.notifications import suppressions as use
from services.notifications.models import Gathering
from services.notifications.web.around import around, ours

suppressions = Blueprint("suppressions", __name__)


@suppressions.get("/c/<slug>/adresses")
@reading
def listed(session: Session, slug: str) -> str:
    return _page(session, ours(session, slug))


@suppressions.post("/c/<slug>/adresses/<uuid:suppression_id>")
@transacted
def release(session: Session, slug: str, suppression_id: UUID) -> Answer | tuple[str, int]:
    gathering, form = ours(session, slug), Form(request.form)
    by = actor().id or UUID(int=0)
    why = str(request.form.get("why", ""))[:500]
    try:
        taken = use.release(session, gathering.id, suppression_id, why=why, by=by, now=now())
    except use.NoReason as refusal:
        form.refuse(refusal)
        return _page(session, gathering, wrong={suppression_id: form}), 422
    tell(
        _("%(email)s is written to again. What was held back can be sent from each letter.", email=taken.email)
    )
    return redirect(url_for(".listed", slug=slug), 303)


def _page(session: Session, gathering: Gathering, *, wrong: dict[UUID, Form] | None = None) -> str:
    rows = use.listed(session, gathering.id)
    return render(
        "notifications/suppressions.html",
        held=[row for row in rows if row[0].released_at is None],
        released=[row for row in rows if row[0].released_at is not None],
        forms={row.id: Form({}) for row, _letter in rows} | (wrong or {}),
        refused=refusals.listed(session, gathering.id),
        is_read=bool(settings().bounces or settings().returns_key),
        trouble=returns.trouble(session, settings().bounces),
        **around(session, gathering),
    )
