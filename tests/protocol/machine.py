"""The protocol as a state machine: every order of telling, sending, losing, repeating, dying, forgetting and pruning.

What must hold at every moment: no fact has two effects, and the effects about one subject at one hearer are the facts
told of it, in that order, up to some point. What must hold once the broker behaves: ten seconds later every fact has
had its effect everywhere, and every delivery is acknowledged.
"""

from __future__ import annotations

import atexit
from datetime import UTC, datetime
from functools import cache
from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from services.chassis.broker import events_queue
from services.chassis.inbox import Inbox
from tests.protocol.broker import Broker
from tests.protocol.street import HEARERS, KINDS, MISSHAPEN, TELLER, Both, Houses, Street, do_and_tell

SUBJECTS = (UUID(int=1), UUID(int=2))
SETTLED_S = 10
DEATHS = st.one_of(
    st.none(), st.tuples(st.sampled_from(("before commit", "after commit", "sending")), st.integers(0, 2))
)
WHO = st.sampled_from((TELLER, *HEARERS))


class Protocol(RuleBasedStateMachine):
    """Made with other parts (`ears`, `broker`, `say`), it tells whether those keep the promises."""

    ears: Any = Inbox
    broker: Any = Broker
    say: Any = staticmethod(do_and_tell)

    @initialize()
    def open(self) -> None:
        self.street = Street(houses(), type(self).ears, type(self).broker(), type(self).say)
        self.told: dict[tuple[str, UUID], list[int]] = {(h, s): [] for h in HEARERS for s in SUBJECTS}
        self.discarded: set[tuple[str, int]] = set()
        self.last = 0
        self.wrong: set[int] = set()
        self.dump = self.street.broker.dump()

    @rule(
        kind=st.sampled_from(list(KINDS)),
        subject=st.sampled_from(SUBJECTS),
        poison=st.integers(0, 7),
        dies=DEATHS,
    )
    def tell(self, kind: Any, subject: UUID, poison: int, dies: tuple[str, int] | None = None) -> None:
        self.last += 1
        if not self.street.tell(kind, subject, self.last, dies):
            return
        if poison == 0:
            self.street.poisoned.add(self.last)
        elif poison == 1:
            MISSHAPEN.add(self.last)
        elif poison == 2:
            self.street.lethal.add(self.last)
        if poison <= 1:
            self.wrong.add(self.last)
        for hearer in KINDS[kind]:
            self.told[hearer, subject].append(self.last)

    @rule(name=WHO, dies=DEATHS)
    def relay(self, name: str, dies: tuple[str, int] | None) -> None:
        self.street.relay(name, dies)

    @precondition(lambda self: self.street.broker.messages())
    @rule(data=st.data(), dies=DEATHS, again=st.booleans())
    def deliver(self, data: Any, dies: tuple[str, int] | None, again: bool) -> None:
        queue, place = data.draw(st.sampled_from(self.street.broker.messages()))
        self.street.deliver(queue, place, dies, again)

    @precondition(lambda self: self.street.broker.messages())
    @rule(data=st.data())
    def lose(self, data: Any) -> None:
        queue, place = data.draw(st.sampled_from(self.street.broker.messages()))
        del self.street.broker.queues[queue][place]

    @rule(seconds=st.sampled_from((8, 60)))
    def lose_what_is_sent(self, seconds: int) -> None:
        """Popped and gone, as when a worker dies between the broker's list and its own."""
        self.street.relay(TELLER)
        self.street.broker.queues.clear()
        self.street.pass_time(seconds)

    @rule(subject=st.sampled_from(SUBJECTS), name=st.sampled_from(HEARERS), dies=DEATHS)
    def overtake(self, subject: UUID, name: str, dies: tuple[str, int] | None) -> None:
        """The younger of two facts comes first, and its hearer may die of the elder."""
        for _ in range(2):
            self.tell(kind=Both, subject=subject, poison=7)
            self.street.relay(TELLER)
        queue = events_queue(name)
        for place in reversed(range(len(self.street.broker.queues.get(queue, ())))):
            self.street.deliver(queue, place, dies if place == 0 else None)

    @rule()
    def go_round(self) -> None:
        self.street.go_round()

    @rule(what=st.sampled_from(("forget", "dump", "restore", "leave", "return")))
    def break_broker(self, what: str) -> None:
        broker = self.street.broker
        if what == "forget":
            broker.forget()
        elif what == "dump":
            self.dump = broker.dump()
        elif what == "restore":
            broker.restore(self.dump)
        else:
            broker.is_away = what == "leave"

    @rule(seconds=st.sampled_from((1, 8, 60, 400)))
    def pass_time(self, seconds: int) -> None:
        self.street.pass_time(seconds)

    @rule(name=WHO, days=st.sampled_from((0, 15, 100)))
    def prune(self, name: str, days: int) -> None:
        if days < 100 or name == TELLER:
            self.street.prune(name, days)

    @rule()
    def mend_handlers(self) -> None:
        self._mend()

    def _mend(self) -> None:
        self.street.poisoned.clear()
        self.street.lethal.clear()
        self.street.kills.clear()
        MISSHAPEN.clear()

    @precondition(lambda self: any(self.street.dead(name) for name in HEARERS))
    @rule(retries=st.booleans())
    def decide_about_the_dead(self, retries: bool) -> None:
        name = next(name for name in HEARERS if self.street.dead(name))
        self._decide(name, retries=retries)

    def _decide(self, name: str, *, retries: bool) -> None:
        event_id = self.street.dead(name)[0]
        service, database = self.street.services[name], self.street.databases[name]
        number = self.street.number_of(name, event_id)
        self.street.kills.pop((name, number), None)
        if not retries:
            self.discarded.add((name, number))
        # What is tried, or what waited behind it, may kill the operator's process as well.
        with self.street.death.comes(None):
            if retries:
                service.inbox.retry(database, event_id)
            else:
                service.inbox.discard(database, event_id, now=datetime.now(UTC))

    @invariant()
    def once_and_in_order(self) -> None:
        for name in HEARERS:
            for subject, numbers in self.street.applied(name).items():
                due = self._due(name, subject)
                assert numbers == due[: len(numbers)], f"{name} applied {numbers} of {due}"

    @invariant()
    def only_what_is_wrong_is_dead(self) -> None:
        for name in HEARERS:
            dead = {self.street.number_of(name, event_id) for event_id in self.street.dead(name)}
            assert dead <= self.wrong | self.street.struck, f"{name} gave up {dead} for nothing"

    def teardown(self) -> None:
        if not hasattr(self, "street"):
            return
        # The last of the faults is a broker that forgot; from then on it behaves.
        self.street.broker.is_away = False
        self.street.broker.forget()
        self._mend()
        for _ in range(SETTLED_S):
            self.street.go_round()
            for name in HEARERS:
                while self.street.dead(name):
                    self._decide(name, retries=True)
            self.street.pass_time(1)
        for name in HEARERS:
            applied = self.street.applied(name)
            for subject in SUBJECTS:
                assert applied.get(subject, []) == self._due(name, subject), f"{name} misses facts"
        under_way = self.street.unacknowledged(), self.street.acks_on_their_way()
        assert under_way == (0, 0), f"{under_way} facts and acknowledgements are still under way"

    def _due(self, name: str, subject: UUID) -> list[int]:
        return [number for number in self.told[name, subject] if (name, number) not in self.discarded]


@cache
def houses() -> Houses:
    """One set for all runs of this process."""
    opened = Houses()
    atexit.register(opened.close)
    return opened
