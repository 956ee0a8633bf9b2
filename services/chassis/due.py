"""What is due to be sent, and the claim that no other relay sends it now."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from json.encoder import encode_basestring_ascii as quoted
from typing import Any

from sqlalchemy import String, Text, Uuid, bindparam, cast, exists, func, or_, select, type_coerce, update
from sqlalchemy.orm import Session

from services.chassis.db import Moment, delivery, outbox, pulse
from services.chassis.ledger import upsert

# The first is as long as a worker that was killed takes to stand again, and the second still ends within ten seconds.
FIRST_RETRY_S, LONGEST_RETRY_S = 4.0, 300.0
DOUBLINGS, JITTER = 10, 1.2
# What was sent and is not acknowledged may stand in the queue: while that is not empty, it is left for so much longer.
WHILE_QUEUED = timedelta(seconds=10)
# No pause is longer than this; what is due later was written by a clock that was ahead, or ours was set back.
FARTHEST = timedelta(seconds=2 * LONGEST_RETRY_S)
# Facts of one message, and how long its text may get (a larger fact travels alone).
MANY, LONG = 25, 64_000


def retry_after_s(attempts: int) -> float:
    """How long an unacknowledged fact waits before its next sending, after `attempts` (0, 1, 2…) earlier ones."""
    doubled: float = min(LONGEST_RETRY_S, FIRST_RETRY_S * 2 ** min(attempts, DOUBLINGS))
    return doubled * random.uniform(1, JITTER)  # noqa: S311


def _due_for(hearer: Any, now: Any) -> tuple[Any, ...]:
    return delivery.c.hearer == hearer, delivery.c.acked_at.is_(None), delivery.c.next_at <= now


@lru_cache
def _who(names: tuple[str, ...]) -> Any:
    """Written once: to write the question takes longer than to answer it, and it is asked at every turn."""
    return select(*(exists().where(*_due_for(name, bindparam("now"))) for name in names))


def hearers(session: Session, among: Collection[str], now: datetime) -> list[str]:
    """Those of `among` whom something is due; one look into the index for each."""
    names = tuple(sorted(among))
    if not names:
        return []
    row = session.execute(_who(names), {"now": now}).one()
    return [name for name, waits in zip(names, row, strict=True) if waits]


# Everything is text: it is only written down again. The body travels as the text it was stored as.
_FACT = (
    cast(outbox.c.event_id, Text).label("event_id"),
    outbox.c.type,
    cast(outbox.c.subject, Text).label("subject"),
    cast(outbox.c.body, Text).label("written"),
    outbox.c.trace,
    cast(outbox.c.cause, Text).label("cause"),
    type_coerce(outbox.c.happened_at, String).label("happened_at"),
    outbox.c.sequence,
)
_DUE = (
    *_due_for(bindparam("to"), bindparam("now")),
    or_(delivery.c.attempts == 0, delivery.c.next_at <= bindparam("again")),
)
_UNACKNOWLEDGED = select(delivery.c.event_id).where(delivery.c.acked_at.is_(None)).limit(1)
_LONGEST_DUE = (delivery.c.next_at, delivery.c.sequence)


def _is_afresh(next_at: Any) -> Any:
    """Whether something is due because the broker forgot it (see `all_again`), and not because nobody answered."""
    forgot_at = select(pulse.c.at).where(pulse.c.name == "epoch").scalar_subquery()
    return func.coalesce(next_at == forgot_at, False).label("afresh")


_CLAIM = (
    select(*_FACT, delivery.c.version, delivery.c.attempts, _is_afresh(delivery.c.next_at))
    .join(delivery, delivery.c.event_id == outbox.c.event_id)
    .where(*_DUE)
    .order_by(*_LONGEST_DUE)
    .limit(bindparam("most"))
)
_KEY = type_coerce(delivery.c.event_id, Uuid(as_uuid=False))


def _claim_at_once() -> Any:
    """The same for a server, which other relays ask too: found, locked, pushed ahead and read in one statement."""
    due = (
        select(delivery.c.event_id, delivery.c.hearer, delivery.c.next_at)
        .where(*_DUE)
        .order_by(*_LONGEST_DUE)
        .limit(bindparam("most"))
        .with_for_update(skip_locked=True)
        .cte("due")
    )
    doubled = FIRST_RETRY_S * func.power(2, func.least(delivery.c.attempts, DOUBLINGS))
    pause = func.make_interval(0, 0, 0, 0, 0, 0, func.least(LONGEST_RETRY_S, doubled) * bindparam("jitter"))
    claimed = (
        update(delivery)
        .where(delivery.c.event_id == due.c.event_id, delivery.c.hearer == due.c.hearer)
        .values(attempts=delivery.c.attempts + 1, next_at=bindparam("now", type_=Moment) + pause)
        .returning(
            delivery.c.event_id, delivery.c.version, (delivery.c.attempts - 1).label("attempts"), due.c.next_at
        )
        .cte("claimed")
    )
    return (
        select(*_FACT, claimed.c.version, claimed.c.attempts, _is_afresh(claimed.c.next_at))
        .join(claimed, claimed.c.event_id == outbox.c.event_id)
        .order_by(claimed.c.next_at, outbox.c.sequence)
    )


_AT_ONCE = _claim_at_once()


def claim(
    session: Session, hearer: str, most: int, now: datetime, *, spare: timedelta = timedelta(0)
) -> Sequence[Any]:
    """Up to `most` facts due to one hearer, the longest due first; the next sending of each is pushed ahead.

    What was sent before is left alone for `spare` more: a hearer that is behind is not helped by hearing it twice.
    """
    wanted = {"to": hearer, "now": now, "again": now - spare, "most": most}
    if session.get_bind().dialect.name == "postgresql":
        return session.execute(_AT_ONCE, {**wanted, "jitter": random.uniform(1, JITTER)}).all()  # noqa: S311
    rows = session.execute(_CLAIM, wanted).all()
    by_attempts: dict[int, list[Any]] = defaultdict(list)
    for row in rows:
        by_attempts[row.attempts].append(row.event_id)
    for attempts, ids in by_attempts.items():
        session.execute(
            update(delivery)
            .where(delivery.c.hearer == hearer, _KEY.in_(ids))
            .values(attempts=attempts + 1, next_at=now + timedelta(seconds=retry_after_s(attempts)))
        )
    return rows


def messages(rows: Sequence[Any], source: str) -> list[tuple[str, int]]:
    """The facts as the arguments of calls to `hear`, in their order: (JSON text, how many facts it holds).

    Facts that are sent for the first time share messages: the first one carries the others under `also`, which a
    hearer of an earlier version does not read; what it leaves so comes again. What comes again comes alone: it may
    be what killed its worker. What comes again because the broker forgot it says so, and is as good as new.
    """
    packed: list[tuple[str, int]] = []
    together: list[str] = []
    length = 0
    for row in rows:
        text = _written(row, source)
        *_, attempts, afresh = row
        is_suspect = attempts and not afresh
        if together and (is_suspect or len(together) == MANY or length + len(text) > LONG):
            packed.append((_pack(together), len(together)))
            together, length = [], 0
        if is_suspect:
            packed.append((f"[{text}]", 1))
        else:
            together.append(text)
            length += len(text)
    if together:
        packed.append((_pack(together), len(together)))
    return packed


def _written(row: Any, source: str) -> str:
    """`outbox.envelope` of a claimed row, as JSON."""
    # In the order of _FACT: to take a row apart at once takes a third of asking it for each name.
    key, of, about, body, trace, cause, at, sequence, version, attempts, afresh = row
    event_id = _dashed(key)
    return (
        f'{{"specversion": "1.0", "id": "{event_id}", "source": "{source}", {_kind(of)}, '
        f'"subject": "{_dashed(about)}", "time": "{_instant(at)}", '
        f'"datacontenttype": "application/json", "sequence": {sequence}, '
        f'"aggversion": {version}, "attempt": {attempts + 1}, "traceparent": {quoted(trace)}, '
        f'"correlationid": {quoted(trace.split("-", 2)[1])}, '
        f'"causationid": "{_dashed(cause) if cause else event_id}", '
        f'{_AFRESH if attempts and afresh else ""}"data": {body}}}'
    )


_AFRESH = '"afresh": true, '


@lru_cache
def _kind(of: str) -> str:
    return f'"type": {quoted(of)}, "dataschema": {quoted(f"urn:palabre:{of}")}'


def _dashed(key: str) -> str:
    """A UUID with its dashes: SQLite's column holds it without."""
    return key if len(key) == 36 else f"{key[:8]}-{key[8:12]}-{key[12:16]}-{key[16:20]}-{key[20:]}"


