"""A toy that takes its time, on the commands of any service: python -m tests.slow serve | work.

It touches the file that SLOW_BEGAN names when it has begun a request or a fact.
"""

from __future__ import annotations

import os
import time
from datetime import datetime
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import insert
from sqlalchemy.orm import Session

from services.chassis.cli import main
from services.chassis.db import Database
from services.chassis.inbox import Inbox
from services.chassis.service import Service
from services.chassis.settings import Settings
from services.chassis.web import new_app
from tests.toys import HEARING, Wish, Wished, effects

TAKES_S = 1.5

_inbox = Inbox("grouping")


def _take_time() -> None:
    Path(os.environ["SLOW_BEGAN"]).touch()
    time.sleep(TAKES_S)


@_inbox.on(Wished.type, reads=Wish)
def note(session: Session, wish: dict[str, Any], now: datetime) -> None:
    _take_time()
    session.execute(insert(effects).values(person=wish["participant_id"], number=wish["number"], lag_s=0.0))


def _app(service: Service, database: Database, chosen: Settings) -> Flask:
    app = new_app(service, database, chosen)

    def slow() -> str:
        _take_time()
        return "done"

    app.add_url_rule("/slow", "slow", slow)
    return app


if __name__ == "__main__":
    main(Service("grouping", HEARING, _inbox, (), _app, Path(__file__).parent))
