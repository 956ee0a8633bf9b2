"""The command `replay`: be told everything again, with its progress and what was mended."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import select

from services.chassis import recalls
from services.chassis.db import Database, drifts
from services.chassis.outbox import wake
from services.chassis.recalls import Progress
from services.chassis.service import Service

LOOK_S = 0.2
SAY_S = 2.0
# Without an answer for so long somebody is away; the run goes on by itself when they are back.
SILENCE_S = 60.0


def run(service: Service, database: Database, sources: Sequence[str], *, kind: str, waits: bool) -> int:
    """Begin to be told again by each source, one after the other. Returns the exit code.

    It is 1 when a source does not answer, or when a check found rows that were not as they had been told.
    """
    if not sources:
        print(f"{service.name} keeps nothing of what others tell.")  # noqa: T201
        return 0
    code = 0
    for source in sources:
        began_at = datetime.now(UTC)
        with database.transaction() as session:
            recalls.begin(session, source, kind=kind, now=began_at)
            wake(session)
        if not waits:
            print(f"{source}: begun")  # noqa: T201
        else:
            code = max(code, _follow(database, source, began_at))
    return code


def _follow(database: Database, source: str, began_at: datetime) -> int:
    said_at, last = time.monotonic(), (0, time.monotonic())
    while True:
        with database.reading() as session:
            (how_far,) = [one for one in recalls.progress(session) if one.source == source]
        if how_far.began_at != began_at:
            print(f"{source}: another run was begun meanwhile")  # noqa: T201
            return 1
        if how_far.ended_at is not None:
            return _tell(database, how_far, how_far.ended_at)
        if how_far.subjects != last[0]:
            last = (how_far.subjects, time.monotonic())
        if time.monotonic() - last[1] > SILENCE_S:
            print(  # noqa: T201
                f"{source}: no answer for {SILENCE_S:.0f} s. The run goes on by itself once the worker and the relay "
                "of both services run; begin again to follow it."
            )
            return 1
        if time.monotonic() - said_at >= SAY_S:
            said_at = time.monotonic()
            of = "" if how_far.known is None else f" of {how_far.known:,}"
            print(f"{source}: {how_far.subjects:,}{of} subjects", flush=True)  # noqa: T201
        time.sleep(LOOK_S)


def _tell(database: Database, how_far: Progress, ended_at: datetime) -> int:
    took_s = max((ended_at - how_far.began_at).total_seconds(), 0.001)
    print(  # noqa: T201
        f"{how_far.source}: {how_far.subjects:,} subjects and {how_far.facts:,} facts in {took_s:.1f} s "
        f"({how_far.subjects / took_s:,.0f} subjects a second), {how_far.mended:,} written otherwise than they were"
    )
    if how_far.kind != "check":
        return 0
    with database.reading() as session:
        found = session.execute(
            select(drifts)
            .where(drifts.c.source == how_far.source, drifts.c.found_at >= how_far.began_at)
            .order_by(drifts.c.kept_in, drifts.c.subject)
        ).all()
    for row in found:
        print(f"  {row.kept_in} {row.subject}: {row.what}")  # noqa: T201
    return 1 if how_far.mended else 0
