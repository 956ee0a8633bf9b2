"""Transactions of the chassis a second, from so many threads at once: python -m tests.bench.saving 16"""

from __future__ import annotations

import json
import sys
import threading
import time
from uuid import uuid4

from sqlalchemy import insert

from services.chassis import settings
from services.chassis.db import Database
from services.chassis.outbox import publish
from tests.bench.door import people
from tests.bench.probe import WishesRanked, teller

SECONDS = 3.0


def per_s(database: Database, at_once: int) -> float:
    """One row and one fact in each, as the door writes them; counted once they are safe."""
    counts, until = [0] * at_once, time.perf_counter() + SECONDS

    def save(number: int) -> None:
        while time.perf_counter() < until:
            person = uuid4()
            with database.transaction() as session:
                session.execute(insert(people).values(id=person, name="Ada"))
                about = {"participant_id": person, "gathering_id": uuid4(), "topic_ids": []}
                publish(session, WishesRanked, about=about)
            counts[number] += 1

    threads = [threading.Thread(target=save, args=(number,)) for number in range(at_once)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / SECONDS


if __name__ == "__main__":
    own = Database(settings.read().database_of(teller.name), teller.name)
    print(json.dumps({"per_s": per_s(own, int(sys.argv[1]))}))
    own.dispose()
