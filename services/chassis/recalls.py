"""Being told again: a hearer writes what it keeps of a teller anew from the teller's memory, while facts go on coming.

The hearer asks for a few hundred subjects at a time and keeps its place, so a death costs one question and a lost
message a few seconds. In one transaction the subjects are locked, their rows taken away, the facts up to the version
seen here applied again, and the rows compared with what they were. What was never applied is left to the facts
themselves, with all their effects; a replay has none but rows, and cannot tell anything.

A check asks for sums first, and for the facts only of those subjects of which facts or rows are not as they were when
both were last found to agree.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import structlog
from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.orm import Session

from services.chassis import ledger, sums
from services.chassis.db import Database, drifts, inbox, recalls, seen
from services.chassis.desk import Desk
from services.chassis.inbox import Inbox
from services.chassis.memories import AT_ONCE, Question
from services.chassis.mirrors import Mirror
from services.chassis.service import Chore, Service

log = structlog.get_logger()

# Two questions on their way at once, so that teller and hearer work at the same time.
LANES = 2
# A question that was not answered is asked again.
PATIENCE_S = 5.0
# A run lists this many of the rows it mended; it counts all of them.
LISTED = 100

Rows = dict[tuple[Any, ...], dict[str, Any]]


@dataclass
class Remade:
    """What became of the subjects of one answer."""

    facts: int = 0
    stale: list[UUID] = field(default_factory=list)
    drifts: list[tuple[UUID, str, str]] = field(default_factory=list)


def begin(session: Session, source: str, *, kind: str, now: datetime) -> UUID:
    """Ask `source` for everything again; a run that goes on is given up. Kind is rebuild or check.

    Returns the run.
    """
    run = uuid4()
    session.execute(delete(recalls).where(recalls.c.source == source))
    edges = [(1 << 128) * lane // LANES for lane in range(LANES + 1)]
    for lane in range(LANES):
        session.execute(
            insert(recalls).values(
                source=source,
                lane=lane,
                run=run,
                kind=kind,
                after=UUID(int=edges[lane]),
                until=UUID(int=edges[lane + 1] - 1),
                left=[],
                known=None,
                subjects=0,
                facts=0,
                mended=0,
                asked_at=now - timedelta(seconds=PATIENCE_S),
                began_at=now,
            )
        )
    return run


def is_waiting(session: Session) -> bool:
    """Whether a run goes on."""
    return (
        session.execute(select(recalls.c.run).where(recalls.c.ended_at.is_(None)).limit(1)).first() is not None
    )


def due(session: Session, now: datetime) -> list[tuple[str, Question]]:
    """The questions that nobody answered for a while, by source; they count as asked now."""
    silent = (recalls.c.ended_at.is_(None), recalls.c.asked_at <= now - timedelta(seconds=PATIENCE_S))
    rows = session.execute(select(recalls).where(*silent).with_for_update(skip_locked=True)).all()
    for row in rows:
        mine = (recalls.c.source == row.source, recalls.c.lane == row.lane)
        session.execute(update(recalls).where(*mine).values(asked_at=now))
    return [(row.source, _question(row)) for row in rows]


def take(
    database: Database, ears: Inbox, source: str, answer: Mapping[str, Any], *, now: datetime
) -> Question | None:
    """Write anew what the answer speaks of; returns the next question, None when there is none.

    An answer that came before, or that nobody waits for any more, changes nothing.
    """
    asked = Question.of(answer["question"])
    with database.transaction() as session:
        mine = (recalls.c.source == source, recalls.c.lane == asked.lane)
        lane = session.execute(select(recalls).where(*mine).with_for_update()).one_or_none()
        if lane is None or lane.ended_at is not None or _question(lane) != asked:
            return None
        is_of_sums = any("sum" in one for one in answer["subjects"])
        if is_of_sums or (asked.sums and not answer["subjects"]):
            remade = _compare(session, ears, source, answer)
        else:
            remade = _remake(session, ears, source, answer, now=now)
            if lane.kind == "check":
                sums.keep(session, _mirrors(ears, source), source, answer, besides=remade.stale)
        left = [one for one in lane.left if asked.only is None or UUID(one) not in asked.only]
        left += [one.hex for one in remade.stale]
        after = lane.after if asked.only is not None else UUID(answer["until"])
        ended = after == lane.until and not left
        session.execute(
            update(recalls)
            .where(*mine)
            .values(
                after=after,
                left=left,
                known=lane.known if answer["known"] is None else answer["known"],
                subjects=lane.subjects + len(answer["subjects"]) - len(remade.stale),
                facts=lane.facts + remade.facts,
                mended=lane.mended + len({subject for subject, _table, _what in remade.drifts}),
                asked_at=now,
                ended_at=now if ended else None,
            )
        )
        if lane.kind == "check":
            _list(session, source, remade.drifts[:LISTED], now)
        if ended:
            return None
        again = session.execute(select(recalls).where(*mine)).one()
    return _question(again)


def _question(lane: Any) -> Question:
    # What a check finds to differ is asked for whole, a full answer at a time; the last of it at the end.
    is_turn = lane.after == lane.until or (lane.kind == "check" and len(lane.left) >= AT_ONCE)
    only = tuple(UUID(one) for one in lane.left[:AT_ONCE]) if is_turn else None
    return Question(
        lane.run.hex, lane.lane, lane.after, lane.until, only, lane.kind == "check" and only is None
    )


def _list(session: Session, source: str, found: Sequence[tuple[UUID, str, str]], now: datetime) -> None:
    for subject, table, what in found:
        session.execute(
            insert(drifts).values(
                id=uuid4(), source=source, subject=subject, kept_in=table, what=what, found_at=now
            )
        )
        log.error("row_drifted", source=source, subject=str(subject), table=table, what=what)


def _mirrors(ears: Inbox, source: str) -> list[Mirror]:
    return [mirror for mirror in ears.mirrors if mirror.source == source]


def _compare(session: Session, ears: Inbox, source: str, answer: Mapping[str, Any]) -> Remade:
    """Hold sums against sums; the subjects of which anything differs are left, to be told whole."""
    remade, mirrors = Remade(), _mirrors(ears, source)
    asked = Question.of(answer["question"])
    told = {UUID(one["subject"]): one for one in answer["subjects"]}
    _drop_strangers(session, mirrors, source, asked.after, UUID(answer["until"]), told, remade)
    if told:
        agreed = sums.agreeing(session, mirrors, source, told)
        remade.stale += [subject for subject in told if subject not in agreed]
    return remade


def _remake(session: Session, ears: Inbox, source: str, answer: Mapping[str, Any], *, now: datetime) -> Remade:
    remade = Remade()
    mirrors = _mirrors(ears, source)
    asked = Question.of(answer["question"])
    told = {UUID(one["subject"]): one for one in answer["subjects"]}
    if asked.only is None:
        _drop_strangers(session, mirrors, source, asked.after, UUID(answer["until"]), told, remade)
    if not told:
        return remade
    at = ledger.lock(session, ((source, subject) for subject in told))
    held, discarded = _left_by_people(session, source)
    upto: dict[UUID, int] = {}
    forgotten: set[UUID] = set()
    for subject, one in told.items():
        version = at[source, subject]
        if version > one["told"]:
            remade.stale.append(subject)
            continue
        if version < one["acked"] and subject not in held:
            # It was acknowledged here once, and this database does not know of it: it has lost its memory.
            forgotten.add(subject)
            version = one["acked"]
        upto[subject] = version
    ledger.remember(session, {(source, subject): upto[subject] for subject in forgotten})
    facts = [
        fact
        for subject, version in upto.items()
        for fact in told[subject]["facts"]
        if fact["aggversion"] <= version and UUID(fact["id"]) not in discarded
    ]
    remade.facts = len(facts)
    try:
        changed = _write_anew(session, ears, mirrors, list(upto), facts, now=now)
    except Exception as error:  # one handler's fault must not keep the others from being told
        log.error("replay_broke", source=source, exc_info=error)
        changed = _one_by_one(session, ears, mirrors, upto, facts, now=now)
    remade.drifts += [drift for drift in changed if drift[0] not in forgotten]
    return remade


def _drop_strangers(
    session: Session,
    mirrors: Sequence[Mirror],
    source: str,
    after: UUID,
    until: UUID,
    told: Collection[UUID],
    remade: Remade,
) -> None:
    """Take away rows about subjects the teller has never spoken of. One that was heard of since it looked is known."""
    for mirror in mirrors:
        here = select(mirror.by).where(mirror.by > after, mirror.by <= until).distinct()
        strangers = set(session.scalars(here)) - set(told)
        if strangers:
            mine = (seen.c.source == source, seen.c.subject.in_(strangers), seen.c.version > 0)
            strangers -= set(session.scalars(select(seen.c.subject).where(*mine)))
        if strangers:
            session.execute(delete(mirror.table).where(mirror.by.in_(strangers)))
            remade.drifts += [(subject, mirror.table.name, "unheard-of") for subject in sorted(strangers)]


def _left_by_people(session: Session, source: str) -> tuple[set[UUID], set[UUID]]:
    """Subjects that a dead fact holds, and facts that an operator discarded."""
    rows = session.execute(
        select(inbox.c.subject, inbox.c.event_id, inbox.c.status).where(
            inbox.c.source == source, inbox.c.status.in_(("dead", "discarded"))
        )
    ).all()
    held = {row.subject for row in rows if row.status == "dead"}
    return held, {row.event_id for row in rows if row.status == "discarded"}


def _one_by_one(
    session: Session,
    ears: Inbox,
    mirrors: Sequence[Mirror],
    subjects: Collection[UUID],
    facts: Sequence[dict[str, Any]],
    *,
    now: datetime,
) -> list[tuple[UUID, str, str]]:
    """Each subject on a desk of its own; one that cannot be written anew keeps its rows and is told of."""
    changed = []
    for subject in subjects:
        mine = [fact for fact in facts if UUID(fact["subject"]) == subject]
        try:
            changed += _write_anew(session, ears, mirrors, [subject], mine, now=now)
        except Exception as error:  # as above
            log.error("replay_broke", subject=str(subject), error=type(error).__name__)
            changed.append((subject, "", f"cannot be written anew ({type(error).__name__})"))
    return changed


def _write_anew(
    session: Session,
    ears: Inbox,
    mirrors: Sequence[Mirror],
    subjects: Sequence[UUID],
    facts: Sequence[dict[str, Any]],
    *,
    now: datetime,
) -> list[tuple[UUID, str, str]]:
    """Make the subjects' rows from the facts and write those that differ; tells which do."""
    models = frozenset(mirror.model for mirror in mirrors if mirror.model is not None)
    with Desk(session, models) as desk:
        before = {mirror.table: _rows(desk, mirror, subjects) for mirror in mirrors}
        for mirror in mirrors:
            if mirror.model is None and before[mirror.table]:
                desk.execute(delete(mirror.table).where(mirror.by.in_(subjects)))
        for envelope in sorted(facts, key=lambda fact: int(fact["sequence"])):
            ear = ears.ears.get(envelope["type"])
            if ear is not None and ear.replay is not None:
                ear.replay(desk, ear.fact(envelope), now)
        desk.flush()
        for mirror in mirrors:
            if mirror.model is not None:
                _write(desk, mirror, before[mirror.table], desk.laid(mirror.model))
        for mirror in mirrors:
            if mirror.settle is not None:
                mirror.settle(desk, subjects, now)
        changed = [
            change
            for mirror in mirrors
            for change in _differences(mirror, before[mirror.table], _rows(desk, mirror, subjects))
        ]
        desk.commit()
    return changed