def _instant(at: datetime | str) -> str:
    """ISO 8601 with its offset: `Moment` keeps UTC, which SQLite holds as text without saying so."""
    if isinstance(at, str):
        return f"{at[:10]}T{at[11:]}+00:00"
    return (at if at.tzinfo is UTC else at.astimezone(UTC)).isoformat()


def _pack(facts: Sequence[str]) -> str:
    if len(facts) == 1:
        return f"[{facts[0]}]"
    return f'[{facts[0][:-1]}, "also": [{", ".join(facts[1:])}]}}]'


def apart(message: dict[str, Any]) -> list[dict[str, Any]]:
    """The envelopes of one message, in their order."""
    first = dict(message)
    return [first, *first.pop("also", ())]


def is_any_unacknowledged(session: Session) -> bool:
    """Whether anything was told that its hearer has not acknowledged, sent or not."""
    return session.execute(_UNACKNOWLEDGED).first() is not None


def by_another_clock(session: Session, among: Collection[str], now: datetime) -> bool:
    """Whether something waits for longer than any pause may be."""
    late = (
        delivery.c.hearer.in_(sorted(among)),
        delivery.c.acked_at.is_(None),
        delivery.c.next_at > now + FARTHEST,
    )
    return session.execute(select(delivery.c.event_id).where(*late).limit(1)).first() is not None


def set_right(session: Session, among: Collection[str], now: datetime) -> None:
    """What waits for longer than any pause may be is due now."""
    late = (
        delivery.c.hearer.in_(sorted(among)),
        delivery.c.acked_at.is_(None),
        delivery.c.next_at > now + FARTHEST,
    )
    session.execute(update(delivery).where(*late).values(next_at=now))


def all_again(session: Session, epoch: str) -> bool:
    """When `epoch` is new, what was sent and is not acknowledged is due at once; whether an earlier one was known."""
    known = session.scalar(select(pulse.c.value).where(pulse.c.name == "epoch"))
    if epoch == known:
        return False
    now = datetime.now(UTC)
    session.execute(
        update(delivery).where(delivery.c.acked_at.is_(None), delivery.c.attempts > 0).values(next_at=now)
    )
    session.execute(
        upsert(session)(pulse)
        .values(name="epoch", value=epoch, at=now)
        .on_conflict_do_update(index_elements=[pulse.c.name], set_={"value": epoch, "at": now})
    )
    return known is not None
