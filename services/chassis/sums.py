"""Sums by which a hearer and a teller find out that they agree, without telling everything again.

When a check has written a subject anew, the sum of what the teller told of it and the sum of the rows that came of that
are kept beside each other. As long as both are the same again, so is all that they stand for.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from services.chassis import ledger
from services.chassis.db import seen
from services.chassis.memories import sum_of
from services.chassis.mirrors import Mirror


def agreeing(
    session: Session, mirrors: Sequence[Mirror], source: str, told: Mapping[UUID, Mapping[str, Any]]
) -> set[UUID]:
    """The subjects of which facts and rows are as they were when they were last found to agree.

    `told` is what the teller says of each: `told`, the facts it has told, and `sum`. A subject with facts under way
    does not agree yet.
    """
    mine = (seen.c.source == source, seen.c.subject.in_(told))
    kept = session.execute(
        select(seen.c.subject, seen.c.version, seen.c.told_sum, seen.c.rows_sum).where(*mine)
    )
    same = {
        row.subject: row.rows_sum
        for row in kept
        if row.version == told[row.subject]["told"] and row.told_sum == told[row.subject]["sum"]
    }
    rows = of_rows(session, mirrors, list(same))
    return {subject for subject, kept_sum in same.items() if rows[subject] == kept_sum}


def keep(
    session: Session,
    mirrors: Sequence[Mirror],
    source: str,
    answer: Mapping[str, Any],
    *,
    besides: Collection[UUID],
) -> None:
    """Remember the sums of the subjects that this answer told whole and that were written anew.

    Not of those `besides`, nor of one that has more facts under way: it is asked for whole the next time.
    """
    told = {UUID(one["subject"]): one for one in answer["subjects"] if UUID(one["subject"]) not in besides}
    at = ledger.lock(session, ((source, subject) for subject in told)) if told else {}
    rows = of_rows(session, mirrors, list(told))
    kept = []
    for subject, one in told.items():
        facts = ((fact["id"], fact["aggversion"]) for fact in one["facts"])
        is_whole = at[source, subject] == one["told"]
        kept.append(
            {
                "of_subject": subject,
                "of_told": sum_of(one["told"], one["acked"], facts) if is_whole else None,
                "of_rows": rows[subject] if is_whole else None,
            }
        )
    if kept:
        session.connection().execute(
            update(seen)
            .where(seen.c.source == source, seen.c.subject == bindparam("of_subject"))
            .values(told_sum=bindparam("of_told"), rows_sum=bindparam("of_rows")),
            kept,
        )


def of_rows(session: Session, mirrors: Sequence[Mirror], subjects: Sequence[UUID]) -> dict[UUID, str]:
    """The sum of all mirrored rows about each of them, without the columns that are the service's own."""
    lines: dict[UUID, list[str]] = defaultdict(list)
    for mirror in mirrors:
        columns = [column for column in mirror.table.c if column.name not in mirror.own]
        for row in session.execute(select(*columns).where(mirror.by.in_(subjects))).mappings():
            values = [row[column.name] for column in columns]
            lines[row[mirror.by.name]].append(
                json.dumps([mirror.table.name, *values], sort_keys=True, default=str)
            )
    return {
        subject: hashlib.sha256("\n".join(sorted(lines[subject])).encode()).hexdigest()[:24]
        for subject in subjects
    }
