"""The local mailbox: in held mode nothing leaves, and everything can be read here by whoever has the key."""

from __future__ import annotations

import secrets
from uuid import UUID

from flask import Blueprint, Response, jsonify, request
from sqlalchemy.orm import Session

from services.chassis.errors import NotFound
from services.chassis.pages import render
from services.chassis.web import reading, settings
from services.notifications import mailbox as kept
from services.notifications import posters
from services.notifications.doors import Doors
from services.notifications.web import words
from services.notifications.web.letters import framed
from services.notifications.writing.envelopes import UnusableAddress

mailbox = Blueprint("mailbox", __name__)

PAGE = 50


@mailbox.get("/boite/<key>")
@reading
def shelf(session: Session, key: str) -> str:
    _open(key)
    to = request.args.get("a", "").strip()
    page = max(1, request.args.get("page", 1, type=int))
    found = kept.newest(session, text=to, skip=(page - 1) * PAGE, limit=PAGE + 1)
    return render(
        "notifications/mailbox.html",
        key=key,
        to=to,
        page=page,
        letters=found[:PAGE],
        more=len(found) > PAGE,
        total=kept.total(session),
        kind_of=words.kind,
    )


@mailbox.get("/boite/<key>.json")
@reading
def pages(session: Session, key: str) -> Response:
    """The same for programs: oldest first, 200 at most; ask again with `after` = the last number."""
    _open(key)
    found = kept.after(
        session,
        request.args.get("after", 0, type=int),
        to=request.args.get("to", "").strip(),
        kind=request.args.get("kind", "").strip(),
        limit=min(500, max(1, request.args.get("limit", 200, type=int))),
    )
    return jsonify({"letters": [kept.told(letter) for letter in found]})


@mailbox.get("/boite/<key>/<int:number>")
@reading
def one(session: Session, key: str, number: int) -> str:
    _open(key)
    letter = kept.one(session, number)
    try:
        source = posters.seal(letter, settings().sender, doors=Doors.of(settings())).decode("utf-8", "replace")
    except UnusableAddress as trouble:
        source = words.reply(str(trouble))
    return render("notifications/kept.html", key=key, letter=letter, source=source, kind_of=words.kind)


@mailbox.get("/boite/<key>/<int:number>/html")
@reading
def html(session: Session, key: str, number: int) -> Response:
    _open(key)
    # Who reads here plays the person who received it: a click on its button leads where theirs would.
    page = kept.one(session, number).html.replace("<head>", '<head><base target="_top">', 1)
    return framed(page, may="allow-top-navigation-by-user-activation")


@mailbox.get("/boite/<key>/<int:number>.ics")
@reading
def calendar(session: Session, key: str, number: int) -> Response:
    _open(key)
    letter = kept.one(session, number)
    if letter.ics is None:
        raise NotFound("This letter has no calendar part.")
    answer = Response(letter.ics, mimetype="text/calendar")
    answer.headers["Content-Disposition"] = f'attachment; filename="{UUID(str(letter.id))}.ics"'
    return answer


def _open(key: str) -> None:
    """The door: held mode, and the right key. Anything else looks like no address at all."""
    ours = settings()
    is_held = ours.smtp_url == "held:" and bool(ours.mailbox_key)
    if not (is_held and secrets.compare_digest(key.encode(), ours.mailbox_key.encode())):
        raise NotFound("There is nothing at this address.")
