"""The outbox: a fact is written beside the rows it speaks of, and sent once they are safe."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any, ClassVar
from uuid import UUID

from marshmallow import Schema
from sqlalchemy import String, bindparam, insert, literal, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from services.chassis.db import delivery, outbox, told
from services.chassis.routes import hearers


class Event(Schema):
    """The shape of one published fact.

    `type` is its address: service.past_tense.vN. `subject` names the field that holds the id of what the fact is
    about; facts about one subject reach each hearer in the order in which they were told.

    A fact sets what it speaks of and leaves the rest alone, so its newest of each type is all a hearer needs to be
    told again. A `transient` one asks for one deed (a letter, a plan) and is never told again. `secrets` are struck
    out of the outbox once everybody has heard them.
    """

    type: ClassVar[str]
    subject: ClassVar[str]
    transient: ClassVar[bool] = False
    secrets: ClassVar[tuple[str, ...]] = ()


class BrokenPromise(AssertionError):
    """A payload is not what its own event promises: a bug of the publisher."""


Fact = dict[str, Any]


def publish(session: Session, event: type[Event], about: object, *, now: datetime | None = None) -> UUID:
    """Promise a fact to the others; it leaves after `session` commits, or not at all.

    `about` is whatever `event` can dump: a model, or a mapping. Returns the id of the fact. The trace and the cause
    come from `session.info`, where the door put them. Raises BrokenPromise when the dump is not the promised
    shape, or when the type has no row in infra/routes.toml.
    """
    told_of = fact(session, event, about, now=now)
    if session.get_bind().dialect.name == "postgresql":
        session.execute(_AT_ONCE, {**told_of, "hearers": heard_by(told_of)})
    else:
        tell_in_file(session, [told_of])
    wake(session)
    event_id: UUID = told_of["event_id"]
    return event_id


def fact(
    session: Session, event: type[Event], about: object, *, now: datetime | None = None, trace: str = ""
) -> Fact:
    """A fact as it will stand in the outbox; `trace` is the session's unless another is given. Raises BrokenPromise."""
    if session.info.get("replays"):
        raise BrokenPromise(f"{event.type}: being told again is no reason to tell anything")
    if event.type not in hearers():
        raise BrokenPromise(f"{event.type} has no row in infra/routes.toml")
    shape = _shape(event)
    body = shape.dump(about)
    if wrong := shape.validate(body):
        raise BrokenPromise(f"{event.type}: {wrong}")
    subject_field = shape.fields[event.subject]
    if not trace:
        trace = session.info.setdefault("trace", "") or new_trace()
        session.info["trace"] = trace
    return {
        "event_id": uuid7(),
        "type": event.type,
        "subject": UUID(str(body[subject_field.data_key or event.subject])),
        "body": body,
        "trace": trace,
        "cause": session.info.get("cause"),
        "happened_at": now or datetime.now(UTC),
    }


def heard_by(told_of: Fact) -> list[str]:
    """Who hears a fact, in the order in which everybody counts for them."""
    return sorted(hearers()[told_of["type"]])


def numbered(facts: Sequence[Fact]) -> list[Fact]:
    """Facts as PARTS reads them: with their order, and who hears each."""
    return [{**told_of, "n": n, "hearers": heard_by(told_of)} for n, told_of in enumerate(facts)]


def wake(session: Session) -> None:
    """Wake this service's relay once `session` has committed, for what it wrote that a relay or a sweep takes up."""
    session.info["wake"] = True


@cache
def _shape(event: type[Event]) -> Event:
    return event()


