"""Holds what every service has against what was asked: lost, twice, out of order, one count each.

Nothing here trusts the backbone's own books alone: the wanted state is worked out from the answers the crowd got, the
order of applying from what each database wrote down by itself, and the letters from the mail server.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.embedded import SERVICES
from tests.faults.crowd import Crowd
from tests.faults.rig import Rig

# Who is told of what, as the product promises it; infra/routes.toml is what is tested, so it is not read here.
HEARERS = {
    "address_to_confirm": ("notifications",),
    "participant_registered": ("grouping", "notifications"),
    "participant_checked_in": ("grouping", "feedback"),
    "participant_changed": ("grouping", "notifications"),
    "participant_cancelled": ("grouping", "notifications"),
    "participant_restored": ("grouping", "notifications"),
    "person_invited": ("notifications",),
}
# The calendar message of these letters counts up by one each time the letter is written.
WITH_CALENDAR = ("registered", "changed", "cancelled", "restored")
STANDINGS = {
    "pending_email": "asked",
    "registered": "registered",
    "present": "registered",
    "cancelled": "cancelled",
}
SAID = 12


@dataclass
class Verdict:
    """What one row came to. `broken` says each difference in words."""

    facts: int = 0
    lost: int = 0
    twice: int = 0
    disorder: int = 0
    dead: int = 0
    sendings: int = 0
    deliveries: int = 0
    letters: int = 0
    letters_never: int = 0
    letters_twice: int = 0
    letters_unknown: int = 0
    # Written, and meant to leave later: in a minute, or in the morning.
    letters_later: int = 0
    broken: list[str] = field(default_factory=list)

    @property
    def amplification(self) -> float:
        return round(self.sendings / self.deliveries, 3) if self.deliveries else 0.0

    def say(self, what: str, many: int = 1) -> int:
        if many and len(self.broken) < SAID:
            self.broken.append(what)
        return many


@dataclass(frozen=True)
class Marks:
    """Where each service's books stood before the row."""

    outbox: Mapping[str, int]
    heard: Mapping[str, int]
    dead: Mapping[str, int]

    @classmethod
    def now(cls, rig: Rig) -> Marks:
        return cls(
            {one: rig.count(one, "select coalesce(max(sequence), 0) from outbox") for one in SERVICES},
            {one: rig.count(one, "select coalesce(max(n), 0) from rig_heard") for one in SERVICES},
            {one: rig.count(one, "select count(*) from inbox where status = 'dead'") for one in SERVICES},
        )


def check(rig: Rig, crowd: Crowd, marks: Marks, *, dead: int = 0) -> Verdict:
    """Compare everything; `dead` is how many facts of this row must have died, and no more."""
    found = Verdict()
    _told(rig, crowd, marks, found)
    _heard(rig, crowd, marks, found)
    _held(rig, crowd, found)
    _written(rig, crowd, found)
    found.dead = sum(
        rig.count(one, "select count(*) from inbox where status = 'dead'") - marks.dead[one] for one in SERVICES
    )
    if found.dead != dead:
        found.lost += found.say(f"{found.dead} facts are dead, not {dead}", abs(found.dead - dead))
    for trouble in crowd.troubles:
        found.lost += found.say(f"at the door: {trouble}")
    return found


