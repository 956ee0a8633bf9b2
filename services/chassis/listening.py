"""PostgreSQL's NOTIFY and the wait for it; a module of its own: its driver is megabytes that SQLite does without."""

from __future__ import annotations

import os
import select
import threading
import time
from typing import Any

import psycopg
from sqlalchemy import URL

from services.chassis.db import KEEPALIVES

CHANNEL = "palabre_outbox"


def _opened(url: URL) -> psycopg.Connection[Any]:
    address = url.set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.connect(address, autocommit=True, connect_timeout=5, **KEEPALIVES)


class Notice:
    """Wakes the relay after a commit, on a connection of its own. A lost notice costs one poll.

    Not in the transaction itself: one that notifies holds a lock of the whole database until its commit is on disk,
    so such commits wait for the disk one by one instead of together.
    """

    REST_S = 2.0

    def __init__(self, url: URL) -> None:
        self._url = url
        self._connection: psycopg.Connection[Any] | None = None
        self._pid = 0
        self._mine = threading.Lock()
        self._wanted = False
        self._quiet_until = 0.0

    def __call__(self) -> None:
        """One thread notifies for all that ask meanwhile; nobody else waits for it."""
        self._wanted = True
        while self._wanted and self._mine.acquire(blocking=False):
            try:
                self._wanted = False
                self._notify()
            finally:
                self._mine.release()

    def _notify(self) -> None:
        if time.monotonic() < self._quiet_until:
            return
        was_kept = self._connection is not None and self._pid == os.getpid()
        try:
            if self._connection is None or self._pid != os.getpid():
                self._connection, self._pid = _opened(self._url), os.getpid()
            self._connection.execute(f"notify {CHANNEL}")
        except psycopg.Error:
            self._connection = None
            if was_kept:
                # The server may have gone away and come back while it rested.
                self._notify()
            else:
                self._quiet_until = time.monotonic() + self.REST_S


class Listener:
    """Hears the relay's channel on a connection of its own; opened anew after it broke."""

    def __init__(self, url: URL) -> None:
        self._url = url
        self._connection: psycopg.Connection[Any] | None = None

    def wait(self, timeout_s: float) -> bool:
        """Return at the next notice (True), or after `timeout_s`. Raises ConnectionError when the database is away.

        True at once where the connection had to be opened: of what was told before, no notice comes.
        """
        try:
            if self._connection is None or self._connection.closed:
                self._connection = _opened(self._url)
                self._connection.execute(f"listen {CHANNEL}")
                return True
            # psycopg itself would look ten times a second whether somebody pressed Ctrl-C.
            if not select.select([self._connection], [], [], timeout_s)[0]:
                return False
            return bool(list(self._connection.notifies(timeout=0, stop_after=1)))
        except psycopg.Error as error:
            self.close()
            raise ConnectionError(str(error)) from error

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
