"""Which mail server is next, and when: the order of preference, the rate each allows, and rest for one that is away.

All posters of all machines share the rows, so a rate holds over all of them and a server that one of them found away
is left alone by all. A server that needs neither costs no write.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from services.chassis.inbox import upsert
from services.notifications.lines import Server
from services.notifications.models import MailServer

# A poster waits this long for its slot; for a later one the letters wait in the queue instead.
PATIENCE = timedelta(seconds=2)
# One server that came back is tried by one poster; if that one dies too, by the next after this.
TRIAL = timedelta(seconds=30)
REST_MAX_S = 30.0
# A slot is good for one interval, and never less than a process may be held up by its machine.
# A slot lies at most one interval ahead, and the slowest rate is one letter in half an hour.
LONGEST_INTERVAL = timedelta(minutes=31)
GRACE = timedelta(milliseconds=50)
# Slots are taken at most for this long ahead, so that what one poster cannot use is not lost to the others.
AHEAD_S = 0.02


@dataclass(frozen=True, slots=True)
class Turn:
    """Leave to give letters to `server`: the one of number i at `slots[i]` or within `grace` after it."""

    server: Server
    slots: tuple[datetime, ...]
    grace: timedelta | None
    is_trial: bool = False

    def is_late(self, slot: datetime, now: datetime) -> bool:
        return self.grace is not None and now > slot + self.grace


@dataclass(frozen=True, slots=True)
class Closed:
    """No server takes a letter before `until`."""

    until: datetime


def next_turn(session: Session, servers: Sequence[Server], wanted: int, now: datetime) -> Turn | Closed:
    """Take up to `wanted` slots of the first server that is well, or learn until when all are closed.

    A rate is kept by the instant at which its server is free again: each slot moves it ahead by one interval, whoever
    takes it, so that in any time T at most rate x T + 1 slots lie, and a pause saves nothing up (the generic cell rate
    algorithm of ITU-T I.371 with a tolerance of zero).
    """
    until: list[datetime] = []
    for server in servers:
        row = _row(session, server, for_update=server.rate > 0)
        if row is not None and row.rests_until is not None:
            row = session.get_one(MailServer, server.name, with_for_update=True, populate_existing=True)
            if row.rests_until is not None and row.rests_until > now:
                until.append(row.rests_until)
                continue
        is_trial = row is not None and row.rests_until is not None
        if server.rate > 0:
            row = row or _add(session, server)
            first = max(now, row.free_at or now)
            if first > now + PATIENCE:
                # The next in line is for when this one is away, not for when it is busy.
                return Closed(first)
            interval = timedelta(seconds=1 / server.rate)
            count = 1 if is_trial else max(1, min(wanted, int(server.rate * AHEAD_S)))
            row.free_at = first + count * interval
            slots = tuple(first + number * interval for number in range(count))
            grace = max(interval, GRACE)
        else:
            slots, grace = (now,) * (1 if is_trial else wanted), None
        if is_trial and row is not None:
            row.rests_until, row.is_tried = now + TRIAL, True
        return Turn(server, slots, grace, is_trial)
    return Closed(min(until, default=now + TRIAL))


def open_from(session: Session, servers: Sequence[Server], now: datetime) -> datetime:
    """From when on a letter may be given to one of these servers; takes nothing."""
    opens = []
    for server in servers:
        row = _row(session, server)
        if row is None:
            return now
        if row.rests_until is not None and row.rests_until > now:
            opens.append(row.rests_until)
            continue
        return max(now, (row.free_at or now) - PATIENCE) if server.rate > 0 else now
    return min(opens, default=now)


def rest(session: Session, server: Server, said: str, now: datetime) -> None:
    """This server cannot be reached: leave it alone for 1, 2, 4… 30 s, all posters together."""
    row = _row(session, server, for_update=True) or _add(session, server)
    if row.rests_until is not None and row.rests_until > now and not row.is_tried:
        return  # somebody else found out first
    longest = min(REST_MAX_S, 2.0**row.failures)
    row.failures = min(row.failures + 1, 30)
    row.is_tried = False
    row.rests_until = now + timedelta(seconds=longest * random.uniform(0.7, 1.0))  # noqa: S311 - jitter
    row.said, row.said_at = said, now


def well(session: Session, server: Server) -> None:
    """This server answered after it had been away."""
    row = _row(session, server, for_update=True)
    if row is not None:
        row.failures, row.rests_until, row.is_tried = 0, None, False


def set_right(session: Session, now: datetime) -> None:
    """Forget rests and slots so far ahead that only a wrong clock can have written them."""
    rests = MailServer.rests_until > now + TRIAL + PATIENCE
    session.execute(update(MailServer).where(rests).values(rests_until=now))
    slots = MailServer.free_at > now + LONGEST_INTERVAL
    session.execute(update(MailServer).where(slots).values(free_at=now))


def all_of(session: Session) -> list[MailServer]:
    """Every server that was ever slowed down or away."""
    return list(session.scalars(select(MailServer).order_by(MailServer.name)))


def _row(session: Session, server: Server, *, for_update: bool = False) -> MailServer | None:
    return session.get(MailServer, server.name, with_for_update=for_update)


def _add(session: Session, server: Server) -> MailServer:
    session.execute(
        upsert(session)(MailServer)
        .values(name=server.name, failures=0, is_tried=False)
        .on_conflict_do_nothing(index_elements=[MailServer.name])
    )
    return session.get_one(MailServer, server.name, with_for_update=True)