def _told(rig: Rig, crowd: Crowd, marks: Marks, found: Verdict) -> None:
    """Each accepted request has told its facts, once, to each who is to hear them."""
    ids = _ids(rig, crowd)
    told: Counter[tuple[str, str]] = Counter()
    since = marks.outbox["registration"]
    for row in rig.rows(
        "registration", "select type, subject from outbox where sequence > :since", since=since
    ):
        if _key(row.subject) not in crowd.strangers:
            told[_key(row.subject), row.type.split(".")[1]] += 1
    wanted: Counter[tuple[str, str]] = Counter()
    for life in crowd.lives:
        for fact, many in life.facts.items():
            wanted[ids.get(life.details["family"], f"nobody {life.number}"), fact] += many
    for one in {*told, *wanted}:
        if one[1] in HEARERS and one[1] != "person_invited":
            more = told[one] - wanted[one]
            found.lost += found.say(f"{-more} {one[1]} was accepted and never told", max(0, -more))
            found.twice += found.say(f"{more} {one[1]} was told and never asked", max(0, more))
    invited = sum(many for (_, fact), many in told.items() if fact == "person_invited")
    if crowd.invited:
        found.lost += found.say("an invitation was never told", max(0, crowd.invited - invited))
        found.twice += found.say("an invitation was told twice", max(0, invited - crowd.invited))
    found.facts = crowd.invited + sum(
        many * len(HEARERS[fact]) for life in crowd.lives for fact, many in life.facts.items()
    )


def _heard(rig: Rig, crowd: Crowd, marks: Marks, found: Verdict) -> None:
    """Each delivery was applied once, and those about one subject in the order in which they were told."""
    for source in SERVICES:
        rows = rig.rows(
            source,
            "select d.event_id, d.hearer, d.version, d.attempts, d.acked_at, o.subject from delivery d "
            "join outbox o on o.event_id = d.event_id where o.sequence > :since",
            since=marks.outbox[source],
        )
        found.deliveries += len(rows)
        found.sendings += sum(row.attempts for row in rows)
        for hearer in SERVICES:
            ours = [row for row in rows if row.hearer == hearer and _key(row.subject) not in crowd.strangers]
            mine = {_key(row.event_id): row for row in ours}
            if not mine:
                continue
            applied = [
                row
                for row in rig.rows(
                    hearer,
                    "select event_id, subject, version from rig_heard where n > :since and source = :source order by n",
                    since=marks.heard[hearer],
                    source=source,
                )
                if _key(row.subject) not in crowd.strangers
            ]
            found.lost += found.say(
                f"{source} told {hearer} something that it does not acknowledge",
                sum(row.acked_at is None for row in mine.values()),
            )
            compare(f"{source} to {hearer}", mine, applied, found)


def compare(between: str, mine: Mapping[str, Any], applied: Iterable[Any], found: Verdict) -> None:
    """`mine` are the deliveries by event; `applied` what the hearer's database wrote down, in its order."""
    times: Counter[str] = Counter()
    last: dict[str, int] = {}
    for row in applied:
        event, subject = _key(row.event_id), _key(row.subject)
        times[event] += 1
        if times[event] > 1:
            continue
        if subject in last and row.version != last[subject] + 1:
            found.disorder += found.say(f"{between}: version {row.version} was applied after {last[subject]}")
        last[subject] = row.version
    lost = sum(not times[event] for event in mine)
    found.lost += found.say(f"{between}: {lost} facts were never applied", lost)
    twice = sum(many - 1 for many in times.values())
    found.twice += found.say(f"{between}: {twice} facts were applied twice", twice)
    strange = sum(event not in mine for event in times)
    found.twice += found.say(f"{between}: {strange} facts were applied that nobody told", strange)


