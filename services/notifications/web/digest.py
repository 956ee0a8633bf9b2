"""The organisers' digest: what it would say now, when it leaves and to whom, and one's own switch."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, Response, redirect, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as Answer

from services.chassis.auth import require
from services.chassis.i18n import gettext as _
from services.chassis.i18n import language
from services.chassis.pages import Form, render, tell
from services.chassis.web import now, reading, transacted
from services.notifications import digests, schemas
from services.notifications.web.around import around, ours
from services.notifications.web.letters import framed

digest = Blueprint("digest", __name__)


@digest.get("/c/<slug>/resume")
@reading
def page(session: Session, slug: str) -> str:
    gathering = ours(session, slug)
    who = require(session, gathering.id)
    readers = digests.readers(session, gathering.id)
    return render(
        "notifications/digest.html",
        written=digests.preview(session, gathering, language(), who.name or ""),
        readers=readers,
        mine=next((one for one in readers if one.organiser_id == who.id), None),
        next_at=digests.next_at(gathering, now()),
        **around(session, gathering),
    )


@digest.get("/c/<slug>/resume/html")
@reading
def html(session: Session, slug: str) -> Response:
    gathering = ours(session, slug)
    written = digests.preview(session, gathering, language(), require(session, gathering.id).name or "")
    return framed(written.html if written else "")


@digest.post("/c/<slug>/resume")
@transacted
def switch(session: Session, slug: str) -> Answer:
    gathering = ours(session, slug)
    who = require(session, gathering.id)
    is_on = Form(request.form).read(schemas.DigestSwitch)["is_on"]
    digests.switch(session, gathering.id, who.id or UUID(int=0), is_on=is_on)
    tell(_("The digest comes to you.") if is_on else _("The digest does not come to you any more."))
    return redirect(url_for(".page", slug=slug), 303)
