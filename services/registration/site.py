"""Registration's doors for people and programs, put together; only a web has them in its memory."""

from __future__ import annotations

from flask import Flask

from services.chassis import dead_pages
from services.chassis.db import Database
from services.chassis.service import Service
from services.chassis.settings import Settings
from services.chassis.web import new_app, open_doors
from services.registration.api import desk as desk_api
from services.registration.api import gatherings as gatherings_api
from services.registration.api import imports as imports_api
from services.registration.api import questions as questions_api
from services.registration.api import registrations as registrations_api
from services.registration.api import sign_ins as sign_ins_api
from services.registration.api import stories as stories_api
from services.registration.web import (
    account,
    arrivals,
    asked,
    asking,
    describing,
    elsewhere,
    entering,
    exports,
    figures,
    kit,
    lists,
    mine,
    offers,
    overview,
    portal,
    provider,
    public,
)

APIS = (gatherings_api, questions_api, registrations_api, imports_api, desk_api, stories_api, sign_ins_api)
PAGES = (
    portal,
    entering,
    elsewhere,
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


def build(service: Service, database: Database, settings: Settings) -> Flask:
    """The app of pages and API."""
    app = new_app(service, database, settings)
    open_doors(app, *(door.api for door in APIS))
    figures.install(app)
    asked.install(app)
    provider.install(app, settings)
    public.install(app)
    for page in PAGES:
        app.register_blueprint(page.web)
    app.register_blueprint(arrivals.worker)
    dead_pages.install(app, service)
    return app
