"""A real broker for tests and benchmarks, which keeps nothing: the server that `make up` starts as well."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis

from infra.embedded.broker import program
from tests.postgres import free_port

ANSWERS_WITHIN_S = 30.0


@contextmanager
def serving(folder: Path, *, port: int = 0, password: str = "") -> Iterator[int]:
    """A broker on this machine while the block lasts; gives its port. Raises RuntimeError where there is none."""
    server, port = program(), port or free_port()
    if server is None:
        raise RuntimeError("no Valkey or Redis on this machine")
    words = [
        "--port",
        str(port),
        "--bind",
        "127.0.0.1",
        "--save",
        "",
        "--appendonly",
        "no",
        "--dir",
        str(folder),
    ]
    words += ["--requirepass", password] if password else []
    with (folder / "valkey.log").open("ab") as log:
        process = subprocess.Popen([str(server), *words], stdout=log, stderr=log)
    try:
        _await(port, password)
        yield port
    finally:
        process.kill()
        process.wait()


def _await(port: int, password: str) -> None:
    give_up = time.monotonic() + ANSWERS_WITHIN_S
    while True:
        try:
            redis.Redis(port=port, password=password or None).ping()
            return
        except redis.RedisError:
            if time.monotonic() > give_up:
                raise
            time.sleep(0.02)
