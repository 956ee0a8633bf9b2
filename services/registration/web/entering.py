"""Coming in and going out."""

from __future__ import annotations

from flask import Blueprint, jsonify, make_response, request
from flask import session as browsers
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from services.chassis import auth, i18n
from services.chassis.catalogues import N_
from services.chassis.doorkeeper import CODES, KEYS, SIGN_INS, counted, guard
from services.chassis.i18n import gettext as _
from services.chassis.pages import Form, render, tell
from services.chassis.web import now, reading, settings, transacted
from services.registration import passkeys, sign_ins
from services.registration.models import Organiser
from services.registration.passkeys import Site
from services.registration.schemas.sign_ins import Code, PasskeyAnswer, SignInRequest
from services.registration.web import provider
from services.registration.web.doors import attempt, links, see_other, site

STAYS_S = 12 * 3600

web = Blueprint("entering", __name__)
guard(web)


@web.get("/entrer")
def door() -> ResponseReturnValue:
    return door_page(Form())


@web.post("/entrer")
@counted(SIGN_INS)
@transacted
def knock(session: Session) -> ResponseReturnValue:
    def deed(email: str) -> ResponseReturnValue:
        sign_ins.ask(session, email=email, language=i18n.language(), links=links(), now=now())
        return render("registration/door_sent.html", form=Form(), email=email, onward=onward())

    def again(form: Form) -> str:
        return door_page(form)

    return attempt(Form(request.form), SignInRequest, deed, again)


@web.post("/entrer/code")
@counted(CODES)
@transacted
def enter_by_code(session: Session) -> ResponseReturnValue:
    form = Form(request.form)

    def deed(email: str, code: str) -> ResponseReturnValue:
        organiser = sign_ins.use_code(session, email=email, code=code, links=links(), now=now())
        if organiser is not None:
            return come_in(organiser, onward())
        # Answered as done, so that the number of tries is kept.
        form.errors["code"] = [_(_WRONG_CODE)]
        return render("registration/door_sent.html", form=form, email=email, onward=onward())

    def again(form: Form) -> str:
        return render("registration/door_sent.html", form=form, email=form.value("email"), onward=onward())

    return attempt(form, Code, deed, again)


@web.post("/entrer/cle/defi")
@counted(KEYS)
@transacted
def challenge(session: Session) -> ResponseReturnValue:
    """What a script needs to look for a passkey in this browser."""
    return jsonify(passkeys.ask(session, site(), now=now()))


@web.post("/entrer/cle")
@counted(KEYS)
@transacted
def enter_by_passkey(session: Session) -> ResponseReturnValue:
    form = Form(request.form)

    def deed(credential: str) -> ResponseReturnValue:
        try:
            return come_in(passkeys.use(session, credential, site(), now=now()), onward())
        except passkeys.PasskeyRefused as refusal:
            # Answered as done, so that the challenge stays spent.
            return door_page(form.refuse(refusal))

    return attempt(form, PasskeyAnswer, deed, door_page)


@web.get("/entrer/<token>")
@reading
def before_thedoor_page(session: Session, token: str) -> ResponseReturnValue:
    is_open = sign_ins.is_open(session, token, now=now())
    return render("registration/door_link.html", is_open=is_open, onward=onward()), 200 if is_open else 410


@web.post("/entrer/<token>")
@transacted
def enter(session: Session, token: str) -> ResponseReturnValue:
    return come_in(sign_ins.use(session, token, now=now()), onward())


@web.get("/sortir")
def before_leaving() -> ResponseReturnValue:
    return render("registration/leave.html")


@web.post("/sortir")
def leave() -> ResponseReturnValue:
    response = make_response(see_other("/"))
    auth.sign_out(response)
    browsers.clear()
    tell(_("You have left. See you soon!"))
    return response


_WRONG_CODE = N_("This code is not right, or it is too old. Ask for a new letter after five tries.")


def door_page(form: Form) -> str:
    """The door with everything that opens it, and what went wrong in `form`."""
    return render(
        "registration/door.html",
        form=form,
        onward=onward(),
        site=Site.of(settings()),
        provider=provider.name(settings()),
    )


def come_in(organiser: Organiser, towards: str) -> ResponseReturnValue:
    """The answer that lets somebody in, and leads them to where they were going; "" is their own first page."""
    who = auth.Actor("organiser", organiser.id, organiser.email, organiser.name or None)
    # Forms of before are no longer ours: somebody else may have been here, or have put a session into this browser.
    browsers.clear()
    response = make_response(see_other(towards or "/"))
    auth.sign_in(response, auth.issue(settings(), who, STAYS_S, now=now()))
    return response


def onward() -> str:
    """Where the person was going: a page of this house, never another site."""
    wanted = request.values.get("suite", "")
    is_ours = wanted.startswith("/") and not wanted.startswith("//") and "\\" not in wanted
    return wanted if is_ours and wanted.isprintable() else ""
