"""What the circles wrote: a few modalities of action for each listening angle."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.chassis.errors import NotFound, Refused
from services.chassis.outbox import publish
from services.grouping.events import SynthesisWritten
from services.grouping.models import Group, Round, Synthesis

MOST, LONGEST = 12, 400


class UnknownCircle(NotFound):
    code = "unknown-circle"


class NothingWritten(Refused):
    code = "nothing-written"


class TooMuch(Refused):
    code = "too-much"


def circles(session: Session, gathering_id: UUID) -> list[Group]:
    """The circles of the gathering's first round of angles, by number; none before it is asked for."""
    angles = (Round.gathering_id == gathering_id) & (Round.kind == "angles")
    first = session.scalar(select(Round.id).where(angles).order_by(Round.number).limit(1))
    if first is None:
        return []
    return list(session.scalars(select(Group).where(Group.round_id == first).order_by(Group.number)))


def circle(session: Session, gathering_id: UUID, number: int) -> Group:
    """Raises UnknownCircle."""
    found = next((group for group in circles(session, gathering_id) if group.number == number), None)
    if found is None:
        raise UnknownCircle("There is no circle with this number.")
    return found


def written(session: Session, gathering_id: UUID) -> dict[UUID, Synthesis]:
    """What is written, by circle."""
    mine = session.scalars(select(Synthesis).where(Synthesis.gathering_id == gathering_id))
    return {synthesis.group_id: synthesis for synthesis in mine}


def write(
    session: Session,
    gathering_id: UUID,
    number: int,
    *,
    modalities: Sequence[str],
    by: UUID | None,
    now: datetime,
) -> Synthesis:
    """Write down what a circle found, instead of what stood there, and tell it.

    Raises UnknownCircle, NothingWritten, TooMuch.
    """
    group = circle(session, gathering_id, number)
    lines = [line for line in (" ".join(modality.split()) for modality in modalities) if line]
    if not lines:
        raise NothingWritten("Write at least one modality of action, one a line.", field="modalities")
    if len(lines) > MOST or max(map(len, lines)) > LONGEST:
        raise TooMuch(
            "Write at most %(most)s modalities of %(longest)s characters each.",
            field="modalities",
            most=MOST,
            longest=LONGEST,
        )
    synthesis = session.get(Synthesis, group.id)
    if synthesis is None:
        synthesis = Synthesis(group_id=group.id, gathering_id=gathering_id)
        session.add(synthesis)
    synthesis.angle, synthesis.modalities = group.name, lines
    synthesis.written_at, synthesis.written_by = now, by
    session.flush()
    publish(session, SynthesisWritten, about=synthesis, now=now)
    return synthesis
