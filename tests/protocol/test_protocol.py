"""The protocol keeps its promises under every fault; and a protocol with a known bug is caught."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
import structlog
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from sqlalchemy import insert, select, update

from services.chassis import due, ledger, prune
from services.chassis.db import Database, ack_out, delivery, inbox, outbox, seen, told
from services.chassis.inbox import Inbox
from services.chassis.outbox import publish
from services.chassis.starts import Starts
from tests.protocol import street
from tests.protocol.broker import Broker
from tests.protocol.machine import Protocol
from tests.protocol.street import KINDS, do, do_and_tell

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


def broken(ears: Any = Inbox, broker: Any = Broker, say: Any = do_and_tell) -> type[Protocol]:
    parts = {"ears": ears, "broker": broker, "say": say}
    return type("Broken", (Protocol,), {name: staticmethod(part) for name, part in parts.items()})


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


def _last(database: Database, envelope: dict[str, Any]) -> int:
    """The version that was heard last of this subject."""
    mine = (seen.c.source == envelope["source"], seen.c.subject == UUID(envelope["subject"]))
    with database.reading() as session:
        return session.scalar(select(seen.c.version).where(*mine)) or 0


def _pretend(database: Database, envelope: dict[str, Any], version: int) -> None:
    """Have this version be the last that was heard of the subject."""
    thread = (envelope["source"], UUID(envelope["subject"]))
    with database.transaction() as session:
        ledger.lock(session, [thread])
        ledger.remember(session, {thread: version})


class _OfTwoCommits(OneByOne):
    """The effect has a commit of its own; what is heard in its place does nothing."""

    effect_first = True

    def hear(self, database, envelope):
        ear = self.ears.get(envelope["type"])
        if ear is None or envelope["aggversion"] != _last(database, envelope) + 1:
            return super().hear(database, envelope)
        try:
            fact = ear.fact(envelope)
            if self.effect_first:
                self._act(database, ear, fact)
        except Exception:  # noqa: BLE001 what is wrong with it is found again, and written down
            return super().hear(database, envelope)
        self.ears[envelope["type"]] = replace(ear, handle=lambda *_: None)
        try:
            outcome = super().hear(database, envelope)
        finally:
            self.ears[envelope["type"]] = ear
        if outcome == "heard" and not self.effect_first:
            self._act(database, ear, fact)
        return outcome

    def _act(self, database, ear, fact):
        with database.transaction() as session:
            ear.handle(session, fact, datetime.now(UTC))


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


def test_forgetting_how_many_were_told_is_caught(monkeypatch):
    sound = prune.prune

    def too_eager(session, now):
        sound(session, now)
        session.execute(told.delete())

    monkeypatch.setattr(prune, "prune", too_eager)

    assert caught(broken())


def test_not_minding_gaps_is_caught():
    class TakesTheNewest(OneByOne):
        def hear(self, database, envelope):
            if envelope["aggversion"] > _last(database, envelope) + 1:
                _pretend(database, envelope, envelope["aggversion"] - 1)
            return super().hear(database, envelope)

    assert caught(broken(ears=TakesTheNewest))


def test_not_knowing_what_was_heard_is_caught():
    class ForgetsAtOnce(OneByOne):
        def hear(self, database, envelope):
            if envelope["aggversion"] <= _last(database, envelope):
                _pretend(database, envelope, envelope["aggversion"] - 1)
                with database.transaction() as session:
                    session.execute(inbox.delete().where(inbox.c.event_id == UUID(envelope["id"])))
            return super().hear(database, envelope)

    assert caught(broken(ears=ForgetsAtOnce))


def test_an_effect_that_is_committed_before_it_is_known_as_heard_is_caught():
    assert caught(broken(ears=_OfTwoCommits))


def test_an_effect_that_is_committed_after_it_is_known_as_heard_is_caught():
    class EffectLast(_OfTwoCommits):
        effect_first = False

    assert caught(broken(ears=EffectLast))


def test_counting_as_delivered_what_was_only_sent_is_caught(monkeypatch):
    sound = due.claim

    def claim(session, hearer, most, now, **rest):
        rows = sound(session, hearer, most, now, **rest)
        sent = (delivery.c.hearer == hearer, delivery.c.attempts > 0)
        session.execute(update(delivery).where(*sent).values(acked_at=now))
        return rows

    monkeypatch.setattr(due, "claim", claim)

    assert "misses facts" in caught(broken())


def test_not_acknowledging_what_comes_again_is_caught():
    class Silent(OneByOne):
        def hear(self, database, envelope):
            if envelope["aggversion"] <= _last(database, envelope):
                return "again"
            return super().hear(database, envelope)

    assert "still under way" in caught(broken(ears=Silent))


def test_an_acknowledgement_that_counts_for_every_hearer_is_caught(monkeypatch):
    def for_all(database, hearer, event_ids):
        with database.transaction() as session:
            mine = delivery.c.event_id.in_(event_ids)
            session.execute(update(delivery).where(mine).values(acked_at=datetime.now(UTC)))

    monkeypatch.setattr(street, "acknowledge", for_all)

    assert "misses facts" in caught(broken())


def test_an_acknowledgement_of_what_is_only_begun_is_caught(monkeypatch):
    sound = Starts.may

    def may(self, database, fact):
        if begins := sound(self, database, fact):
            _acknowledge(database, fact.envelope)
        return begins

    monkeypatch.setattr(Starts, "may", may)

    assert "misses facts" in caught(broken())


def test_not_counting_the_workers_that_a_fact_kills_is_caught(monkeypatch):
    monkeypatch.setattr(Starts, "may", lambda *_: True)

    assert "kill one worker after the other" in caught(broken())


def test_telling_before_it_is_so_is_caught():
    def tell_first(database, kind, subject, number):
        with database.transaction() as session:
            publish(session, kind, about={"person": subject, "number": number})
        with database.transaction() as session:
            do(session, subject, number)

    assert caught(broken(say=tell_first))


def test_telling_after_the_commit_is_caught():
    def do_first(database, kind, subject, number):
        with database.transaction() as session:
            do(session, subject, number)
        with database.transaction() as session:
            publish(session, kind, about={"person": subject, "number": number})

    assert "misses facts" in caught(broken(say=do_first))


def test_numbers_that_are_taken_in_a_commit_of_their_own_are_caught():
    def count_first(database, kind, subject, number):
        mine = (told.c.subject == subject, told.c.hearer.in_(KINDS[kind]))
        with database.transaction() as session:
            session.execute(update(told).where(*mine).values(version=told.c.version + 1))
        with database.transaction() as session:
            session.execute(update(told).where(*mine).values(version=told.c.version - 1))
            do(session, subject, number)
            publish(session, kind, about={"person": subject, "number": number})

    assert "misses facts" in caught(broken(say=count_first))


def test_trying_a_dead_fact_again_that_is_no_longer_listed_is_caught():
    class TakesItOffTheList(Inbox):
        def retry(self, database, event_id):
            with database.transaction() as session:
                mine = inbox.c.event_id == event_id
                kept = session.scalar(select(inbox.c.envelope).where(mine))
                session.execute(update(inbox).where(mine).values(status="failed", attempts=0, starts=0))
            return self.hear(database, {**kept, "attempt": 1})

    assert "misses facts" in caught(broken(ears=TakesItOffTheList))
