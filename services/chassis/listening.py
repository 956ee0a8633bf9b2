"""Waiting for PostgreSQL's NOTIFY; a module of its own because its driver is megabytes that SQLite does without."""

from __future__ import annotations

from typing import Any

import psycopg
from sqlalchemy import URL

from services.chassis.outbox import CHANNEL


class Listener:
    """Hears the relay's channel on a connection of its own; opened anew after it broke."""

    def __init__(self, url: URL) -> None:
        self._address = url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._connection: psycopg.Connection[Any] | None = None

    def wait(self, timeout_s: float) -> None:
        """Return at the next notice, or after `timeout_s`. Raises ConnectionError when the database is away."""
        try:
            if self._connection is None or self._connection.closed:
                self._connection = psycopg.connect(self._address, autocommit=True, connect_timeout=5)
                self._connection.execute(f"listen {CHANNEL}")
            for _ in self._connection.notifies(timeout=timeout_s, stop_after=1):
                pass
        except psycopg.Error as error:
            self.close()
            raise ConnectionError(str(error)) from error

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