def _held(rig: Rig, crowd: Crowd, found: Verdict) -> None:
    """Each service holds of each person what the last accepted request made of them."""
    names = ("given", "family", "territory", "trade", "structure")
    where = _where(rig, crowd)
    people = rig.rows(
        "registration",
        "select * from participants where gathering_id = :here",
        **where,
    )
    known = defaultdict(list)
    for row in people:
        if _key(row.id) not in crowd.strangers:
            known[row.family].append(row)
    members = {
        _key(row.participant_id): row
        for row in rig.rows(
            "grouping",
            "select * from members where gathering_id = :here",
            **where,
        )
    }
    standing = {
        _key(row.id): row
        for row in rig.rows(
            "notifications",
            "select id, standing, calendar, email from people where gathering_id = :here",
            **where,
        )
    }
    present = {
        _key(row.participant_id)
        for row in rig.rows(
            "feedback",
            "select participant_id from attendances where gathering_id = :here and present = :yes",
            yes=True,
            **where,
        )
    }
    present -= crowd.strangers
    for stranger in crowd.strangers:
        members.pop(stranger, None)
        standing.pop(stranger, None)
    for life in crowd.lives:
        mine = known.pop(life.details["family"], [])
        found.lost += found.say(f"{life.number} is not registered", bool(life.state) and not mine)
        found.twice += found.say(f"{life.number} is registered {len(mine)} times", max(0, len(mine) - 1))
        if not mine or not life.state:
            continue
        row, key = mine[0], _key(mine[0].id)
        wanted = (life.state, *(life.details[name] for name in names))
        _same(found, "registration", life.number, (row.state, *(getattr(row, name) for name in names)), wanted)
        if life.facts["participant_registered"]:
            there = members.pop(key, None)
            got = there and (there.state, *(getattr(there, name) for name in names))
            _same(found, "grouping", life.number, got, wanted)
        heard = standing.pop(key, None)
        calendars = sum(life.letters[kind] for kind in WITH_CALENDAR)
        got = heard and (heard.standing, heard.calendar)
        _same(found, "notifications", life.number, got, (STANDINGS[life.state], calendars))
        is_there = bool(life.facts["participant_checked_in"])
        _same(found, "feedback", life.number, key in present, is_there)
        present.discard(key)
    strangers = sum(map(len, known.values())) + len(members) + len(standing) + len(present)
    found.twice += found.say(f"{strangers} people are known whom nobody registered", strangers)


def _same(found: Verdict, service: str, number: int, got: object, wanted: object) -> None:
    if got != wanted:
        found.lost += found.say(f"{service} holds {got} of {number}, not {wanted}")


def _written(rig: Rig, crowd: Crowd, found: Verdict) -> None:
    """Each letter was written once and arrived once; or it is listed as unknown."""
    rows = rig.rows(
        "notifications",
        "select email, kind, state, message_id from letters where gathering_id = :here",
        **_where(rig, crowd),
    )
    wanted = Counter({(life.email, kind): many for life in crowd.lives for kind, many in life.letters.items()})
    got = Counter((row.email, row.kind) for row in rows if row.kind != "invitation")
    for one in {*got, *wanted}:
        more = got[one] - wanted[one]
        found.lost += found.say(f"{-more} letter {one[1]} was never written", max(0, -more))
        found.twice += found.say(f"{more} letter {one[1]} was written that nobody asked for", max(0, more))
    drafts = sum(row.kind == "invitation" for row in rows)
    found.lost += found.say("an invitation was never written", max(0, crowd.invited - drafts))
    found.twice += found.say("an invitation was written twice", max(0, drafts - crowd.invited))

    came = Counter(letter["message_id"] for letter in crowd.letters)
    found.letters = sum(wanted.values())
    for row in rows:
        if row.kind == "invitation":
            continue
        arrived = came[row.message_id]
        if row.state in ("unknown", "handed"):
            found.letters_unknown += 1
        elif row.state == "queued" and row.kind == "changed":
            found.letters_later += 1
        elif not arrived:
            found.letters_never += found.say(f"a letter {row.kind} is {row.state} and never arrived")
        found.letters_twice += found.say(f"a letter {row.kind} arrived {arrived} times", max(0, arrived - 1))
    found.lost += found.letters_never
    found.twice += found.letters_twice


def _ids(rig: Rig, crowd: Crowd) -> dict[str, str]:
    rows = rig.rows(
        "registration", "select id, family from participants where gathering_id = :here", **_where(rig, crowd)
    )
    return {row.family: _key(row.id) for row in rows}


def _where(rig: Rig, crowd: Crowd) -> dict[str, str]:
    # SQLite keeps an id as 32 hexadecimal digits, PostgreSQL as a uuid that takes either form.
    here = crowd.here.id
    return {"here": here.replace("-", "") if rig.make.database == "sqlite" else here}


def _key(value: object) -> str:
    return str(value).replace("-", "")
