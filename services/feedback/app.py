"""Feedback, put together."""

from __future__ import annotations

from pathlib import Path

from flask import Flask

from services.chassis import dead_pages
from services.chassis.db import Database
from services.chassis.service import Chore, Service
from services.chassis.settings import Settings
from services.chassis.web import new_app, open_doors
from services.feedback import api, attendances, questionnaires, web
from services.feedback.events import EVENTS
from services.feedback.models import Base
from services.feedback.tasks import inbox


def create_app(service: Service, database: Database, settings: Settings) -> Flask:
    app = new_app(service, database, settings)
    for pages in web.PAGES:
        app.register_blueprint(pages)
    open_doors(app, api.feedback)
    dead_pages.install(app, service)
    return app


service = Service(
    name="feedback",
    metadata=Base.metadata,
    inbox=inbox,
    events=EVENTS,
    create_app=create_app,
    folder=Path(__file__).parent,
    chores=(Chore("forget", 3600, attendances.forget), Chore("blot", 30, questionnaires.blot)),
)
