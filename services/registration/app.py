"""Registration, assembled."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from services.chassis.db import Database
from services.chassis.service import Service
from services.chassis.settings import Settings
from services.registration import telling
from services.registration.events import EVENTS
from services.registration.models import Base
from services.registration.tasks import CHORES, inbox

if TYPE_CHECKING:
    from flask import Flask


def create_app(service: Service, database: Database, settings: Settings) -> Flask:
    # Here, because only a web has pages and their libraries in its memory.
    from services.registration import site  # noqa: PLC0415

    return site.build(service, database, settings)


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
