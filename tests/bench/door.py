"""The smallest write through the chassis: one row and one fact in a transaction, answered once it is safe.

`app()` is for gunicorn; `posts` is a light client that keeps many of them busy at once.
"""

from __future__ import annotations

import selectors
import socket
import time
from dataclasses import dataclass, field
from http import HTTPStatus
from uuid import uuid4

from flask import Flask, request
from sqlalchemy import Column, Table, Text, Uuid, insert
from sqlalchemy.orm import Session

from services.chassis import settings, telemetry
from services.chassis.opening import open_database
from services.chassis.outbox import publish
from services.chassis.web import new_app, transacted
from tests.bench.probe import WishesRanked, teller

people = Table(
    "people", teller.metadata, Column("id", Uuid, primary_key=True), Column("name", Text, nullable=False)
)


def app() -> Flask:
    chosen = settings.read()
    telemetry.configure(chosen, teller.name, "web")
    made = new_app(teller, open_database(teller.name, chosen), chosen)
    made.add_url_rule("/api/registration/people", "come", transacted(come), methods=["POST"])
    return made


def come(session: Session) -> tuple[dict[str, str], HTTPStatus]:
    person = uuid4()
    session.execute(insert(people).values(id=person, name=request.get_json()["name"]))
    publish(session, WishesRanked, about={"participant_id": person, "gathering_id": uuid4(), "topic_ids": []})
    return {"id": str(person)}, HTTPStatus.CREATED


BODY = b'{"name": "Ada"}'
POST = (
    b"POST /api/registration/people HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    b"Accept: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(BODY), BODY)
)


@dataclass
class _Line:
    """One kept connection."""

    socket: socket.socket
    heard: bytes = b""
    asked_at: float = 0.0


@dataclass
class Answers:
    seconds: float = 0.0
    took_s: list[float] = field(default_factory=list)
    refused: int = 0

    @property
    def per_s(self) -> float:
        return len(self.took_s) / self.seconds if self.seconds else 0.0


def posts(port: int, *, at_once: int, seconds: float) -> Answers:
    """Keep `at_once` connections busy with writes for so long; counts those answered 201."""
    told, poll = Answers(), selectors.DefaultSelector()
    lines = [_opened(port) for _ in range(at_once)]
    began = time.perf_counter()
    for line in lines:
        poll.register(line.socket, selectors.EVENT_READ, line)
        _ask(line)
    waiting, stop = at_once, began + seconds
    while waiting:
        for key, _ in poll.select(timeout=10):
            line = key.data
            line.heard += line.socket.recv(65536)
            if not line.heard:
                raise ConnectionError("the door closed a connection")
            if not _is_whole(line.heard):
                continue
            now = time.perf_counter()
            if line.heard.startswith(b"HTTP/1.1 201"):
                told.took_s.append(now - line.asked_at)
            else:
                told.refused += 1
            line.heard = b""
            if now < stop:
                _ask(line)
            else:
                waiting -= 1
    told.seconds = time.perf_counter() - began
    for line in lines:
        line.socket.close()
    return told


def _opened(port: int) -> _Line:
    made = socket.create_connection(("127.0.0.1", port), timeout=30)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return _Line(made)


def _ask(line: _Line) -> None:
    line.asked_at = time.perf_counter()
    line.socket.sendall(POST)


def _is_whole(heard: bytes) -> bool:
    head, found, body = heard.partition(b"\r\n\r\n")
    if not found:
        return False
    name = b"content-length:"
    length = next((int(line[len(name) :]) for line in head.lower().split(b"\r\n") if line.startswith(name)), 0)
    return len(body) >= length
