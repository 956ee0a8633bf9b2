"""What registration prints: badges and the roll, as plain values for the printing room."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from services.chassis import moments
from services.chassis.catalogues import N_
from services.chassis.printing import is_rtl, printed_sign, unprintable
from services.registration import codes, names
from services.registration.models import HOLDING, Gathering, Participant, State

Say = Callable[..., str]

# Who is expected, and who came; who was noted as absent may still come.
ON_PAPER = (*HOLDING, State.no_show)
_REMARKS = {
    State.pending_email: N_("to confirm"),
    State.offered: N_("seat offered"),
    State.no_show: N_("absent"),
}
_COLUMNS = (
    Participant.id, Participant.given, Participant.family, Participant.territory, Participant.trade,
    Participant.structure, Participant.state, Participant.walk_in,
)  # fmt: skip


def badges(
    session: Session, gathering: Gathering, *, large: bool, only: UUID | None = None, say: Say
) -> dict[str, Any]:
    """What badges say, in the order of the roll; `only` prints the badge of one person."""
    people = [one for one in _people(session, gathering.id) if only in (None, one.id)]
    return {
        **_sheet(gathering, say(N_("Badges")), large=large),
        "people": [{**_person(gathering, one), "code": codes.drawn(one.id)} for one in people],
        "words": {
            "code": say(N_("Code for the welcome desk")),
            "name": say(N_("Name")),
            "structure": say(N_("Structure")),
            "territory": say(N_("Territory")),
        },
    }


def roll(session: Session, gathering: Gathering, *, large: bool, now: datetime, say: Say) -> dict[str, Any]:
    """What the roll says: everybody below the letter they are looked for, with what the desk should know."""
    printed = moments.when(now, gathering.zone, gathering.language)
    return {
        **_sheet(gathering, say(N_("Roll")), large=large),
        "day": moments.day(gathering.starts_at, gathering.zone, gathering.language),
        "letters": [
            {"letter": letter, "people": [_line(gathering, one, say) for one in people]}
            for letter, people in groupby(_people(session, gathering.id), key=_letter)
        ],
        "words": {
            "title": say(N_("Roll")),
            "how": say(N_("Tick who comes. Write those who come unannounced on the empty lines at the end.")),
            "printed": say(N_("Printed: %(when)s"), when=printed),
            "name": say(N_("Name")),
            "structure": say(N_("Structure")),
            "territory": say(N_("Territory")),
            "trade": say(N_("Trade")),
            "remark": say(N_("Remark")),
        },
    }


def people(session: Session, gathering_id: UUID) -> int:
    """How many people have a badge."""
    return len(_people(session, gathering_id))


def not_printable(session: Session, gathering_id: UUID) -> list[str]:
    """Names with letters that our fonts do not have."""
    return unprintable(f"{one.given} {one.family}".strip() for one in _people(session, gathering_id))


def _people(session: Session, gathering_id: UUID) -> Sequence[Any]:
    found: Sequence[Any] = session.execute(
        select(*_COLUMNS).where(Participant.gathering_id == gathering_id, Participant.state.in_(ON_PAPER))
    ).all()
    return sorted(found, key=lambda one: (names.filed_under(one.given, one.family), str(one.id)))


def _sheet(gathering: Gathering, title: str, *, large: bool) -> dict[str, Any]:
    return {
        "title": f"{title} – {gathering.title}",
        "gathering": gathering.title,
        "language": gathering.language,
        "large": large,
    }


def _person(gathering: Gathering, one: Row[Any]) -> dict[str, Any]:
    return {
        "given": one.given,
        "family": one.family,
        "rtl": is_rtl(f"{one.given} {one.family}"),
        "territory": printed_sign(gathering.territories, one.territory),
        "trade": one.trade,
        "trade-rtl": is_rtl(one.trade),
        "structure": one.structure,
        "structure-rtl": is_rtl(one.structure),
    }


def _line(gathering: Gathering, one: Row[Any], say: Say) -> dict[str, Any]:
    remark = N_("came unannounced") if one.walk_in else _REMARKS.get(one.state, "")
    return {
        **_person(gathering, one),
        "first": one.family or one.given,
        "then": one.given if one.family else "",
        "here": one.state == State.present,
        "remark": say(remark) if remark else "",
    }


def _letter(one: Row[Any]) -> str:
    """The heading somebody stands below; signs and emoji share one."""
    first = names.filed_under(one.given, one.family)[0][:1]
    return first.upper() if unicodedata.category(first or " ")[0] in "LN" else "#"
