"""Who runs the platform: the organisers whose addresses PALABRE_OPERATORS names; with nobody named, nobody."""

from __future__ import annotations

from flask import current_app, request

from services.chassis import auth
from services.chassis.errors import Forbidden, SignInNeeded
from services.chassis.settings import Settings


def signed_in() -> auth.Actor:
    """The operator who asks. Raises SignInNeeded, Forbidden."""
    settings: Settings = current_app.extensions["settings"]
    who = auth.actor()
    if who.kind != "organiser":
        raise SignInNeeded("Sign in to open this page.")
    if (who.email or "").strip().lower() not in settings.operators:
        raise Forbidden(
            "This page is for those who run the platform: the setting PALABRE_OPERATORS names them."
        )
    return who


def let_in_machines_too() -> None:
    """Let in a machine that stands beside us, or an operator. Raises SignInNeeded, Forbidden.

    In production only the gateway is reached from outside, and it says for whom it asks: who asks without that stands
    inside. On one machine everybody asks us directly.
    """
    settings: Settings = current_app.extensions["settings"]
    if settings.mode != "production" or "X-Forwarded-For" in request.headers:
        signed_in()
