"""The command `replay` through a real broker, real workers and relays, while people go on registering."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import delete, func, select

from infra.embedded.broker import program
from infra.sample.cast import cast
from services.chassis import migrations, recalls, settings
from services.chassis.db import Database
from services.chassis.opening import open_database
from services.grouping.app import service as grouping
from services.grouping.models import Member
from services.registration import sample
from services.registration.app import service as registration
from services.registration.models import Participant, State
from tests.postgres import free_port

PATIENCE_S = 90
ROOT = Path(__file__).parents[2]


class Pair:
    """Registration and grouping as processes, on SQLite, with a broker that keeps nothing."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.folder = folder
        self.environ = {
            "PALABRE_MODE": "test",
            "PALABRE_REDIS_URL": f"redis://127.0.0.1:{self.port}/0",
            "PALABRE_DATABASE_URL": f"sqlite:///{folder}/{{service}}.db",
            "PALABRE_SECRET_KEY": "s" * 40,
        }
        self.settings = settings.read(self.environ)
        self.databases: dict[str, Database] = {}
        for service in (registration, grouping):
            self.databases[service.name] = open_database(service.name, self.settings)
            migrations.run(service, self.databases[service.name])
        broker = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
        self.processes = [self._start([str(program()), *broker])]
        for name in self.databases:
            for verb in (["work", "--pool", "solo"], ["relay"]):
                self.processes.append(self._start([sys.executable, "-m", f"services.{name}", *verb]))

    def _start(self, command: list[str]) -> subprocess.Popen[bytes]:
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(
                command, env={**os.environ, **self.environ}, cwd=ROOT, stdout=log, stderr=log
            )

    def replay(self, *words: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "services.grouping", "replay", "--from", "registration", *words]
        return subprocess.Popen(
            command, env={**os.environ, **self.environ}, cwd=ROOT, stdout=subprocess.PIPE, text=True
        )

    def register(self, first: int, last: int) -> None:
        with self.databases["registration"].transaction() as session:
            guests = cast().invited[first:last]
            if first == 0:
                sample.load(session, self.settings, now=datetime.now(UTC), guests=guests)
                return
            gathering_id = session.scalars(select(Participant.gathering_id).limit(1)).one()
            for guest in guests:
                links = sample.Links(self.settings.public_url, self.settings.secret_key)
                sample._seat(session, gathering_id, guest, links=links, now=datetime.now(UTC))

    def names(self, name: str) -> list[tuple[str, str]]:
        """Who holds a seat, as that service knows it."""
        with self.databases[name].reading() as session:
            if name == "registration":
                found = select(Participant.given, Participant.family).where(
                    Participant.state == State.registered
                )
            else:
                found = select(Member.given, Member.family)
            return sorted(map(tuple, session.execute(found)))

    def is_checked_tonight(self) -> bool:
        """Whether the check that begins by itself at night is over: it would find the row before the command does."""
        with self.databases["grouping"].reading() as session:
            runs = recalls.progress(session)
        is_over = bool(runs) and all(run.ended_at is not None for run in runs)
        return is_over or datetime.now(UTC).hour not in recalls.NIGHT

    def until(self, true: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not true():
            assert time.monotonic() < deadline, (self.folder / "log").read_text()[-4000:]
            time.sleep(0.1)

    def stop(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait(10)
        for database in self.databases.values():
            database.dispose()


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    pair = Pair(tmp_path)
    yield pair
    pair.stop()


def test_lost_rows_are_back_when_the_command_ends_and_newcomers_are_among_them(pair):
    pair.register(0, 20)
    pair.until(lambda: len(pair.names("grouping")) == 20)
    with pair.databases["grouping"].transaction() as session:
        session.execute(delete(Member))

    replay = pair.replay()
    pair.register(20, 30)
    said, _ = replay.communicate(timeout=PATIENCE_S)

    assert (replay.returncode, said.partition(":")[0]) == (0, "registration")
    pair.until(lambda: pair.names("grouping") == pair.names("registration"))


def test_a_check_names_the_row_that_was_changed_by_hand_and_ends_with_one(pair):
    pair.register(0, 10)
    pair.until(lambda: len(pair.names("grouping")) == 10 and pair.is_checked_tonight())
    with pair.databases["grouping"].transaction() as session:
        member = session.scalars(select(Member).order_by(Member.participant_id)).first()
        member.trade = "changed by hand"

    check = pair.replay("--check")
    said, _ = check.communicate(timeout=PATIENCE_S)

    assert (check.returncode, said.splitlines()[-1]) == (1, f"  members {member.participant_id}: other trade")
    with pair.databases["grouping"].reading() as session:
        changed = select(func.count()).select_from(Member).where(Member.trade == "changed by hand")
        assert session.scalar(changed) == 0
