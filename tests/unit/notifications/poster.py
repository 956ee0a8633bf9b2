"""A poster as a process of its own, to be killed: posts what is due until nothing waits.

python -m tests.unit.notifications.poster DATABASE_URL SMTP_URL FOLDER
"""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import func, select

from services.chassis import telemetry
from services.chassis.db import Database
from services.chassis.settings import Settings
from services.notifications import deliveries, posting
from services.notifications.models import Letter


def main(database_url: str, smtp_url: str, data: str) -> None:
    database = Database(database_url, "notifications")
    settings = Settings(mode="test", smtp_url=smtp_url, sender="palabre@passerelles.example", data=Path(data))
    telemetry.configure(
        settings, "notifications", "worker"
    )  # a line is written for each letter, as it is in life
    while True:
        with database.transaction(settings=settings) as session:
            batches = deliveries.find(session, datetime.now(UTC))
        for (batch,) in batches:
            posting.post(database, settings, batch)
        if batches:
            continue
        with database.reading() as session:
            waiting = session.scalar(
                select(func.count())
                .select_from(Letter)
                .where(Letter.state.in_((*deliveries.WAITING, "handed")))
            )
        if not waiting:
            return
        time.sleep(0.05)


if __name__ == "__main__":
    main(*sys.argv[1:])
