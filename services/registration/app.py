"""Registration, assembled."""

from __future__ import annotations

from pathlib import Path

from flask import Flask

from services.chassis import dead_pages
from services.chassis.db import Database
from services.chassis.service import Service
from services.chassis.settings import Settings
from services.chassis.web import new_app, open_doors
from services.registration import telling
from services.registration.api import desk as desk_api
from services.registration.api import gatherings as gatherings_api
from services.registration.api import imports as imports_api
from services.registration.api import questions as questions_api
from services.registration.api import registrations as registrations_api
from services.registration.api import sign_ins as sign_ins_api
from services.registration.api import stories as stories_api
from services.registration.events import EVENTS
from services.registration.models import Base
from services.registration.tasks import CHORES, inbox
from services.registration.web import (
    account,
    arrivals,
    asked,
    asking,
    describing,
    entering,
    exports,
    figures,
    kit,
    lists,
    mine,
    offers,
    overview,
    portal,
    public,
)

APIS = (gatherings_api, questions_api, registrations_api, imports_api, desk_api, stories_api, sign_ins_api)
PAGES = (
    portal,
    entering,
    account,
    public,
    mine,
    describing,
    asking,
    overview,
    exports,
    kit,
    lists,
    offers,
    arrivals,
)


def create_app(service: Service, database: Database, settings: Settings) -> Flask:
    app = new_app(service, database, settings)
    open_doors(app, *(door.api for door in APIS))
    figures.install(app)
    asked.install(app)
    public.install(app)
    for page in PAGES:
        app.register_blueprint(page.web)
    app.register_blueprint(arrivals.worker)
    dead_pages.install(app, service)
    return app


service = Service(
    name="registration",
    metadata=Base.metadata,
    inbox=inbox,
    events=EVENTS,
    create_app=create_app,
    folder=Path(__file__).parent,
    chores=CHORES,
    remind=telling.remind,
)
