"""Feedback, put together."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from services.chassis.db import Database
from services.chassis.service import Chore, Service
from services.chassis.settings import Settings
from services.feedback import attendances, questionnaires
from services.feedback.events import EVENTS
from services.feedback.models import Base
from services.feedback.tasks import inbox

if TYPE_CHECKING:
    from flask import Flask


def create_app(service: Service, database: Database, settings: Settings) -> Flask:
    # Here, because only a web has pages and their libraries in its memory.
    from services.chassis import dead_pages  # noqa: PLC0415
    from services.chassis.web import new_app, open_doors  # noqa: PLC0415
    from services.feedback import api, web  # noqa: PLC0415

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
