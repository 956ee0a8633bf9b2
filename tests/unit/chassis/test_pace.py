"""A relay at rest looks ever later, and no work that somebody left waits for that."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from services.chassis.db import Database
from services.chassis.pace import IDLE_S, POLL_S, WAITING_S, Pace
from services.chassis.relay import Relay
from services.chassis.service import Sweep, Task
from services.chassis.settings import Settings
from tests import toys
from tests.protocol.broker import Broker, Post


def test_a_relay_that_finds_nothing_looks_ever_later() -> None:
    pace, pauses = Pace(), []
    for _ in range(5):
        pauses.append(pace.pause_s)
        pace.rest(is_quiet=True)

    assert pauses == [POLL_S, 2 * POLL_S, 4 * POLL_S, IDLE_S, IDLE_S]


@given(rests=st.lists(st.booleans(), max_size=8))
def test_what_is_not_acknowledged_is_never_left_alone_for_long(rests: list[bool]) -> None:
    pace = Pace()
    for is_quiet in [*rests, False]:
        pace.rest(is_quiet=is_quiet)

    assert pace.pause_s <= WAITING_S


@given(rests=st.lists(st.booleans(), max_size=8))
def test_a_nudge_ends_every_rest(rests: list[bool]) -> None:
    pace = Pace()
    for is_quiet in rests:
        pace.rest(is_quiet=is_quiet)

    pace.wake()

    assert (pace.is_woken, pace.pause_s) == (True, POLL_S)


@pytest.fixture
def swept(open_sqlite: Callable[..., Database]) -> tuple[Relay, list[str]]:
    """A relay with two sweeps that are due once an hour, and the names of those that ran."""
    ran: list[str] = []

    def sweep(name: str, **how: bool) -> Sweep:
        def find(_session: Session, _now: datetime) -> list[list[Any]]:
            ran.append(name)
            return []

        return Sweep(name, 3600, find, "post", **how)

    service = replace(
        toys.SERVICES["registration"],
        sweeps=(sweep("left"), sweep("clock", by_clock=True)),
        tasks=(Task("post", "registration.events", print),),
    )
    relay = Relay(service, Settings(mode="test"), open_sqlite(service.metadata, "registration"))
    relay.post = Post(Broker(), lambda: None)  # type: ignore[assignment]
    relay.turn()
    return relay, ran


def test_every_sweep_runs_at_first(swept: tuple[Relay, list[str]]) -> None:
    assert swept[1] == ["left", "clock"]


def test_a_sweep_whose_hour_has_not_come_opens_no_transaction_at_rest(swept: tuple[Relay, list[str]]) -> None:
    relay, ran = swept
    relay.pace.rest(is_quiet=True)

    relay.turn()

    assert ran == ["left", "clock"]


def test_a_nudge_has_left_work_found_at_once_and_leaves_the_clock_alone(swept: tuple[Relay, list[str]]) -> None:
    relay, ran = swept
    relay.pace.rest(is_quiet=True)
    relay.pace.wake()

    relay.turn()

    assert ran == ["left", "clock", "left"]
