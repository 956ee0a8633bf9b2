"""A container is stopped with SIGTERM: what is under way is finished, and the process ends by itself."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from kombu.utils.json import dumps
from sqlalchemy import select

from services.chassis import settings
from services.chassis.db import Database
from services.chassis.post import Post
from tests import slow, toys
from tests.postgres import free_port
from tests.unit.chassis.test_inbox import a_fact

ROOT = Path(__file__).parents[2]
# What docker-compose.yml gives a container to end by itself.
GRACE_S = 30.0


def until(true: Callable[[], object], within_s: float = 60.0) -> None:
    give_up = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < give_up
        time.sleep(0.02)


class Toy:
    """The slow toy with a database of its own; `begun` is there once it works on something."""

    def __init__(self, folder: Path, broker_port: int) -> None:
        self.begun, self.log = folder / "begun", folder / "log"
        self.port = free_port()
        given = {
            "PALABRE_MODE": "test",
            "PALABRE_DATABASE_URL": f"sqlite:///{folder}/{{service}}.db",
            "PALABRE_REDIS_URL": f"redis://127.0.0.1:{broker_port}/0",
            "PALABRE_PORT": str(self.port),
        }
        self.settings = settings.read(given)
        self.database = Database(given["PALABRE_DATABASE_URL"], "grouping")
        toys.HEARING.create_all(self.database.engine)
        self._environ = {**os.environ, **given, "SLOW_BEGAN": str(self.begun)}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.slow", *words], cwd=ROOT, env=self._environ, stderr=log
            )
        return self._process

    def end(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self.database.dispose()


@pytest.fixture
def toy(tmp_path: Path, valkey: Callable[..., int]) -> Iterator[Toy]:
    toy = Toy(tmp_path, valkey())
    yield toy
    toy.end()


def test_a_web_answers_what_it_was_asked_before_it_ends(toy: Toy) -> None:
    process = toy.start("serve")
    until(lambda: _is_well(toy.port))
    answers: list[httpx.Response] = []
    asking = threading.Thread(
        target=lambda: answers.append(httpx.get(f"http://127.0.0.1:{toy.port}/slow", timeout=GRACE_S))
    )
    asking.start()
    until(toy.begun.exists)

    process.send_signal(signal.SIGTERM)

    assert process.wait(GRACE_S) == 0
    asking.join()
    assert [(answer.status_code, answer.text) for answer in answers] == [(200, "done")]


def test_every_line_that_a_web_writes_from_its_start_to_its_end_is_json(toy: Toy) -> None:
    process = toy.start("serve")
    until(lambda: _is_well(toy.port))
    process.send_signal(signal.SIGTERM)
    process.wait(GRACE_S)

    lines = [json.loads(line) for line in toy.log.read_text().splitlines()]
    assert {line["service"] for line in lines} == {"grouping"}


def _is_well(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/healthz").status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


def test_a_worker_hears_what_it_has_begun_and_takes_nothing_more(toy: Toy) -> None:
    first, later = uuid4(), uuid4()
    _send(toy, first)
    process = toy.start("work", "--pool", "solo")
    until(toy.begun.exists)
    process.send_signal(signal.SIGTERM)
    time.sleep(slow.TAKES_S / 3)
    _send(toy, later)

    assert process.wait(GRACE_S) == 0

    with toy.database.reading() as session:
        assert session.scalars(select(toys.effects.c.person)).all() == [first]


def _send(toy: Toy, person: object) -> None:
    fact = {**a_fact(1, subject=person), "type": toys.Wished.type}
    fact["data"] = {"participant_id": str(person), "number": 1}
    post = Post(toy.settings)
    post.put("grouping.events", "grouping.hear", dumps([fact]))
    post.exchange([])
    post.close()