# The fact, its number for each hearer, and what is to be delivered. A server across a network is asked once, a file
# three times. The rows of `told` stay locked until the commit, so transactions about one subject are told in the order
# they commit; they are taken in the order of the hearers, so that no two transactions wait for each other.
# Statements and shapes are made once: to make one takes longer than to use it.
_AT_ONCE = text("""
    with counted as (
        insert into told (hearer, subject, version)
        select hearer, :subject, 1 from unnest(:hearers) as hearer order by hearer
        on conflict (hearer, subject) do update set version = told.version + 1
        returning hearer, version
    ), fact as (
        insert into outbox (event_id, type, subject, body, trace, cause, happened_at)
        values (:event_id, :type, :subject, :body, :trace, :cause, :happened_at)
        returning sequence
    )
    insert into delivery (event_id, hearer, sequence, version, attempts, next_at)
    select :event_id, hearer, sequence, version, 0, :happened_at from counted, fact
""").bindparams(
    *(bindparam(column.name, type_=column.type) for column in outbox.c if column is not outbox.c.sequence),
    bindparam("hearers", type_=postgresql.ARRAY(String)),
)
# The same for many facts of different subjects, which come as JSON in `facts` (see `numbered`): parts of one statement,
# (name, what it does) each, so that other rows can be written in front of them.
PARTS: list[tuple[str, str]] = [
    (
        "given",
        """
        select * from json_to_recordset(cast(:facts as json)) as fact (
            n int, event_id uuid, type varchar, subject uuid, body json, trace varchar, cause uuid,
            happened_at timestamptz, hearers json
        )""",
    ),
    ("heard", "select given.*, hearer from given, json_array_elements_text(hearers) as hearer"),
    (
        "counted",
        """
        insert into told (hearer, subject, version)
        select hearer, subject, 1 from heard order by subject, hearer
        on conflict (hearer, subject) do update set version = told.version + 1
        returning hearer, subject, version""",
    ),
    (
        "facts",
        """
        insert into outbox (event_id, type, subject, body, trace, cause, happened_at)
        select event_id, type, subject, body, trace, cause, happened_at from given order by n
        returning sequence, event_id""",
    ),
    (
        "delivered",
        """
        insert into delivery (event_id, hearer, sequence, version, attempts, next_at)
        select event_id, hearer, sequence, version, 0, happened_at
        from heard join counted using (hearer, subject) join facts using (event_id)""",
    ),
]
_TELL = insert(outbox)
_COUNT_UP = sqlite.insert(told).on_conflict_do_update(
    index_elements=[told.c.hearer, told.c.subject], set_={"version": told.c.version + 1}
)
_DELIVER = insert(delivery).from_select(
    ["event_id", "hearer", "sequence", "version", "attempts", "next_at"],
    select(
        outbox.c.event_id, told.c.hearer, outbox.c.sequence, told.c.version, literal(0), outbox.c.happened_at
    )
    .join(told, told.c.subject == outbox.c.subject)
    .where(outbox.c.event_id == bindparam("of_event"), told.c.hearer == bindparam("to_hearer")),
)


def tell_in_file(session: Session, facts: Sequence[Fact]) -> None:
    """Write facts of different subjects into a file, each table in its turn: there is nobody to wait for."""
    if not facts:
        return
    session.execute(_TELL, facts)
    heard = [(told_of, hearer) for told_of in facts for hearer in heard_by(told_of)]
    if heard:
        session.execute(
            _COUNT_UP,
            [{"hearer": hearer, "subject": told_of["subject"], "version": 1} for told_of, hearer in heard],
        )
        session.execute(
            _DELIVER, [{"of_event": told_of["event_id"], "to_hearer": hearer} for told_of, hearer in heard]
        )


def envelope(row: Any, source: str, version: int, attempt: int) -> dict[str, Any]:
    """A fact as it travels: CloudEvents 1.0 in JSON, `row` being its line of the outbox.

    `aggversion` counts the facts that this hearer was told of this subject (1, 2, 3…); `attempt` counts the
    sendings. `sequence` rises but may have gaps on PostgreSQL, where a rolled-back transaction keeps its number.
    What is sent again because the broker forgot it has `afresh` as well. `due` writes the same by hand, ten times as
    fast; a test holds the two against each other.
    """
    return {
        "specversion": "1.0",
        "id": str(row.event_id),
        "source": source,
        "type": row.type,
        "subject": str(row.subject),
        "time": row.happened_at.isoformat(),
        "datacontenttype": "application/json",
        "dataschema": f"urn:palabre:{row.type}",
        "sequence": row.sequence,
        "aggversion": version,
        "attempt": attempt,
        "traceparent": row.trace,
        "correlationid": row.trace.split("-")[1],
        "causationid": str(row.cause) if row.cause else str(row.event_id),
        "data": row.body,
    }


def uuid7() -> UUID:
    """An id that sorts by time (RFC 9562, version 7)."""
    ms = time.time_ns() // 1_000_000
    random = int.from_bytes(os.urandom(10), "big")
    value = (
        (ms & ((1 << 48) - 1)) << 80
        | 0x7 << 76
        | (random >> 68 & 0xFFF) << 64
        | 0b10 << 62
        | random & ((1 << 62) - 1)
    )
    return UUID(int=value)


def new_trace() -> str:
    """A W3C traceparent for a story that begins here."""
    return f"00-{os.urandom(16).hex()}-{os.urandom(8).hex()}-01"
