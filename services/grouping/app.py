"""The grouping service, put together."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from services.chassis.db import Database
from services.chassis.service import Service
from services.chassis.settings import Settings
from services.grouping import rounds
from services.grouping.events import EVENTS
from services.grouping.models import Base
from services.grouping.tasks import FIND, PROVE, inbox

if TYPE_CHECKING:
    from flask import Flask


def create_app(service: Service, database: Database, settings: Settings) -> Flask:
    # Here, because only a web has pages and their libraries in its memory.
    from services.chassis import dead_pages  # noqa: PLC0415
    from services.chassis.web import new_app, open_doors  # noqa: PLC0415
    from services.grouping import api, web  # noqa: PLC0415

    app = new_app(service, database, settings)
    open_doors(app, api.blueprint)
    app.register_blueprint(web.blueprint)
    dead_pages.install(app, service)
    return app


service = Service(
    name="grouping",
    metadata=Base.metadata,
    events=EVENTS,
    inbox=inbox,
    create_app=create_app,
    folder=Path(__file__).parent,
    sweeps=(FIND,),
    tasks=(PROVE,),
    measures=(rounds.measures,),
)
