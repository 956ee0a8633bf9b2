"""The fault matrix, one line a row."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

DATABASES = ("sqlite", "postgresql")


@dataclass(frozen=True)
class Row:
    """`process` suffers `fault` at `phase` of its work, `times` times, for `lasts` seconds each.

    `process` is a name of the street (web.1, relays, grouping.worker, notifications.mail, zygote, launcher), or broker,
    database, smtp, queue (what is on it), http (the way to the door), disk, clock; `grouping.child` is a child of a
    worker with a pool. `fault` is a word of befall.py. `phase` is empty (whenever it comes, under load) or a place of
    gates.py. `database` and `broker` are as in rig.Make; an empty database means both. `short` rows are those of
    `make faults`, which plays each on one of them.
    """

    process: str
    fault: str
    phase: str = ""
    database: str = ""
    broker: str = "memory"
    times: int = 3
    lasts: float = 0.0
    facts: int = 0
    short: bool = False

    def __str__(self) -> str:
        words = [self.process, self.fault]
        if self.times > 1:
            words.append(f"×{self.times}")
        if self.lasts:
            words.append(f"{self.lasts:g} s")
        if self.phase:
            words.append(f"“{self.phase}”")
        if self.broker != "memory":
            words.append(f"[broker {self.broker}]")
        return " ".join(words)


ALL = (
    Row("nothing", "nothing", times=0, short=True),
    # Processes, whenever it comes.
    Row("web.1", "kill"),
    Row("web.1", "term"),
    Row("web.1", "freeze", times=1),
    Row("web.1", "loop", times=1),
    Row("relays", "kill", short=True),
    Row("relays", "term"),
    Row("relays", "freeze", times=2),
    Row("relays", "freeze", times=1, lasts=30),
    Row("relays", "loop", times=1),
    Row("registration.worker", "kill"),
    Row("registration.worker", "term"),
    Row("grouping.worker", "kill"),
    Row("grouping.worker", "term"),
    Row("grouping.worker", "freeze", times=2),
    Row("grouping.worker", "freeze", times=1, lasts=30),
    Row("grouping.worker", "loop", times=1),
    Row("notifications.worker", "kill"),
    Row("notifications.worker", "term"),
    Row("feedback.worker", "kill"),
    Row("feedback.worker", "term"),
    Row("notifications.mail", "kill", times=5, short=True),
    Row("notifications.mail", "term"),
    Row("notifications.mail", "freeze", times=1),
    Row("notifications.mail", "loop", times=1),
    Row("zygote", "kill", times=2, short=True),
    Row("zygote", "family", times=1),
    Row("zygote", "freeze", times=1),
    Row("launcher", "kill", times=2, short=True),
    Row("launcher", "freeze", times=1),
    Row("grouping.child", "kill"),
    Row("grouping.pool", "kill"),
    # At a chosen place of their work.
    Row("web.1", "kill", "request before commit"),
    Row("web.1", "kill", "request committed", short=True),
    Row("relays", "kill", "between commit and publish", short=True),
    Row("relays", "kill", "acks taken", short=True),
    Row("grouping.worker", "kill", "after pop before unacked", short=True),
    Row("grouping.worker", "kill", "in effect"),
    Row("grouping.worker", "kill", "before commit"),
    Row("grouping.worker", "kill", "after commit before ack", short=True),
    Row("notifications.worker", "kill", "in effect"),
    Row("notifications.worker", "kill", "after commit before ack"),
    Row("notifications.worker", "kill", "after pop before unacked"),
    Row("registration.worker", "kill", "ack noted"),
    Row("grouping.child", "kill", "in effect"),
    Row("grouping.child", "kill", "after commit before ack"),
    Row("notifications.mail", "kill", "handed"),
    Row("notifications.mail", "kill", "sent and not written", short=True),
    Row("grouping.worker", "seating", "seating before commit", short=True),
    Row("grouping.worker", "seating", "seated before ack", short=True),
    # Somebody who never comes back by themselves is replaced.
    Row("grouping.worker", "forsake", times=1, short=True),
    Row("grouping.worker", "forsake", "after pop before unacked", times=1),
    Row("relays", "forsake", times=1),
    Row("notifications.mail", "forsake", times=1),
    Row("web.1", "forsake", times=1),
    Row("zygote", "forsake", times=1),
    Row("broker", "forsake", broker="street", times=1),
    # The broker.
    Row("broker", "kill", short=True),
    Row("broker", "kill", broker="aof"),
    Row("broker", "kill", broker="street", short=True),
    Row("broker", "kill", times=1, lasts=12),
    Row("broker", "term", broker="aof"),
    Row("broker", "freeze", times=2),
    Row("broker", "freeze", times=1, lasts=30),
    Row("broker", "loop", times=1),
    Row("broker", "flush", times=5, short=True),
    Row("broker", "restore", broker="aof", times=2, short=True),
    Row("broker", "fill", times=2),
    Row("broker", "failover", times=2, short=True),
    Row("broker", "late", times=1),
    # The database.
    Row("database", "kill", database="postgresql", short=True),
    Row("database", "term", database="postgresql"),
    Row("database", "freeze", database="postgresql", times=2),
    Row("database", "kill", database="postgresql", times=1, lasts=12),
    Row("database", "late", database="postgresql", times=1),
    # The network.
    Row("broker", "slow", times=1),
    Row("broker", "cut", times=2, short=True),
    Row("broker", "deaf", times=1),
    Row("broker", "mute", times=1),
    Row("broker", "drop", times=5),
    Row("database", "slow", database="postgresql", times=1),
    Row("database", "cut", database="postgresql", times=2, short=True),
    Row("database", "deaf", database="postgresql", times=1),
    Row("database", "mute", database="postgresql", times=1),
    Row("database", "drop", database="postgresql", times=5),
    # One of two hosts that hear for a service, beside the one of broker and databases.
    Row("grouping.host", "cut", database="postgresql", times=1, lasts=60, facts=3000),
    Row("grouping.host", "cut", database="postgresql", times=3, lasts=12, facts=3000),
    Row("grouping.host", "kill", database="postgresql", times=3),
    Row("http", "lose", times=5, short=True),
    Row("http", "cut", times=1),
    Row("http", "slow", times=1),
    Row("http", "deaf", times=1),
    Row("http", "mute", times=1),
    Row("http", "drop", times=5),
    # Letters.
    Row("smtp", "kill", times=5),
    Row("smtp", "term"),
    Row("smtp", "freeze", times=1),
    Row("smtp", "idle", times=1),
    Row("smtp", "refuse", times=1, facts=400),
    Row("smtp", "die", times=5, short=True),
    Row("notifications.mail", "unanswered", times=5, short=True),
    # Disk and clock.
    Row("disk", "full", times=2, short=True),
    Row("clock", "ahead", times=1),
    Row("clock", "behind", times=1, short=True),
    Row("clock", "apart", times=1),
    # What is on the queues.
    Row("queue", "duplicate", short=True),
    Row("queue", "backwards", times=2, short=True),
    Row("queue", "gapped", times=2),
    Row("queue", "unknown"),
    Row("queue", "huge", times=1),
    Row("queue", "garbage", times=2, short=True),
    Row("queue", "misshapen"),
    Row("grouping.worker", "lethal", times=1),
    # Two versions at once: every process begins as the version before, is ended and started as this one, one after the
    # other under load, and then as the next one. See ages.py for what the versions say and understand.
    Row("everything", "upgrade", times=2, facts=1800, short=True),
    # Long, and all at once.
    Row("grouping.worker", "away", times=1, facts=3000, short=True),
    Row("notifications.worker", "away", times=1),
    Row("everything", "storm", times=2, short=True),
)

# What `make test` runs, with fewer facts.
TESTED = (
    Row("relays", "kill", "between commit and publish", database="sqlite", times=2, facts=240),
    Row("grouping.worker", "kill", "after pop before unacked", database="postgresql", times=2, facts=240),
    Row("broker", "flush", database="sqlite", times=2, facts=240),
)


def each_database(rows: Iterable[Row]) -> list[Row]:
    """Each row once for every database it is meant for, rows of one rig side by side."""
    return [replace(row, database=one) for one in DATABASES for row in rows if row.database in ("", one)]


def selection() -> list[Row]:
    """The short rows, some ten minutes: each once, on the two databases in turn where it is meant for both."""
    short = [row for row in ALL if row.short]
    return [replace(row, database=row.database or DATABASES[n % len(DATABASES)]) for n, row in enumerate(short)]
