"""A street of one house: the real launcher, zygote and broker, with a web that says which process answered."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import FrameType

import redis


def parts() -> dict[str, str]:
    return {
        "broker": "broker",
        "prepare": "once",
        "web.1": "services",
        "town.worker": "services",
        "greet": "once",
    }


def serves_the_public(name: str) -> bool:
    return name == "web.1"


def load() -> None:
    """Nothing to read: everything is imported above."""


def be(name: str) -> None:
    data = Path(os.environ["PALABRE_DATA"])
    if name == "broker":
        from infra.embedded.street import be as be_real  # noqa: PLC0415

        be_real(name)
    elif name in ("prepare", "greet"):
        (data / "run").mkdir(exist_ok=True)
        if name == "prepare" and os.environ.get("STREET_BROKEN"):
            sys.exit("the cellar is flooded")
        _wait_for_the_broker()
        said = {"sign_in": "http://door", "mailbox": "http://box"} if name == "greet" else {}
        (data / "run" / f"{name}.json").write_text(json.dumps(said))
    elif name == "web.1":
        _answer(socket.socket(fileno=int(os.environ["STREET_FD"])))
    else:
        _wait_for_the_end()


def _wait_for_the_broker() -> None:
    for _ in range(200):
        with suppress(redis.RedisError), redis.Redis.from_url(os.environ["PALABRE_REDIS_URL"]) as broker:
            broker.ping()
            return
        time.sleep(0.02)


def _answer(public: socket.socket) -> None:
    signal.signal(signal.SIGTERM, _end)
    broker = redis.Redis.from_url(os.environ["PALABRE_REDIS_URL"])
    while True:
        guest, _ = public.accept()
        with guest:
            guest.recv(4096)
            _wait_for_the_broker()
            body = f"{os.getpid()} {broker.incr('guests')}".encode()
            guest.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


def _wait_for_the_end() -> None:
    signal.signal(signal.SIGTERM, _end)
    while True:
        time.sleep(60)


def _end(_number: int, _frame: FrameType | None) -> None:
    sys.exit(0)
