"""A poster as a process of its own, to be killed: posts what is due until nothing waits.

python -m tests.unit.notifications.poster DATABASE_URL SMTP_URL
"""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime

from sqlalchemy import func, select

from services.chassis.db import Database
from services.chassis.settings import Settings
from services.notifications import deliveries, posting
from services.notifications.models import Letter


def main(database_url: str, smtp_url: str) -> None:
    database = Database(database_url, "notifications")
    settings = Settings(mode="test", smtp_url=smtp_url, sender="palabre@passerelles.example")
    while True:
        with database.transaction() as session:
            batch = deliveries.claim(session, datetime.now(UTC))
        if batch is not None:
            posting.post(database, settings, str(batch))
            continue
        with database.reading() as session:
            waiting = session.scalar(
                select(func.count()).select_from(Letter).where(Letter.state.in_(deliveries.WAITING))
            )
        if not waiting:
            return
        time.sleep(0.05)


if __name__ == "__main__":
    main(*sys.argv[1:])
