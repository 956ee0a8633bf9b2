"""An organiser's own account: the passkeys that open the door for them."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from services.chassis import i18n
from services.chassis.i18n import gettext as _
from services.chassis.pages import Form, render, tell
from services.chassis.web import now, reading, settings, transacted
from services.registration import identities, passkeys
from services.registration.models import Organiser
from services.registration.passkeys import Site
from services.registration.schemas.sign_ins import NewPasskey
from services.registration.web import provider
from services.registration.web.doors import attempt, see_other, signed_in, site

web = Blueprint("account", __name__, url_prefix="/compte")

# Where nobody's gathering says which zone it is.
ZONE = "Europe/Paris"


@web.get("")
@reading
def show(session: Session) -> ResponseReturnValue:
    return _page(session, signed_in(session), Form())


@web.post("/cles/defi")
@transacted
def challenge(session: Session) -> ResponseReturnValue:
    """What a script needs to make a passkey in this browser."""
    return jsonify(passkeys.offer(session, signed_in(session), site(), now=now()))


@web.post("/cles")
@transacted
def add(session: Session) -> ResponseReturnValue:
    me, form = signed_in(session), Form(request.form)

    def deed(credential: str, name: str) -> ResponseReturnValue:
        called = name or _("Passkey of %(day)s", day=i18n.day(now(), ZONE, weekday=False))
        link = f"{settings().public_url}/compte"
        try:
            passkeys.add(
                session, me, credential, site(), name=called, language=i18n.language(), link=link, now=now()
            )
        except (passkeys.PasskeyRefused, passkeys.TooManyPasskeys) as refusal:
            # Answered as done, so that the challenge stays spent.
            return _page(session, me, form.refuse(refusal))
        tell(_("“%(name)s” opens the door from now on. We wrote to you about it.", name=called))
        return see_other("/compte")

    return attempt(form, NewPasskey, deed, lambda again: _page(session, me, again))


@web.get("/cles/<uuid:passkey_id>/retirer")
@reading
def before_removing(session: Session, passkey_id: UUID) -> ResponseReturnValue:
    passkey = passkeys.get(session, signed_in(session).id, passkey_id)
    return render("registration/passkey_remove.html", passkey=passkey)


@web.post("/cles/<uuid:passkey_id>/retirer")
@transacted
def remove(session: Session, passkey_id: UUID) -> ResponseReturnValue:
    passkey = passkeys.remove(session, signed_in(session).id, passkey_id, now=now())
    tell(_("“%(name)s” opens nothing any more.", name=passkey.name))
    return see_other("/compte")


def _page(session: Session, me: Organiser, form: Form) -> str:
    return render(
        "registration/account.html",
        me=me,
        form=form,
        site=Site.of(settings()),
        passkeys=passkeys.of_organiser(session, me.id),
        identities=identities.of_organiser(session, me.id),
        provider=provider.name(settings()),
        zone=ZONE,
    )
