"""What calendars are told through a whole life of a registration, against what each program needs."""

from __future__ import annotations

import email
import email.policy
from collections import defaultdict
from datetime import UTC, datetime, timedelta

import pytest

from tests.unit.notifications.clients import RULES, Told, told
from tests.unit.notifications.conftest import NOON, a_person, registered

MOVED = {"starts_at": "2027-04-09T07:30:00+00:00", "ends_at": "2027-04-09T15:00:00+00:00"}


class Life:
    """Facts heard one by one, each followed by the post; what came out of the mail server, in its order."""

    def __init__(self, street, sink, post):
        self.street, self._sink, self._post = street, sink, post
        self._url = sink.start()
        self.messages = []

    def hear(self, fact, data):
        self.street.hear(f"registration.{fact}.v1", data)
        return self._arrived()

    def describe(self, **other):
        self.street.describe(**other)
        return self._arrived()

    def _arrived(self):
        """The methods of the calendar messages that came of this, in the order of their letters."""
        # Far enough ahead that nothing waits for further news or for the morning.
        self._post(self.street.database, self._url, datetime.now(UTC) + timedelta(days=2))
        new = self._sink.messages[len(self.messages) :]
        self.messages += [email.message_from_bytes(raw, policy=email.policy.default) for raw in new]
        return [one.method if (one := told(message)) else None for message in self.messages[-len(new) :] if new]

    def by_appointment(self) -> dict[str, list[Told]]:
        found = defaultdict(list)
        for message in self.messages:
            if (one := told(message)) is not None:
                found[str(one.event["uid"])].append(one)
        return dict(found)


@pytest.fixture
def life(street, sink, post):
    return Life(street, sink, post)


def lived(life, **other):
    """Ada waits, is offered a seat, takes it, changes, gives it back, comes back; the day moves, ends, is on again."""
    ada = a_person(**other)
    gone = {**ada, "held_seat": True, "cancelled_at": NOON.isoformat()}
    return ada, [
        life.hear("participant_waitlisted", {**ada, "rank": 1, "reason": "full"}),
        life.hear("seat_offered", {**ada, "expires_at": "2027-03-04T18:00:00+00:00"}),
        life.hear("participant_registered", registered(ada)),
        life.hear("participant_changed", {**ada, "before": {"structure": "A"}, "after": {"structure": "B"}}),
        life.describe(version=2, **MOVED),
        life.describe(version=3, place="Halle aux grains", **MOVED),
        life.hear("participant_cancelled", gone),
        life.hear("participant_restored", registered(ada)),
        life.describe(version=4, place="Halle aux grains", state="cancelled", **MOVED),
        life.describe(version=5, place="Halle aux grains", **MOVED),
    ]


def test_calendars_hear_of_a_seat_and_of_nothing_before_it(life):
    _ada, heard = lived(life)

    assert heard == [
        [None],
        [None],
        ["REQUEST"],
        ["REQUEST"],
        ["REQUEST"],
        ["REQUEST"],
        ["CANCEL"],
        ["REQUEST"],
        ["CANCEL"],
        ["REQUEST"],
    ]


@pytest.mark.parametrize(
    "people, gathering",
    [
        ({}, {}),
        ({"given": 'Ada "Q", <b>;', "family": "نور"}, {"title": "🎉" * 250, "place": "🏠" * 250}),
        ({"email": "equipe@passerelles.example"}, {"reply_to": "Equipe@Passerelles.example"}),
        ({"email": "ada@exämple.org"}, {"reply_to": ""}),
    ],
    ids=["plain", "hostile", "the organiser comes too", "another alphabet"],
)
def test_every_message_of_a_whole_life_is_what_each_program_needs(life, people, gathering):
    life.describe(version=1 if not gathering else 100, **gathering)
    life.describe = lambda **other: _described(life, gathering, other)

    lived(life, **people)

    (appointment,) = life.by_appointment().values()
    assert len(appointment) == 8
    broken = [
        (rule.client, rule.says, one.sequence)
        for number, one in enumerate(appointment)
        for rule in RULES
        if not rule.holds(one, appointment[:number])
    ]
    assert broken == []


def _described(life, gathering, other):
    return Life.describe(life, **{**gathering, **other, "version": 100 + other["version"]})


def test_a_seat_handed_over_is_cancelled_for_one_and_asked_of_the_other(life):
    ada, bo = a_person(), a_person(given="Bo", email="bo@example.org")
    life.hear("participant_registered", registered(ada))

    left = {**ada, "held_seat": True, "handed_to": "Bo Kermarrec", "cancelled_at": NOON.isoformat()}
    assert life.hear("participant_cancelled", left) == ["CANCEL"]
    assert life.hear("participant_registered", registered(bo)) == ["REQUEST"]

    adas, bos = life.by_appointment().values()
    assert [(one.method, one.sequence, one.attendee) for one in (*adas, *bos)] == [
        ("REQUEST", 0, "ada@example.org"),
        ("CANCEL", 1, "ada@example.org"),
        ("REQUEST", 0, "bo@example.org"),
    ]


def test_the_personal_link_is_in_no_calendar_of_a_whole_life(life):
    lived(life)

    with_link = [message for message in life.messages if "7hq2" in message.get_body(("plain",)).get_content()]
    in_calendars = [
        one for one in life.by_appointment().popitem()[1] if "7hq2" in one.calendar.to_ical().decode()
    ]
    assert with_link
    assert in_calendars == []


def test_who_waits_for_a_seat_and_gives_up_has_nothing_in_their_calendar(life):
    ada = a_person()
    life.hear("participant_waitlisted", {**ada, "rank": 1, "reason": "full"})

    gone = {**ada, "held_seat": False, "cancelled_at": NOON.isoformat()}
    assert life.hear("participant_cancelled", gone) == [None]
