"""The database: how a service names its tables, tells time, and opens a transaction."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    DateTime,
    Dialect,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    Uuid,
    create_engine,
    event,
    make_url,
)
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.types import TypeDecorator

from services.chassis.one_file import Disk, Turn, Writer


class Moment(TypeDecorator[datetime]):
    """An instant, kept in UTC. A naive datetime is refused on its way in."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"naive datetime: {value!r}")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


TYPES: dict[Any, Any] = {datetime: Moment}
NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

# SQLite only counts up by itself in a column declared INTEGER.
_Counter = BigInteger().with_variant(Integer, "sqlite")

_house = MetaData(naming_convention=NAMES)

# What this service has told. `body` is the event's data, as its schema wrote it.
outbox = Table(
    "outbox",
    _house,
    Column("sequence", _Counter, primary_key=True, autoincrement=True),
    Column("event_id", Uuid, nullable=False, unique=True),
    Column("type", String, nullable=False),
    Column("subject", Uuid, nullable=False),
    Column("body", JSON, nullable=False),
    Column("trace", String, nullable=False),
    Column("cause", Uuid),
    Column("happened_at", Moment, nullable=False),
)

Index("ix_outbox_subject", outbox.c.subject)

# One row for each (fact, hearer): done only when the hearer said so after its own commit.
delivery = Table(
    "delivery",
    _house,
    Column("event_id", Uuid, primary_key=True),
    Column("hearer", String, primary_key=True),
    Column("sequence", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    Column("next_at", Moment, nullable=False),
    Column("acked_at", Moment),
)
# What is due to one hearer, in the order it is sent: a hearer that is away makes nobody else's claims slow.
Index(
    "ix_delivery_waiting",
    delivery.c.hearer,
    delivery.c.next_at,
    delivery.c.sequence,
    sqlite_where=delivery.c.acked_at.is_(None),
    postgresql_where=delivery.c.acked_at.is_(None),
)

# How many facts each hearer was told of one subject: the order in which it must apply them.
told = Table(
    "told",
    _house,
    Column("hearer", String, primary_key=True),
    Column("subject", Uuid, primary_key=True),
    Column("version", Integer, nullable=False),
)

# What this service has heard. A row is written in the transaction of the effect.
# status: heard | started (again, after a first start that never ended) | failed | dead | discarded
inbox = Table(
    "inbox",
    _house,
    Column("event_id", Uuid, primary_key=True),
    Column("source", String, nullable=False),
    Column("type", String, nullable=False),
    Column("subject", Uuid, nullable=False),
    Column("version", Integer, nullable=False),
    Column("status", String, nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    Column("starts", Integer, nullable=False, default=0),
    Column("again", Integer, nullable=False, default=0),
    Column("error", Text),
    Column("trace", String),
    Column("envelope", JSON),
    Column("heard_at", Moment, nullable=False),
)
Index(
    "ix_inbox_dead",
    inbox.c.heard_at,
    sqlite_where=inbox.c.status == "dead",
    postgresql_where=inbox.c.status == "dead",
)

# The last fact of each subject that was applied here; and, as of the last check in which both were found to agree, the
# sum of what the teller tells of it and of the rows kept of it (see recalls.py).
seen = Table(
    "seen",
    _house,
    Column("source", String, primary_key=True),
    Column("subject", Uuid, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("told_sum", String),
    Column("rows_sum", String),
)

# Facts that came before their elder.
parked = Table(
    "parked",
    _house,
    Column("source", String, primary_key=True),
    Column("subject", Uuid, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("event_id", Uuid, nullable=False),
    Column("envelope", JSON, nullable=False),
    Column("parked_at", Moment, nullable=False),
)

# Acknowledgements on their way back to the teller.
ack_out = Table(
    "ack_out",
    _house,
    Column("sequence", _Counter, primary_key=True, autoincrement=True),
    Column("source", String, nullable=False),
    Column("event_id", Uuid, nullable=False),
)

# Where this service stands in being told again, one row a lane of each teller's subjects (see recalls.py).
# kind: rebuild | check; `left` holds subjects that must be asked for alone, as hex.
recalls = Table(
    "recalls",
    _house,
    Column("source", String, primary_key=True),
    Column("lane", Integer, primary_key=True),
    Column("run", Uuid, nullable=False),
    Column("kind", String, nullable=False),
    Column("after", Uuid, nullable=False),
    Column("until", Uuid, nullable=False),
    Column("left", JSON, nullable=False),
    Column("known", Integer),
    Column("subjects", Integer, nullable=False),
    Column("facts", Integer, nullable=False),
    Column("mended", Integer, nullable=False),
    Column("asked_at", Moment, nullable=False),
    Column("began_at", Moment, nullable=False),
    Column("ended_at", Moment),
)

# Rows that a check found to be other than what was told, and wrote anew.
drifts = Table(
    "drifts",
    _house,
    Column("id", Uuid, primary_key=True),
    Column("source", String, nullable=False),
    Column("subject", Uuid, nullable=False),
    Column("kept_in", String, nullable=False),
    Column("what", String, nullable=False),
    Column("found_at", Moment, nullable=False, index=True),
)

# The answer to a write that came with a key, so that the same key gets the same answer.
once = Table(
    "once",
    _house,
    Column("key", String, primary_key=True),
    Column("request_hash", String, nullable=False),
    Column("status", Integer, nullable=False),
    Column("headers", JSON, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("answered_at", Moment, nullable=False),
)

# Signs of life: `canary` (the last one that went round through the broker), `epoch` (the broker's).
pulse = Table(
    "pulse",
    _house,
    Column("name", String, primary_key=True),
    Column("value", String, nullable=False),
    Column("at", Moment, nullable=False),
)

# Who may do what at which gathering; registration decides, the others hear of it.
roles = Table(
    "roles",
    _house,
    Column("role_id", Uuid, primary_key=True),
    Column("gathering_id", Uuid, nullable=False, index=True),
    Column("organiser_id", Uuid, nullable=False, index=True),
    Column("role", String, nullable=False),
    Column("name", String, nullable=False, default=""),
    Column("email", String, nullable=False, default=""),
)

HOUSE = tuple(table.name for table in _house.sorted_tables)


def own_tables() -> MetaData:
    """The tables of one service, to begin with: what it tells, what it hears, and who may do what."""
    own = MetaData(naming_convention=NAMES)
    for table in _house.sorted_tables:
        table.to_metadata(own)
    return own


# Seconds and milliseconds after which either end of a connection to PostgreSQL gives up a host that nobody reaches any
# more. Unasked, the server would keep what that host has locked for hours, and the host, once reachable, would wait for
# the next repetition of what it sent: up to two minutes.
KEEPALIVES: dict[str, Any] = {
    "keepalives_idle": 4,
    "keepalives_interval": 2,
    "keepalives_count": 2,
    "tcp_user_timeout": 8000,
}
_SESSION = " ".join(
    f"-c {setting}"
    for setting in (
        "idle_in_transaction_session_timeout=60000",
        "tcp_keepalives_idle=4",
        "tcp_keepalives_interval=2",
        "tcp_keepalives_count=2",
        "tcp_user_timeout=8000",
    )
)


class Database:
    """One service's database; `url` may hold `{service}`, which is filled in.

    `after_commit` is called after each commit that has something for the relay (see `outbox.wake`); it must not
    raise.
    """

    def __init__(self, url: str, service: str = "", after_commit: Callable[[], None] | None = None) -> None:
        self.service = service
        self.url = make_url(url.replace("{service}", service))
        self.after_commit = after_commit
        self._disk: Disk | None = None
        if self.is_sqlite:
            options: dict[str, Any] = {"timeout": 30, "isolation_level": None, "check_same_thread": False}
            pool = {"pool_size": 12, "max_overflow": 24}
            self.engine = create_engine(self.url, connect_args={**options, "factory": Writer}, **pool)
            self._reader = create_engine(self.url, connect_args=options, **pool)
            turn: Turn | None = None
            if self.url.database and self.url.database != ":memory:":
                turn, self._disk = Turn(self.url.database), Disk(self.url.database)
            event.listen(self.engine, "connect", _prepare_sqlite(turn, self._disk))
            event.listen(self._reader, "connect", _prepare_sqlite(None, None))
            event.listen(self.engine, "begin", _begin_writing)
            event.listen(self._reader, "begin", _begin_reading)
        else:
            self.engine = create_engine(
                self.url,
                pool_size=12,
                max_overflow=24,
                connect_args={"options": _SESSION, "connect_timeout": 5, **KEEPALIVES},
            )
            event.listen(self.engine, "checkin", _remember_when)
            event.listen(self.engine, "checkout", _ask_if_rested(self.engine))
            self._reader = self.engine.execution_options(postgresql_readonly=True)
        self._write = sessionmaker(self.engine, expire_on_commit=False)
        self._read = sessionmaker(self._reader, expire_on_commit=False, autoflush=False)

    @property
    def is_sqlite(self) -> bool:
        return self.url.get_backend_name() == "sqlite"

    @contextmanager
    def transaction(self, **about: Any) -> Iterator[Session]:
        """Commit when the block ends, roll back when it raises. `about` (trace, cause) is kept in `session.info`."""
        with self._write(info=dict(about)) as session, session.begin():
            yield session
        if session.info.get("wake") and self.after_commit is not None:
            self.after_commit()

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that only reads. Its `info["database"]` is this one, for long work that tells how far it is."""
        with self._read(info={"database": self}) as session:
            yield session

    def settle(self) -> None:
        """Return when everything that could be read so far is on disk; for what is said on the word of a read alone.

        A transaction that wrote settles by itself, and on PostgreSQL nothing is read before it is safe.
        """
        if self._disk is not None:
            self._disk.wait()

    def dispose(self) -> None:
        """Close every connection."""
        self.engine.dispose()
        if isinstance(self._reader, Engine):
            self._reader.dispose()
        if self._disk is not None:
            self._disk.close()


def _prepare_sqlite(turn: Turn | None, disk: Disk | None) -> Callable[[sqlite3.Connection, object], None]:
    def prepare(connection: sqlite3.Connection, _record: object) -> None:
        (mode,) = connection.execute("pragma journal_mode=wal").fetchone()
        if isinstance(connection, Writer):
            connection.turn = turn
            # Without a log there is none to wait for: SQLite waits for the disk by itself.
            connection.disk = disk if mode == "wal" else None
            connection.execute(f"pragma synchronous={'full' if connection.disk is None else 'normal'}")
        for pragma in ("busy_timeout=30000", "foreign_keys=on"):
            connection.execute(f"pragma {pragma}")

    return prepare


def _begin_writing(connection: Connection) -> None:
    writer: Any = connection.connection.driver_connection
    writer.begin()


def _begin_reading(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


# A connection that was of use so lately is not asked whether it still is: that costs a round trip each time.
RESTED_S = 1.0


def _remember_when(_connection: object, record: ConnectionPoolEntry) -> None:
    record.info["rests_since"] = time.monotonic()


def _ask_if_rested(engine: Engine) -> Callable[..., None]:
    def ask(connection: Any, record: ConnectionPoolEntry, _proxy: object) -> None:
        if time.monotonic() - record.info.get("rests_since", time.monotonic()) < RESTED_S:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            raise InvalidatePoolError("the server went away while the connection rested") from error

    return ask
