"""What a process needs before it can do its work: its database and, away from the doors, the broker.

Whoever is only late is waited for, or comes while we run. Who refuses us will refuse us again: that is said in one
line, and the process ends.
"""

from __future__ import annotations

import os
import re
import socket
import time

import structlog
from sqlalchemy import URL, text
from sqlalchemy.exc import DBAPIError

from services.chassis.broker import client
from services.chassis.db import Database
from services.chassis.settings import Settings

log = structlog.get_logger()

WITHIN_S = 60.0
LOOK_S = 0.3
# What PostgreSQL says to who will never come in like this; a database that is missing may be just being made.
_REFUSES = re.compile(
    r"password authentication failed|no password supplied|role \"[^\"]*\" does not exist|"
    r"permission denied for database|no pg_hba.conf entry|certificate verify failed"
)


class Missing(Exception):
    """What is not there, in one line for the operator."""


def database(wanted: Database, *, within_s: float = WITHIN_S) -> None:
    """Return as soon as the database answers. Raises Missing at once when it refuses us, else after `within_s`."""
    until, waits = time.monotonic() + within_s, False
    while True:
        why = _look(wanted)
        if why is None:
            return
        if time.monotonic() > until:
            raise Missing(
                f"The database {_shown(wanted.url)} does not answer: {why} (waited {within_s:.0f} s)."
            )
        if not waits:
            log.warning("waiting_for_database", database=_shown(wanted.url), why=why)
            waits = True
        time.sleep(LOOK_S)


def port(settings: Settings) -> None:
    """Raises Missing when somebody else listens where we are to."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        socket.create_server((settings.host, settings.port), family=family).close()
    except OSError as error:
        raise Missing(
            f"Cannot listen on {settings.host}:{settings.port}: {os.strerror(error.errno or 0)}. "
            "PALABRE_HOST and PALABRE_PORT say where."
        ) from None


def refusals(wanted: Database, settings: Settings, *, queue: bool) -> None:
    """Raises Missing when the database, or where `queue` is true the broker, refuses us.

    Who is only away is logged and nothing more: every process goes on looking for it by itself.
    """
    if (why := _look(wanted)) is not None:
        log.warning("database_away", database=_shown(wanted.url), why=why)
    if queue:
        _ask_broker(settings)


def _look(wanted: Database) -> str | None:
    """Why the database does not answer, in a few words; None when it does. Raises Missing."""
    if wanted.is_sqlite:
        return None
    try:
        with wanted.engine.connect() as connection:
            connection.execute(text("select 1"))
    except DBAPIError as error:
        why = _why(error.orig)
        if _REFUSES.search(str(error.orig)):
            raise Missing(
                f"The database {_shown(wanted.url)} refuses us: {why}. PALABRE_DATABASE_URL says who we are."
            ) from None
        return why
    return None


def _ask_broker(settings: Settings) -> None:
    import redis  # noqa: PLC0415  the door has no broker

    address = client(settings)
    try:
        address.ping()
    except redis.AuthenticationError as error:
        raise Missing(f"The broker refuses us: {_why(error)}. PALABRE_REDIS_URL says who we are.") from None
    except redis.ResponseError as error:
        if "NOAUTH" in str(error) or "WRONGPASS" in str(error) or "NOPERM" in str(error):
            raise Missing(f"The broker refuses us: {_why(error)}. PALABRE_REDIS_URL says who we are.") from None
        log.warning("broker_away", why=_why(error))
    except (redis.RedisError, OSError) as error:
        log.warning("broker_away", why=_why(error))
    finally:
        address.close()


def _why(error: BaseException | None) -> str:
    """What a server said, without the way to it; else the last thing that went wrong on that way."""
    text = str(error).strip()
    said = text.partition("FATAL:")[2].strip().splitlines() or text.splitlines()[-1:] or [type(error).__name__]
    return said[0].strip().rstrip(".")


def _shown(url: URL) -> str:
    return url.set(drivername=url.get_backend_name()).render_as_string(hide_password=True)
