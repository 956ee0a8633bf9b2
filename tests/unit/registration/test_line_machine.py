"""Whatever people and organisers do, in whatever order: the promises of seats and of the waiting line hold."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from datetime import timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import select

from services.chassis.db import Database, outbox
from services.chassis.errors import Refused
from services.registration import (
    cancellations,
    gatherings,
    merges,
    registrations,
    sign_ins,
    transfers,
    waiting_list,
)
from services.registration.models import Base, Deed, Gathering, Participant, State
from tests.unit.registration.conftest import DESCRIPTION, LINKS, NOON

PEOPLE = 9
SEATS = st.integers(0, 5)
QUOTAS = st.one_of(st.none(), st.integers(0, 4))
SOMEBODY = st.integers(0, PEOPLE - 1)
TERRITORY = st.sampled_from("AB")
# What is told when somebody comes to stand where they stand. Waiting again tells the rank again.
FACTS = {
    State.pending_email: "address_to_confirm",
    State.registered: ("participant_registered", "participant_restored"),
    State.waiting: "participant_waitlisted",
    State.offered: "seat_offered",
    State.declined: "participant_cancelled",
    State.cancelled: "participant_cancelled",
    State.transferred: "participant_cancelled",
    State.expired: ("hold_expired", "offer_expired"),
}
# Facts that tell no new standing.
ASIDE = {"link_asked", "participant_changed", "gathering_described", "role_granted"}


class Line(RuleBasedStateMachine):
    """One gathering with two territories, nine people, and a clock that only goes forward."""

    @initialize(seats=SEATS, quotas=st.tuples(QUOTAS, QUOTAS))
    def open(self, seats, quotas):
        self.folder = tempfile.mkdtemp(prefix="palabre-line-")
        self.database = Database(f"sqlite:///{self.folder}/line.db", "registration")
        Base.metadata.create_all(self.database.engine)
        self.now, self.people = NOON, {}
        with self.database.transaction() as session:
            self.odile = sign_ins.welcome(session, "odile@example.org", now=NOON)
            made = gatherings.create(
                session, by=self.odile, links=LINKS, now=NOON,
                **{**DESCRIPTION, "seats": seats, "territories": _territories(quotas)},
            )  # fmt: skip
            gatherings.open_door(session, made.id, by=self.odile.id, links=LINKS, now=NOON)
        self.gathering_id = made.id
        self.stood, self.heard, self.noted = {}, self._facts(), self._deeds()

    def teardown(self):
        if hasattr(self, "database"):
            self.database.dispose()
            shutil.rmtree(self.folder)

    @rule(who=SOMEBODY, territory=TERRITORY)
    def ask(self, who, territory):
        answer = self._do(
            registrations.ask, self.gathering_id, **_said(who), territory=territory, trade="direction",
            structure="", language="fr",
        )  # fmt: skip
        if answer:
            self.people[who] = answer.participant_id

    @rule(who=SOMEBODY)
    def confirm(self, who):
        self._do_for(who, registrations.confirm)

    @rule(who=SOMEBODY)
    def cancel(self, who):
        self._do_for(who, cancellations.cancel)

    @rule(who=SOMEBODY)
    def restore(self, who):
        self._do_for(who, cancellations.restore)

    @rule(who=SOMEBODY)
    def accept(self, who):
        self._do_for(who, waiting_list.accept)

    @rule(who=SOMEBODY)
    def decline(self, who):
        self._do_for(who, waiting_list.decline)

    @rule(giver=SOMEBODY, heir=SOMEBODY, territory=TERRITORY)
    def hand_over(self, giver, heir, territory):
        got = self._do_for(
            giver, transfers.hand_over, **_said(heir), territory=territory, trade="direction", structure="",
            language="fr",
        )  # fmt: skip
        if got:
            self.people[heir] = got.id

    @rule(who=SOMEBODY, territory=TERRITORY)
    def move(self, who, territory):
        said = {name: value for name, value in _said(who).items() if name != "email"}
        self._do_for(
            who,
            registrations.change,
            **said,
            territory=territory,
            trade="direction",
            structure="",
            language="fr",
        )

    @rule(hours=st.integers(1, 60))
    def wait(self, hours):
        self.now += timedelta(hours=hours)

    @rule()
    def expire(self):
        self._do(waiting_list.expire)

    @rule(seats=SEATS, quotas=st.tuples(QUOTAS, QUOTAS))
    def resize(self, seats, quotas):
        version = self._gathering().version
        self._do(
            gatherings.change, self.gathering_id, version=version, by=self.odile.id, seats=seats,
            territories=_territories(quotas),
        )  # fmt: skip

    @precondition(lambda self: hasattr(self, "database"))
    @invariant()
    def never_more_seats_than_allowed(self):
        room = self._room()
        assert room.taken <= room.seats
        assert all(room.held.get(letter, 0) <= quota for letter, quota in room.quotas.items())

    @precondition(lambda self: hasattr(self, "database"))
    @invariant()
    def no_seat_stays_free_while_somebody_waits_who_may_have_it(self):
        if waiting_list.is_served(self._gathering(), now=self.now):
            room = self._room()
            free_for = {one.territory for one in self._people() if one.state == State.waiting}
            assert [letter for letter in free_for if room.refusal(letter) is None] == []

    @precondition(lambda self: hasattr(self, "database"))
    @invariant()
    def who_came_first_is_served_first_and_each_change_is_one_fact_and_one_deed(self):
        people = self._people()
        fresh = [one for one in people if self.stood.get(one.id) != one.state]
        for one in fresh:
            if one.state == State.offered:
                passed = [w for w in people if w.state == State.waiting and w.territory == one.territory]
                assert all(w.line > one.line for w in passed)
        facts, deeds = self._facts(), self._deeds()
        told = {key: n for key, n in (facts - self.heard).items() if key[1] not in ASIDE}
        expected = {(one.id, _fact(one, told)): 1 for one in fresh}
        # Who asked to have their place in the line back, and found a seat, is told both in that order.
        extra = set(told) - set(expected)
        assert all(
            name == "participant_waitlisted" and (who, "seat_offered") in expected for who, name in extra
        )
        assert {key: told.get(key) for key in expected} == expected
        assert {one.id for one in fresh} <= {who for who, _ in deeds - self.noted}
        self.heard, self.noted = facts, deeds
        self.stood = {one.id: one.state for one in people}

    @precondition(lambda self: hasattr(self, "database"))
    @invariant()
    def a_number_in_the_line_is_one_persons(self):
        lines = [one.line for one in self._people() if one.line]
        assert len(set(lines)) == len(lines)

    def _do(self, what, *args, **kwargs):
        try:
            with self.database.transaction() as session:
                return what(session, *args, links=LINKS, now=self.now, **kwargs)
        except Refused:
            return None

    def _do_for(self, who, what, **kwargs):
        return self._do(what, self.people[who], **kwargs) if who in self.people else None

    def _gathering(self):
        with self.database.reading() as session:
            return session.get(Gathering, self.gathering_id)

    def _room(self):
        with self.database.reading() as session:
            return waiting_list.count(session, session.get(Gathering, self.gathering_id)).room

    def _people(self):
        with self.database.reading() as session:
            return session.scalars(select(Participant)).all()

    def _facts(self):
        with self.database.reading() as session:
            rows = session.execute(select(outbox.c.subject, outbox.c.type)).all()
        return Counter((subject, told.split(".")[1]) for subject, told in rows)

    def _deeds(self):
        with self.database.reading() as session:
            return Counter(tuple(row) for row in session.execute(select(Deed.about, Deed.deed)))


class Doubled(Line):
    """The same, while organisers join people and part them again, rightly or wrongly."""

    # What joining tells has tests of its own; a name that stands elsewhere is not a new fact.
    who_came_first_is_served_first_and_each_change_is_one_fact_and_one_deed = None

    @rule(stays=SOMEBODY, goes=SOMEBODY)
    def join(self, stays, goes):
        if stays in self.people and goes in self.people:
            both = (self.people[stays], self.people[goes])
            self._do(merges.merge, self.gathering_id, *both, by=self.odile.id)

    @rule(who=SOMEBODY)
    def part(self, who):
        for one in self._people():
            if one.state == State.merged and one.email == _said(who)["email"]:
                self._do(merges.part, self.gathering_id, one.id, by=self.odile.id)

    @precondition(lambda self: hasattr(self, "database"))
    @invariant()
    def who_is_joined_is_joined_to_one_person_who_is_there(self):
        people = {one.id: one for one in self._people()}
        for one in people.values():
            assert (one.state == State.merged) == (one.merged_into is not None)
            seen = set()
            while one.merged_into:
                assert one.id not in seen
                seen.add(one.id)
                one = people[one.merged_into]


def _territories(quotas):
    return [{"name": name, "quota": quota} for name, quota in zip(("Armorique", "Beauce"), quotas, strict=True)]


def _said(who):
    return {"given": f"Guest {who}", "family": "", "email": f"guest{who}@example.org"}


def _fact(person, told):
    names = FACTS[person.state]
    names = names if isinstance(names, tuple) else (names,)
    return next((name for name in names if (person.id, name) in told), names[0])


TestLine = Line.TestCase
TestLine.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)
TestDoubled = Doubled.TestCase
TestDoubled.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)
