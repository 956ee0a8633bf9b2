"""The protocol keeps its promises under every fault; and a protocol with a known bug is caught."""

from __future__ import annotations

import logging
from typing import Any
from uuid import UUID

import pytest
import structlog
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from sqlalchemy import insert, select

from services.chassis import prune
from services.chassis.db import Database, ack_out, delivery, outbox, seen
from services.chassis.inbox import Inbox
from tests.protocol.broker import Broker
from tests.protocol.machine import Protocol

# Derandomized: a run that is green today is green tomorrow, and a bug is found at every run or at none.
SOUND = settings(
    max_examples=50,
    stateful_step_count=30,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
# A bug need only be found, not be made small.
PLANTED = settings(SOUND, max_examples=150, phases=[Phase.generate], report_multiple_bugs=False)


@pytest.fixture(autouse=True)
def quiet():
    """Thousands of lines a second of what is meant to go wrong."""
    before = structlog.get_config()["wrapper_class"]
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.configure(wrapper_class=before)


def broken(ears: Any = Inbox, broker: Any = Broker) -> type[Protocol]:
    return type("Broken", (Protocol,), {"ears": staticmethod(ears), "broker": staticmethod(broker)})


def caught(machine: type[Protocol]) -> str:
    with pytest.raises(AssertionError) as found:
        run_state_machine_as_test(machine, settings=PLANTED)
    return str(found.value)


class OneByOne(Inbox):
    """Every fact goes through `hear`, where the bug is."""

    def hear_all(self, database, envelopes, **_):
        return [self.hear(database, envelope) for envelope in envelopes]


def _acknowledge(database: Database, envelope: dict[str, Any]) -> None:
    with database.transaction() as session:
        session.execute(insert(ack_out).values(source=envelope["source"], event_id=UUID(envelope["id"])))


def test_nothing_is_lost_applied_twice_or_out_of_order():
    run_state_machine_as_test(Protocol, settings=SOUND)


def test_an_acknowledgement_before_the_commit_is_caught():
    class TooEarly(OneByOne):
        def hear(self, database, envelope):
            _acknowledge(database, envelope)
            return super().hear(database, envelope)

    assert "misses facts" in caught(broken(ears=TooEarly))


def test_an_acknowledgement_of_a_whole_message_before_its_commit_is_caught():
    class TooEarlyForAll(Inbox):
        def hear_all(self, database, envelopes, **rest):
            for envelope in envelopes:
                _acknowledge(database, envelope)
            return super().hear_all(database, envelopes, **rest)

    assert "misses facts" in caught(broken(ears=TooEarlyForAll))


def test_a_parked_fact_that_is_acknowledged_is_caught():
    class ParksForGood(OneByOne):
        def hear(self, database, envelope):
            outcome = super().hear(database, envelope)
            if outcome == "parked":
                _acknowledge(database, envelope)
            return outcome

    assert "misses facts" in caught(broken(ears=ParksForGood))


def test_ignoring_the_order_of_facts_is_caught():
    class TakesWhatComes(OneByOne):
        def hear(self, database, envelope):
            with database.reading() as session:
                last = session.scalar(
                    select(seen.c.version).where(
                        seen.c.source == envelope["source"], seen.c.subject == UUID(envelope["subject"])
                    )
                )
            return super().hear(database, {**envelope, "aggversion": (last or 0) + 1})

    assert caught(broken(ears=TakesWhatComes))


def test_a_broker_whose_forgetting_goes_unnoticed_is_caught():
    class AlwaysTheSame(Broker):
        def forget(self):
            epoch, run_id = self.epoch, self.run_id
            super().forget()
            self.epoch, self.run_id = epoch, run_id

    # What was forgotten once comes again by itself in time; what was forgotten over and over does not.
    said = caught(broken(broker=AlwaysTheSame))
    assert "still under way" in said or "misses facts" in said


def test_pruning_what_nobody_acknowledged_is_caught(monkeypatch):
    def too_eager(session, now):
        session.execute(outbox.delete())
        session.execute(delivery.delete())

    monkeypatch.setattr(prune, "prune", too_eager)

    assert "misses facts" in caught(broken())


def test_pruning_the_versions_that_were_seen_is_caught(monkeypatch):
    sound = prune.prune

    def too_eager(session, now):
        sound(session, now)
        session.execute(seen.delete())

    monkeypatch.setattr(prune, "prune", too_eager)

    assert caught(broken())
