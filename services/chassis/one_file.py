"""One SQLite file that many write to: they take turns in the kernel, and wait for the disk together.

A transaction is told "committed" when the disk has it, as with `synchronous=FULL`. But while FULL waits for the disk,
nobody else can write. Here the commit itself does not wait (`NORMAL`): the next writer has its turn at once, and who
has committed waits for a sync of the write-ahead log that began after its commit. One sync does for all who wait.

What is committed can so be read for the few milliseconds before it is on disk. Whoever sends something out of the
service does it after a commit of its own, whose sync covers all that was read before it.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import threading
from contextlib import suppress
from typing import TextIO

# Not on every system; fsync does the same and more.
_sync = getattr(os, "fdatasync", os.fsync)


class Turn:
    """Writers of one file wait for each other here, in the kernel.

    SQLite's own waiting polls with growing pauses (up to 0.1 s), which shows as latency as soon as web, worker and
    relay write to one file. The lock is the kernel's and falls when its holder dies.
    """

    def __init__(self, path: str) -> None:
        self._path = f"{path}.turn"
        self._threads = threading.Lock()
        self._file: TextIO | None = None
        self._pid = 0

    def take(self) -> None:
        self._threads.acquire()
        try:
            if self._file is None or self._pid != os.getpid():
                self._file, self._pid = open(self._path, "a", encoding="ascii"), os.getpid()  # noqa: SIM115
            fcntl.flock(self._file, fcntl.LOCK_EX)
        except BaseException:
            self._threads.release()
            raise

    def give(self) -> None:
        """Let the next one write; only for the one that took it."""
        try:
            if self._file is not None:
                fcntl.flock(self._file, fcntl.LOCK_UN)
        finally:
            self._threads.release()


class _Round:
    """One sync and those who wait for it: all of them are told what became of this one, and of no later one."""

    over = kept = False


class Disk:
    """The write-ahead log of one file, and who in this process waits until it is on disk."""

    def __init__(self, path: str) -> None:
        self._path = f"{path}-wal"
        self._fd, self._pid = -1, 0
        self._waiting = threading.Condition()
        self._next = _Round()
        self._syncing = False

    def wait(self) -> None:
        """Return when everything committed before the call is on disk. Raises sqlite3.OperationalError."""
        with self._waiting:
            mine = self._next  # one that runs already began too early for us
            while self._syncing and not mine.over:
                self._waiting.wait()
            if mine.over:
                if mine.kept:
                    return
                raise self._not_kept()
            self._next, self._syncing = _Round(), True
        try:
            # SQLite takes a log away only after all of it is safe in the database.
            with suppress(FileNotFoundError):
                _sync(self._log())
            mine.kept = True
        except OSError as error:
            raise self._not_kept() from error
        finally:
            with self._waiting:
                mine.over, self._syncing = True, False
                self._waiting.notify_all()

    def _log(self) -> int:
        """The log, opened anew when SQLite has made another, or after a fork."""
        there = os.stat(self._path)
        if self._fd >= 0 and self._pid == os.getpid():
            mine = os.fstat(self._fd)
            if (mine.st_ino, mine.st_dev) == (there.st_ino, there.st_dev):
                return self._fd
            os.close(self._fd)
        # SQLite holds no lock on this file, so closing it can take none away.
        self._fd, self._pid = os.open(self._path, os.O_RDWR | os.O_CLOEXEC), os.getpid()
        return self._fd

    @staticmethod
    def _not_kept() -> sqlite3.OperationalError:
        error = sqlite3.OperationalError("the disk did not keep what was committed")
        error.sqlite_errorname = "SQLITE_IOERR_FSYNC"
        return error

    def close(self) -> None:
        if self._fd >= 0 and self._pid == os.getpid():
            os.close(self._fd)
        self._fd = -1


class Writer(sqlite3.Connection):
    """A connection that writes in its turn; `commit` returns when the disk has what was written."""

    turn: Turn | None = None
    disk: Disk | None = None
    _has_turn = False
    _before = (0, 0)

    def begin(self) -> None:
        """Take the turn and begin; nobody else writes until commit or rollback."""
        if self.turn is not None and not self._has_turn:
            self.turn.take()
            self._has_turn = True
        try:
            self.execute("BEGIN IMMEDIATE")
            self._before = self._state()
        except BaseException:
            self._give_turn()
            raise

    def commit(self) -> None:
        if self._has_turn and not self.in_transaction:
            # A full disk, for one, makes SQLite undo the whole transaction by itself.
            self._give_turn()
            raise sqlite3.OperationalError("the transaction was rolled back before its commit")
        changed = self.in_transaction and self._state() != self._before
        super().commit()
        self._give_turn()
        if changed and self.disk is not None:
            self.disk.wait()

    def rollback(self) -> None:
        try:
            super().rollback()
        finally:
            self._give_turn()

    def close(self) -> None:
        try:
            super().close()
        finally:
            self._give_turn()

    def _state(self) -> tuple[int, int]:
        """Differs after a write: rows are counted, and a change of the schema, which counts no row."""
        (schema,) = self.execute("pragma schema_version").fetchone()
        return self.total_changes, schema

    def _give_turn(self) -> None:
        if self._has_turn and self.turn is not None:
            self._has_turn = False
            self.turn.give()
