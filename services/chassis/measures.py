"""What is worth watching in a service, as plain numbers that carry nothing of people."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.chassis import signs
from services.chassis.db import pulse


@dataclass(frozen=True, slots=True)
class Measure:
    """One number: `palabre_<name>` with its unit in the name, and what it says.

    `counts` is true for what only ever grows. `marks` part one name into several numbers.
    """

    name: str
    says: str
    value: float
    counts: bool = False
    marks: Mapping[str, str] = field(default_factory=dict)


Look = Callable[[Session, datetime], Iterable[Measure]]


def of_the_backbone(session: Session, now: datetime) -> Iterable[Measure]:
    """Whether facts go round, and what waits. No age of a canary is told before the first one went round."""
    sung = session.scalar(select(pulse.c.at).where(pulse.c.name == "canary"))
    if sung is not None:
        age_s = max(0.0, (now - sung).total_seconds())
        yield Measure("canary_age_seconds", "Since a canary went round relay, broker and worker.", age_s)
    sign = signs.of(session, now)
    yield Measure("facts_waiting", "Facts told here that somebody has not acknowledged.", sign.waiting)
    yield Measure("oldest_fact_seconds", "Age of the oldest of them; 0 when none waits.", sign.oldest_s)
    yield Measure("facts_dead", "Facts that could not be heard here and wait for a person.", sign.dead)
    yield Measure(
        "rows_drifted", "Rows found other than they were told, and mended, since a day.", sign.drifted
    )
