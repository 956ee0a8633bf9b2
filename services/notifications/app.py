"""Notifications, put together."""

from __future__ import annotations

from pathlib import Path

from flask import Flask

from services.chassis.db import Database
from services.chassis.service import Service
from services.chassis.settings import Settings
from services.chassis.web import new_api, new_app
from services.notifications import api, web
from services.notifications.models import Base
from services.notifications.tasks import DOUBT, FIND, POST, inbox


def create_app(service: Service, database: Database, settings: Settings) -> Flask:
    app = new_app(service, database, settings)
    for pages in web.PAGES:
        app.register_blueprint(pages)
    new_api(app).register_blueprint(api.letters)
    return app


service = Service(
    name="notifications",
    metadata=Base.metadata,
    inbox=inbox,
    events=(),
    create_app=create_app,
    folder=Path(__file__).parent,
    chores=(DOUBT,),
    sweeps=(FIND,),
    tasks=(POST,),
)