def _rows(session: Session, mirror: Mirror, subjects: Sequence[UUID]) -> Rows:
    found: Rows = {}
    for row in session.execute(select(mirror.table).where(mirror.by.in_(subjects))).mappings():
        kept = {column.name: row[column.name] for column in mirror.table.c}
        found[_key_of(mirror, kept)] = kept
    return found


def _key_of(mirror: Mirror, row: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(row[column.name] for column in mirror.table.primary_key)


def _write(session: Session, mirror: Mirror, before: Rows, laid: Sequence[dict[str, Any]]) -> None:
    """Bring the table from `before` to what is laid out; a row keeps the columns that are the service's own."""
    after = {_key_of(mirror, row): row for row in laid}
    for key, row in after.items():
        if key in before:
            row.update({name: before[key][name] for name in mirror.own})
    fresh = [row for key, row in after.items() if key not in before]
    if fresh:
        session.execute(insert(mirror.table), fresh)
    for key, was in before.items():
        same = [column == value for column, value in zip(mirror.table.primary_key, key, strict=True)]
        if key not in after:
            session.execute(delete(mirror.table).where(*same))
        elif after[key] != was:
            session.execute(update(mirror.table).where(*same).values(after[key]))


def _differences(mirror: Mirror, before: Rows, after: Rows) -> list[tuple[UUID, str, str]]:
    told = []
    name, by = mirror.table.name, mirror.by.name
    for key in before.keys() | after.keys():
        was, row = before.get(key), after.get(key)
        if was is None and row is not None:
            told.append((row[by], name, "missing"))
        elif row is None and was is not None:
            told.append((was[by], name, "too many"))
        elif was is not None and row is not None and was != row:
            other = sorted(column for column in row if row[column] != was[column])
            told.append((row[by], name, f"other {', '.join(other)}"))
    return told


# Checks are for the hours in which nobody waits for anything (UTC).
NIGHT = range(1, 5)
A_DAY = timedelta(hours=20)


def check(session: Session, now: datetime, ears: Inbox) -> None:
    """Begin the nightly check of what is kept of each teller, unless one was begun or goes on since yesterday."""
    if now.hour not in NIGHT:
        return
    latest = {
        row.source: row
        for row in session.execute(
            select(recalls.c.source, func.max(recalls.c.began_at).label("began_at")).group_by(recalls.c.source)
        )
    }
    for source in ears.sources:
        last = latest.get(source)
        if last is None or last.began_at < now - A_DAY:
            begin(session, source, kind="check", now=now)


def chores(service: Service) -> tuple[Chore, ...]:
    """The regular duties of a hearer that mirrors something."""
    return (Chore("check", 600, lambda session, now: check(session, now, service.inbox)),)


@dataclass(frozen=True)
class Progress:
    """How far a run has come; `known` is how many subjects the teller knows, None until it has answered."""

    source: str
    kind: str
    known: int | None
    subjects: int
    facts: int
    mended: int
    began_at: datetime
    asked_at: datetime
    ended_at: datetime | None


def progress(session: Session) -> list[Progress]:
    """The last run for each teller."""
    lanes: dict[str, list[Any]] = {}
    for row in session.execute(select(recalls).order_by(recalls.c.source, recalls.c.lane)):
        lanes.setdefault(row.source, []).append(row)
    return [
        Progress(
            source,
            rows[0].kind,
            None if any(row.known is None for row in rows) else sum(row.known for row in rows),
            sum(row.subjects for row in rows),
            sum(row.facts for row in rows),
            sum(row.mended for row in rows),
            rows[0].began_at,
            max(row.asked_at for row in rows),
            None if any(row.ended_at is None for row in rows) else max(row.ended_at for row in rows),
        )
        for source, rows in lanes.items()
    ]
