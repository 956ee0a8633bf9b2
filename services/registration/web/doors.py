"""What every page needs: who may look, where letters point, and a form that comes back with its answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from flask import redirect
from flask.typing import ResponseReturnValue
from marshmallow import Schema, ValidationError
from sqlalchemy.orm import Session

from services.chassis import auth
from services.chassis.errors import Misshapen, NotFound, Refused, SignInNeeded
from services.chassis.pages import Form
from services.chassis.web import settings
from services.registration import gatherings, sign_ins
from services.registration.links import Links
from services.registration.models import Gathering, Organiser
from services.registration.passkeys import Site

CHANGES = frozenset({"owner", "organiser"})
DESK = ("owner", "organiser", "desk")


def links() -> Links:
    return Links.of(settings())


def site() -> Site:
    """Where passkeys belong to. Raises NotFound where there are none."""
    found = Site.of(settings())
    if found is None:
        raise NotFound("Passkeys need https and a name instead of a number; this platform has none here.")
    return found


def guarded(session: Session, slug: str, *roles: str) -> tuple[Gathering, UUID]:
    """The gathering at this address and the organiser who asks. Raises NotFound, SignInNeeded, Forbidden."""
    gathering = gatherings.by_slug(session, slug)
    by = auth.require(session, gathering.id, *roles).id
    if by is None:
        raise SignInNeeded("Sign in to open this page.")
    return gathering, by


def signed_in(session: Session) -> Organiser:
    """The organiser who asks. Raises SignInNeeded."""
    who = auth.actor()
    found = sign_ins.organiser(session, who.id) if who.kind == "organiser" and who.id else None
    if found is None:
        raise SignInNeeded("Sign in to open this page.")
    return found


def see_other(address: str) -> ResponseReturnValue:
    """After a POST: the page to look at next."""
    return redirect(address, 303)


def attempt(
    form: Form,
    shape: type[Schema],
    deed: Callable[..., ResponseReturnValue],
    again: Callable[[Form], str],
    *,
    beside: tuple[type[Refused], ...] = (),
    **known: Any,
) -> ResponseReturnValue:
    """Do `deed` with the form's answers; when they cannot be, show the form `again` with everything that was
    typed.

    Refusals of the kinds in `beside` are said on the form too; all others have a page of their own.
    """
    try:
        return deed(**{**form.read(shape), **known})
    except (ValidationError, Misshapen) as error:
        return again(form.refuse(error)), 422
    except beside as refusal:
        return again(form.refuse(refusal)), int(refusal.status)
