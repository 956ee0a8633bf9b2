"""What a teller can tell again: of each subject, every fact a hearer has not acknowledged and the last of each type.

A fact sets what it speaks of and nothing else, so the last one of each type, in the order they were told, leaves the
same rows behind as all of them would. Older ones are forgotten (see `prune`), and so are facts that ask for one deed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.chassis.db import Database, delivery, outbox, told
from services.chassis.outbox import envelope
from services.chassis.service import Service
from services.chassis.settings import Settings

# Subjects in one answer: some 200 kB, and a fifth of a second of a hearer's time.
AT_ONCE = 250
# Sums are short.
SUMS_AT_ONCE = 1000


@dataclass(frozen=True)
class Question:
    """What a hearer wants to be told again: the subjects after `after` up to `until`, or `only` some of them.

    `run` and `lane` are the hearer's; they come back in the answer. With `sums` a sum of each subject's facts will do;
    a teller of an earlier version answers with the facts themselves, which is as good.
    """

    run: str
    lane: int
    after: UUID
    until: UUID
    only: tuple[UUID, ...] | None = None
    sums: bool = field(default=False, compare=False)

    def as_json(self) -> dict[str, Any]:
        return {
            "run": self.run,
            "lane": self.lane,
            "after": self.after.hex,
            "until": self.until.hex,
            "only": None if self.only is None else [one.hex for one in self.only],
            "sums": self.sums,
        }

    @classmethod
    def of(cls, told: dict[str, Any]) -> Question:
        only = told["only"]
        return cls(
            told["run"],
            told["lane"],
            UUID(told["after"]),
            UUID(told["until"]),
            None if only is None else tuple(map(UUID, only)),
            bool(told.get("sums", False)),
        )


def sum_of(told: int, acked: int, facts: Iterable[tuple[str, int]]) -> str:
    """A short name of what would be told again of one subject: `facts` are (id, version) in their order.

    A fact never changes once it is told, so its id stands for it.
    """
    text = json.dumps([told, acked, *facts])
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def recollect(
    database: Database, service: Service, settings: Settings, hearer: str, question: Question
) -> dict[str, Any]:
    """The answer: `subjects`, each with its facts as envelopes in the order told, and how far that goes.

    `told` counts what the hearer was told of a subject, `acked` what it has acknowledged without a gap. Where sums will
    do there is `sum` (see `sum_of`) instead of `facts`. `until` is the
    last subject of the answer, or the end of the question's range when `done`. `known` counts every subject of the
    range, in the first answer only.
    """
    events = {event.type: event for event in service.events}
    transient = {event.type for event in service.events if event.transient}
    with database.reading() as session:
        if not database.is_sqlite:
            # Versions and facts must be of one moment.
            session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        versions = _versions(session, hearer, question)
        facts = _facts(session, service.name, hearer, question, list(versions), transient)
        first = question.only is None and question.after.int % (1 << 126) == 0
        known = _count(session, hearer, question) if first else None
        subjects = []
        for subject, version in versions.items():
            mine = facts.get(subject, [])
            unacked = [fact["aggversion"] for fact, is_acked in mine if not is_acked]
            acked = min(unacked) - 1 if unacked else version
            kept = [fact for fact in _last_of_each_type(mine, acked) if fact["type"] not in transient]
            about: dict[str, Any] = {"subject": subject.hex, "told": version, "acked": acked}
            if question.sums:
                about["sum"] = sum_of(version, acked, ((fact["id"], fact["aggversion"]) for fact in kept))
            else:
                about["facts"] = kept
                if service.remind is not None:
                    for fact in kept:
                        fact["data"] = service.remind(session, settings, events[fact["type"]], fact["data"])
            subjects.append(about)
    done = question.only is not None or len(versions) < _at_once(question)
    until = question.until if done else list(versions)[-1]
    return {
        "question": question.as_json(),
        "until": until.hex,
        "done": done,
        "known": known,
        "subjects": subjects,
    }


def _at_once(question: Question) -> int:
    return SUMS_AT_ONCE if question.sums else AT_ONCE


def _versions(session: Session, hearer: str, question: Question) -> dict[UUID, int]:
    mine = select(told.c.subject, told.c.version).where(told.c.hearer == hearer)
    if question.only is not None:
        mine = mine.where(told.c.subject.in_(question.only))
    else:
        mine = mine.where(told.c.subject > question.after, told.c.subject <= question.until)
        mine = mine.limit(_at_once(question))
    return {row.subject: row.version for row in session.execute(mine.order_by(told.c.subject))}


def _count(session: Session, hearer: str, question: Question) -> int:
    here = (told.c.hearer == hearer, told.c.subject > question.after, told.c.subject <= question.until)
    return session.scalars(select(func.count()).select_from(told).where(*here)).one()


def _facts(
    session: Session,
    source: str,
    hearer: str,
    question: Question,
    subjects: Sequence[UUID],
    transient: set[str],
) -> dict[UUID, list[tuple[dict[str, Any], bool]]]:
    """By subject, each fact in the order told and whether it was acknowledged.

    Of transient ones only the version; for sums nobody needs more than the id of the others.
    """
    told_of = outbox.c.subject.in_(subjects)
    columns = (outbox.c.event_id, outbox.c.type, outbox.c.subject) if question.sums else (outbox,)
    rows = session.execute(
        select(*columns, delivery.c.version, delivery.c.acked_at)
        .join(delivery, delivery.c.event_id == outbox.c.event_id)
        .where(told_of, delivery.c.hearer == hearer)
        .order_by(delivery.c.version)
    )
    found: dict[UUID, list[tuple[dict[str, Any], bool]]] = {}
    for row in rows:
        if row.type in transient:
            fact = {"type": row.type, "aggversion": row.version}
        elif question.sums:
            fact = {"type": row.type, "aggversion": row.version, "id": str(row.event_id)}
        else:
            fact = {**envelope(row, source, row.version, 1), "snapshot": True}
        found.setdefault(row.subject, []).append((fact, row.acked_at is not None))
    return found


def _last_of_each_type(facts: list[tuple[dict[str, Any], bool]], acked: int) -> list[dict[str, Any]]:
    """Without what a later acknowledged fact of the same type has made void; facts come by version."""
    last = {fact["type"]: fact["aggversion"] for fact, _ in facts if fact["aggversion"] <= acked}
    return [fact for fact, _ in facts if fact["aggversion"] >= last.get(fact["type"], 0)]
