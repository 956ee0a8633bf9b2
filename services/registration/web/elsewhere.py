"""Coming in with an account elsewhere. The provider sends people back with a GET, which changes nothing here: a page of
ours posts what it said."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, redirect, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from services.chassis import i18n
from services.chassis.doorkeeper import KEYS, counted, guard
from services.chassis.i18n import gettext as _
from services.chassis.pages import Form, render, tell
from services.chassis.web import now, reading, settings, transacted
from services.registration import identities
from services.registration.identities import IdentityRefused, Letter, Told
from services.registration.web import provider
from services.registration.web.doors import see_other, signed_in
from services.registration.web.entering import come_in, door_page, onward

web = Blueprint("elsewhere", __name__)
guard(web)


@web.get("/entrer/ailleurs")
@counted(KEYS)
def leave() -> ResponseReturnValue:
    """To the provider, which sends back whoever it knows."""
    try:
        return redirect(provider.way(_back(), onward=onward()), 303)
    except IdentityRefused as refusal:
        return door_page(Form().refuse(refusal)), int(refusal.status)


@web.get("/compte/ailleurs")
@counted(KEYS)
@reading
def leave_to_bind(session: Session) -> ResponseReturnValue:
    """To the provider, for an organiser who is in and wants to come in from there too."""
    me = str(signed_in(session).id)
    try:
        return redirect(provider.way(_back(), organiser=me), 303)
    except IdentityRefused as refusal:
        tell(_(refusal.message, **refusal.members))
        return see_other("/compte")


@web.get("/entrer/ailleurs/retour")
def back() -> ResponseReturnValue:
    """Back from the provider: one press brings in who was sent, and where scripts run none."""
    form = Form()
    try:
        begun = provider.begun(request.args.get("state", ""))
    except IdentityRefused as refusal:
        return door_page(form.refuse(refusal)), int(refusal.status)
    if "code" not in request.args:
        said_no = IdentityRefused(
            "%(provider)s did not let you in. Try again, or come in by e-mail.",
            provider=provider.name(settings()),
        )
        return door_page(form.refuse(said_no)), int(said_no.status)
    return render(
        "registration/elsewhere_back.html",
        code=request.args["code"],
        state=request.args["state"],
        binds="organiser" in begun,
        provider=provider.name(settings()),
    )


@web.post("/entrer/ailleurs/retour")
@counted(KEYS)
@transacted
def enter(session: Session) -> ResponseReturnValue:
    letter = Letter(f"{settings().public_url}/compte", i18n.language())
    try:
        begun = provider.begun(request.form.get("state", ""))
        # Asked before anything is read, so that no row and no connection waits for another house.
        told = provider.told()
        if "organiser" in begun:
            return _bind(session, begun["organiser"], told, letter)
        return come_in(identities.use(session, told, letter, now=now()), begun["onward"])
    except IdentityRefused as refusal:
        return door_page(Form().refuse(refusal)), int(refusal.status)


@web.get("/compte/ailleurs/<uuid:identity_id>/retirer")
@reading
def before_removing(session: Session, identity_id: UUID) -> ResponseReturnValue:
    identity = identities.get(session, signed_in(session).id, identity_id)
    return render("registration/identity_remove.html", identity=identity)


@web.post("/compte/ailleurs/<uuid:identity_id>/retirer")
@transacted
def remove(session: Session, identity_id: UUID) -> ResponseReturnValue:
    identity = identities.remove(session, signed_in(session).id, identity_id, now=now())
    tell(_("Your account at %(provider)s opens nothing here any more.", provider=identity.provider))
    return see_other("/compte")


def _bind(session: Session, organiser_id: str, told: Told, letter: Letter) -> ResponseReturnValue:
    me = signed_in(session)
    if str(me.id) != organiser_id:
        raise IdentityRefused("This took too long, or it was begun in another browser. Try again.")
    moment = now()
    if identities.add(session, me, told, letter, now=moment).added_at < moment:
        tell(_("Your account at %(provider)s opens the door already.", provider=told.provider))
        return see_other("/compte")
    tell(
        _(
            "Your account at %(provider)s opens the door from now on. We wrote to you about it.",
            provider=told.provider,
        )
    )
    return see_other("/compte")


def _back() -> str:
    """Where the provider sends people; its operator wrote down the same address."""
    return f"{settings().public_url}/entrer/ailleurs/retour"
