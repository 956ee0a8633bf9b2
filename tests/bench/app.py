"""Registration's web alone, for gunicorn."""

from __future__ import annotations

from flask import Flask

from services.chassis import settings, telemetry
from services.chassis.opening import open_database
from services.registration.app import service


def app() -> Flask:
    chosen = settings.read()
    telemetry.configure(chosen, service.name, "web")
    return service.create_app(service, open_database(service.name, chosen), chosen)
