"""What posters learned of letters, written down: many at a time, for beside the sending this is what a letter costs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import (
    JSON,
    ColumnElement,
    Dialect,
    FromClause,
    Insert,
    Text,
    Update,
    bindparam,
    cast,
    column,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Session

from services.notifications.models import Delivery, Letter

BACKOFF = tuple(timedelta(minutes=m) for m in (1, 5, 15, 60, 120, 240, 480))
GIVE_UP = timedelta(hours=48)


@dataclass(frozen=True, slots=True)
class Told:
    """What a poster learned of one letter, and when: `outcome` is sent, deferred, failed, unknown or broken.

    `attempts` counts those before this one, `since` is when the letter was first to leave.
    """

    letter_id: UUID
    outcome: str
    server: str
    reply: str
    at: datetime
    attempts: int
    since: datetime


def tell(session: Session, turn: UUID, told: Sequence[Told]) -> None:
    """Write down what a poster learned. What was doubted meanwhile and is known now is no longer in doubt.

    A letter that a person settled meanwhile stays as they said; what the server said is noted all the same.
    """
    if not told:
        return
    connection = session.connection()
    becomes, notes = _in_one(connection.dialect.name)
    rows = _as_json(told, connection.dialect)
    connection.execute(becomes, {"rows": rows, "turn": turn})
    connection.execute(notes, {"rows": rows})


# What stands in one word of a poster when it travels to the database: where each value goes.
_COLUMNS = {
    "of": Letter.id,
    "to_state": Letter.state,
    "to_attempts": Letter.attempts,
    "due_at": Letter.next_at,
    "left_at": Letter.sent_at,
    "note": Delivery.id,
    "at": Delivery.at,
    "outcome": Delivery.outcome,
    "server": Delivery.server,
    "reply": Delivery.reply,
}


def _as_json(told: Sequence[Told], dialect: Dialect) -> str:
    """All words as one value: beside the sending, what a letter costs is each value bound by itself."""
    rows = [_became(word) for word in told]
    for name, place in _COLUMNS.items():
        as_kept = place.type.dialect_impl(dialect).bind_processor(dialect)
        if as_kept is not None:
            for row in rows:
                row[name] = as_kept(row[name])
    return json.dumps(rows, default=str)


@lru_cache
def _in_one(dialect: str) -> tuple[Update, Insert]:
    """The statements that change the letters and note the attempts, for any number of words."""
    rows = bindparam("rows", type_=Text)
    said: FromClause
    value: dict[str, ColumnElement[Any]]
    if dialect == "sqlite":
        said = func.json_each(rows).table_valued("value").alias("said")
        value = {
            name: func.json_extract(said.c.value, f"$.{name}", type_=of.type) for name, of in _COLUMNS.items()
        }
    else:
        said = func.json_to_recordset(cast(rows, JSON)).table_valued(
            *(column(name, of.type) for name, of in _COLUMNS.items()), name="said"
        )
        said = said.render_derived(with_types=True)
        value = {name: said.c[name] for name in _COLUMNS}
    becomes = (
        update(Letter)
        .where(
            Letter.id == value["of"],
            Letter.claimed_by == bindparam("turn"),
            or_(Letter.state == "handed", Letter.state == "unknown"),
        )
        .values(
            state=value["to_state"],
            reply=value["reply"],
            attempts=value["to_attempts"],
            next_at=value["due_at"],
            sent_at=value["left_at"],
            claimed_by=None,
        )
    )
    notes = {
        "id": "note",
        "letter_id": "of",
        "at": "at",
        "outcome": "outcome",
        "server": "server",
        "reply": "reply",
    }
    chosen = select(*(value[name] for name in notes.values()))
    return becomes, insert(Delivery).from_select(list(notes), chosen)


def _became(word: Told) -> dict[str, object]:
    """What a letter is after this word, and what is noted of the attempt."""
    row: dict[str, object] = {
        "of": word.letter_id,
        "to_state": word.outcome,
        "to_attempts": word.attempts + 1,
        "due_at": None,
        "left_at": word.at if word.outcome == "sent" else None,
        "note": uuid4(),
        "at": word.at,
        "outcome": word.outcome,
        "server": word.server,
        "reply": word.reply,
    }
    if word.outcome == "deferred":
        wait = BACKOFF[min(word.attempts + 1, len(BACKOFF)) - 1]
        if word.at + wait > word.since + GIVE_UP:
            row["to_state"] = row["outcome"] = "failed"
        else:
            row["due_at"] = word.at + wait
    elif word.outcome == "broken":
        # It cannot have arrived whole, so it costs no attempt and leaves by the next line.
        row |= {"to_state": "queued", "due_at": word.at, "to_attempts": word.attempts}
    return row
