"""Notifications, put together."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from services.chassis.db import Database
from services.chassis.service import Service
from services.chassis.settings import Settings, WrongSetting
from services.notifications import deliveries, health, signatures, tasks
from services.notifications.events import EVENTS
from services.notifications.lines import Server
from services.notifications.models import Base
from services.notifications.signatures import UnusableKey

if TYPE_CHECKING:
    from flask import Flask


def create_app(service: Service, database: Database, settings: Settings) -> Flask:
    # Here, because only a web has pages and their libraries in its memory.
    from services.chassis import dead_pages  # noqa: PLC0415
    from services.chassis.web import new_app, open_doors  # noqa: PLC0415
    from services.notifications import api, web  # noqa: PLC0415

    _check(settings)
    app = new_app(service, database, settings)
    for pages in web.PAGES:
        app.register_blueprint(pages)
    open_doors(app, *api.DOORS)
    dead_pages.install(app, service)
    return app


def _check(settings: Settings) -> None:
    """A server that cannot be understood and a key that cannot sign are said at start, not at the first letter."""
    try:
        if settings.smtp_url != "held:":
            Server.all_at(settings.smtp_url)
    except (KeyError, ValueError):
        raise WrongSetting(
            "PALABRE_SMTP_URL cannot be read: a port or a rate (?rate=10, 600/min, 2000/h) is wrong."
        ) from None
    try:
        signatures.keys(settings.dkim, settings.sender)
    except UnusableKey as wrong:
        raise WrongSetting(f"PALABRE_DKIM: {wrong}") from None


service = Service(
    name="notifications",
    metadata=Base.metadata,
    inbox=tasks.inbox,
    events=EVENTS,
    create_app=create_app,
    folder=Path(__file__).parent,
    chores=(tasks.DOUBT, tasks.SET_RIGHT, tasks.REMIND, tasks.PACKS, tasks.DIGEST, tasks.FORGET),
    sweeps=(tasks.FIND, tasks.FIND_RETURNS, tasks.FIND_DOMAIN),
    tasks=(tasks.POST, tasks.LOOK, tasks.LOOK_UP),
    restored=(deliveries.after_restore,),
    measures=(health.measures,),
)
