"""What one service is made of, said in one place so that web, worker, relay and commands find it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import MetaData
from sqlalchemy.orm import Session

from services.chassis.db import Database
from services.chassis.inbox import Inbox
from services.chassis.measures import Look
from services.chassis.outbox import Event
from services.chassis.settings import Settings

if TYPE_CHECKING:
    from flask import Flask


@dataclass(frozen=True)
class Chore:
    """A small regular duty of the relay process: `do(session, now)` in a transaction of its own, every `every_s`.

    It may run in several processes at once and must claim what it works on. `session.info["settings"]` holds the
    settings, for chores that write addresses.
    """

    name: str
    every_s: float
    do: Callable[[Session, datetime], object]


@dataclass(frozen=True)
class Task:
    """A Celery task of the service's own: `do(database, settings, *args)` in a worker that consumes `queue`."""

    name: str
    queue: str
    do: Callable[..., object]


@dataclass(frozen=True)
class Sweep:
    """Work that waits in a table: `find(session, now)` claims it and returns the arguments of one task call each.

    It runs whenever the relay is woken (`outbox.wake` in the transaction that makes the work), unless it goes
    `by_clock` alone, and unasked about every `every_s`. The calls are sent after its commit; one that the broker loses
    is found again when the claim is over.
    """

    name: str
    every_s: float
    find: Callable[[Session, datetime], list[list[Any]]]
    task: str
    by_clock: bool = False


Remind = Callable[[Session, Settings, type[Event], dict[str, Any]], dict[str, Any]]


@dataclass(frozen=True)
class Service:
    """One service; `folder` is where its migrations, templates and translations stand.

    `remind(session, settings, event, body)` gives a fact that is told again the secrets that were struck out of it.
    """

    name: str
    metadata: MetaData
    inbox: Inbox
    events: tuple[type[Event], ...]
    create_app: Callable[[Service, Database, Settings], Flask]
    folder: Path
    chores: tuple[Chore, ...] = ()
    sweeps: tuple[Sweep, ...] = ()
    tasks: tuple[Task, ...] = ()
    remind: Remind | None = None
    # What else a restored database needs before anything runs on it: `do(session, now)`.
    restored: tuple[Callable[[Session, datetime], object], ...] = ()
    # What else is worth watching in it, told at /metrics.
    measures: tuple[Look, ...] = ()
