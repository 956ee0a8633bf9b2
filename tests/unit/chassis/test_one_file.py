"""Writers of one SQLite file: nobody is told "committed" before the disk has it, and one wait does for many."""

from __future__ import annotations

import os
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, event, insert, select
from sqlalchemy.exc import OperationalError

from services.chassis import one_file
from services.chassis.db import Database

METADATA = MetaData()
rows = Table("rows", METADATA, Column("id", Integer, primary_key=True))


class Platter:
    """Stands between us and the disk: keeps a copy of what a power cut would leave, and can be slow or broken."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.copies = 0
        self.syncs = 0
        self.broken = False
        self.begun = threading.Event()
        self.go_on = threading.Event()
        self.go_on.set()

    def sync(self, fd: int) -> None:
        self.syncs += 1
        self.begun.set()
        self.go_on.wait(20)
        if self.broken:
            raise OSError(5, "Input/output error")
        copy = self.folder / f"copy-{self.copies}"
        copy.mkdir()
        for name in ("one.db", "one.db-wal"):
            shutil.copy(self.folder / name, copy / name)
        self.copies += 1
        os.fsync(fd)

    def after_a_power_cut(self) -> set[int]:
        if not self.copies:
            return set()
        kept = sqlite3.connect(self.folder / f"copy-{self.copies - 1}" / "one.db")
        found = {number for (number,) in kept.execute("select id from rows")}
        kept.close()
        return found


@pytest.fixture
def platter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Platter:
    platter = Platter(tmp_path)
    monkeypatch.setattr(one_file, "_sync", platter.sync)
    return platter


@pytest.fixture
def database(platter: Platter, tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path}/one.db")
    METADATA.create_all(database.engine)
    platter.syncs = 0
    platter.begun.clear()
    yield database
    database.dispose()


def write(database: Database, number: int) -> None:
    with database.transaction() as session:
        session.execute(insert(rows).values(id=number))


def at_once(count: int, do: Callable[[int], None]) -> list[threading.Thread]:
    threads = [threading.Thread(target=do, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    return threads


def join(threads: list[threading.Thread]) -> None:
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()


def held(database: Database) -> set[int]:
    with database.reading() as session:
        return set(session.scalars(select(rows.c.id)))


def test_who_is_told_committed_finds_it_after_a_power_cut(database, platter):
    missing: list[int] = []

    def one(thread: int) -> None:
        for number in range(thread * 100, thread * 100 + 10):
            write(database, number)
            if number not in platter.after_a_power_cut():
                missing.append(number)

    join(at_once(6, one))

    assert (missing, len(held(database))) == ([], 60)


def test_what_follows_a_commit_follows_the_disk(database, platter):
    seen: list[set[int]] = []
    database.after_commit = lambda: seen.append(platter.after_a_power_cut())

    with database.transaction() as session:
        event.listen(session, "after_commit", lambda _: seen.append(platter.after_a_power_cut()))
        session.info["wake"] = True
        session.execute(insert(rows).values(id=1))

    assert seen == [{1}, {1}]


def test_those_who_wait_for_the_disk_share_one_sync(database, platter):
    platter.go_on.clear()
    first = at_once(1, lambda _: write(database, 100))
    assert platter.begun.wait(10)
    others = at_once(8, lambda number: write(database, number))
    while len(held(database)) < 9:  # the others have committed while the first one waits
        pass

    platter.go_on.set()
    join([*first, *others])

    assert platter.syncs == 2


def test_a_use_case_that_fails_is_rolled_back_alone(database):
    def one(number: int) -> None:
        try:
            with database.transaction() as session:
                session.execute(insert(rows).values(id=number))
                if number % 3 == 0:
                    raise LookupError
        except LookupError:
            assert number % 3 == 0

    join(at_once(12, one))

    assert held(database) == {number for number in range(12) if number % 3}


def test_when_the_disk_fails_nobody_who_waited_is_told_committed(database, platter):
    platter.broken = True
    platter.go_on.clear()
    told: list[str] = []

    def one(number: int) -> None:
        try:
            write(database, number)
            told.append("committed")
        except OperationalError as error:
            told.append(error.orig.sqlite_errorname)

    threads = at_once(1, one)
    assert platter.begun.wait(10)
    threads += at_once(4, lambda number: one(number + 1))
    while len(held(database)) < 5:
        pass
    platter.go_on.set()
    join(threads)

    assert told == ["SQLITE_IOERR_FSYNC"] * 5
    platter.broken = False
    write(database, 100)
    assert 100 in platter.after_a_power_cut()


def test_who_waited_for_a_sync_that_failed_is_not_comforted_by_a_later_one(tmp_path, platter, monkeypatch):
    (tmp_path / "one.db-wal").touch()
    disk, asleep, wake, later = one_file.Disk(f"{tmp_path}/one.db"), threading.Event(), threading.Event(), [0]
    outcomes: dict[str, str] = {}

    class Drowsy(threading.Condition):
        def wait(self, timeout=None):
            if threading.current_thread().name == "drowsy":
                asleep.set()
                super().wait(timeout)
                self.release()
                wake.wait(20)
                return self.acquire()
            return super().wait(timeout)

    def sync(fd):
        later[0] += 1
        if later[0] == 1:
            asleep.wait(20)  # both of the next round wait before the first one ends
        elif later[0] == 2:
            raise OSError(5, "Input/output error")

    def waits(name):
        try:
            disk.wait()
            outcomes[name] = "safe"
        except sqlite3.OperationalError:
            outcomes[name] = "lost"

    monkeypatch.setattr(disk, "_waiting", Drowsy())
    monkeypatch.setattr(one_file, "_sync", sync)
    first = threading.Thread(target=waits, args=("first",))
    first.start()
    while not later[0]:
        pass
    drowsy = threading.Thread(target=waits, args=("drowsy",), name="drowsy")
    leader = threading.Thread(target=waits, args=("leader",))
    leader.start()
    drowsy.start()
    for thread in (first, leader):
        thread.join(20)
    waits("after")
    wake.set()
    drowsy.join(20)

    assert outcomes == {"first": "safe", "leader": "lost", "drowsy": "lost", "after": "safe"}


def test_a_transaction_that_only_reads_waits_for_no_disk(database, platter):
    with database.transaction() as session:
        session.execute(select(rows)).all()

    assert platter.syncs == 0


def test_what_is_said_on_the_word_of_a_read_waits_for_the_disk(database, platter):
    platter.go_on.clear()
    writer = at_once(1, lambda _: write(database, 7))
    assert platter.begun.wait(10)
    read: list[set[int]] = []

    def repeat(_: int) -> None:
        assert held(database) == {7}
        database.settle()
        read.append(platter.after_a_power_cut())

    reader = at_once(1, repeat)
    platter.go_on.set()
    join([*writer, *reader])

    assert read == [{7}]


def test_a_change_of_the_tables_waits_for_the_disk_too(database, platter):
    Table("more", METADATA, Column("id", Integer, primary_key=True)).create(database.engine)

    assert platter.syncs == 1


def test_the_log_is_found_again_after_sqlite_made_another(database, platter):
    write(database, 1)
    database.engine.dispose()
    database._reader.dispose()  # the last one to close takes the log away

    write(database, 2)

    assert platter.after_a_power_cut() == {1, 2}


def test_a_writer_that_broke_off_leaves_the_turn_to_the_next(database):
    connection = database.engine.raw_connection()
    connection.driver_connection.begin()
    connection.invalidate()

    write(database, 1)

    assert held(database) == {1}


def test_a_transaction_that_sqlite_undid_is_not_told_committed(database):
    with pytest.raises(OperationalError, match="rolled back"), database.transaction() as session:
        session.execute(insert(rows).values(id=1))
        session.connection().connection.driver_connection.execute("rollback")

    assert held(database) == set()
    write(database, 2)
    assert held(database) == {2}
