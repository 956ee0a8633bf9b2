"""What a service keeps of what others tell: tables that can be written anew from the tellers' memory at any time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Table, inspect
from sqlalchemy.orm import Session

Settle = Callable[[Session, Sequence[UUID], datetime], None]


@dataclass(frozen=True)
class Mirror:
    """A table whose rows come from what one teller told, each row from the facts about one subject.

    `by` is the column that holds the subject. `own` columns are the service's own: a row that is written anew keeps
    them. `settle(session, subjects, now)` then makes right what depends on both.
    """

    source: str
    table: Table
    by: Column[Any]
    model: type[Any] | None = None
    own: tuple[str, ...] = ()
    settle: Settle | None = None


def mirror_of(
    source: str, kept: type[Any] | Table, by: str, own: tuple[str, ...], settle: Settle | None
) -> Mirror:
    if isinstance(kept, Table):
        return Mirror(source, kept, kept.c[by], None, own, settle)
    table: Any = inspect(kept).local_table
    return Mirror(source, table, table.c[by], kept, own, settle)
