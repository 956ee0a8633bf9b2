"""A real broker of one test's own."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator

import pytest
import redis

from infra.embedded.broker import program
from services.chassis.settings import Settings
from tests.postgres import free_port


@pytest.fixture
def broker(tmp_path) -> Iterator[Settings]:
    port = free_port()
    command = [str(program()), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    chosen = Settings(redis_url=f"redis://127.0.0.1:{port}/0")
    give_up = time.monotonic() + 20
    while True:
        try:
            redis.Redis(port=port).ping()
            break
        except redis.RedisError:
            assert time.monotonic() < give_up
            time.sleep(0.02)
    yield chosen
    server.kill()
    server.wait(10)
