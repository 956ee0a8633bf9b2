"""What grouping prints of a published round: a card for each person, a tent for each table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy.orm import Session

from services.chassis.catalogues import N_
from services.chassis.printing import is_rtl, printed_sign, unprintable
from services.grouping import boards, rounds, wording
from services.grouping.boards import Table
from services.grouping.models import Gathering, Round

Say = Callable[..., str]

_ROLES = {"carrier": N_("You bring this topic."), "teller": N_("You tell a story.")}


def cards(session: Session, gathering: Gathering, round_: Round, *, large: bool, say: Say) -> dict[str, Any]:
    """Cards by name, of everybody who is expected. Raises NothingPublished."""
    people = [
        {
            "name": seat.name,
            "rtl": is_rtl(seat.name),
            "order": (seat.family.casefold() or seat.given.casefold(), seat.given.casefold()),
            "territory": printed_sign(gathering.territories, seat.territory),
            "where": say(
                N_("Circle %(number)s") if round_.kind == "angles" else N_("Table %(number)s"),
                number=table.number,
            ),
            "theme": _theme(table),
            "theme-rtl": is_rtl(_theme(table)),
            "role": " ".join(
                one
                for one in (say(_ROLES[seat.role]) if seat.role in _ROLES else "", wording.asked(seat.duty))
                if one
            ),
        }
        for table in _published(session, round_)
        for seat in table.members
        if not seat.is_gone
    ]
    return {
        **_sheet(gathering, round_, say(N_("Cards")), large=large),
        "people": sorted(people, key=lambda one: one["order"]),
        "words": {"notes": say(N_("What I hear, what I keep:"))},
    }


def tents(session: Session, gathering: Gathering, round_: Round, *, large: bool, say: Say) -> dict[str, Any]:
    """Tents by number; those in large print name nobody but who brings the topic. Raises NothingPublished."""
    return {
        **_sheet(gathering, round_, say(N_("Table tents")), large=large),
        "tables": [
            {
                "number": table.number,
                "theme": _theme(table),
                "theme-rtl": is_rtl(_theme(table)),
                "carrier": say(N_("Brought by %(name)s"), name=table.carrier) if table.carrier else "",
                "people": [
                    {"name": seat.name, "rtl": is_rtl(seat.name)}
                    for seat in sorted(table.members, key=lambda seat: (seat.family.casefold(), seat.given))
                    if not seat.is_gone
                ],
            }
            for table in _published(session, round_)
        ],
    }


def not_printable(session: Session, gathering: Gathering) -> list[str]:
    """Names in published rounds with letters that our fonts do not have."""
    found: dict[str, None] = {}
    for round_ in rounds.of(session, gathering.id):
        if rounds.in_force(session, round_.id):
            found |= dict.fromkeys(
                unprintable(seat.name for table in _published(session, round_) for seat in table.members)
            )
    return list(found)


def _published(session: Session, round_: Round) -> list[Table]:
    tables = boards.published(session, round_)
    if not tables:
        raise rounds.NothingPublished("These groups are not published yet: publish them, then print.")
    return tables


def _theme(table: Table) -> str:
    return table.question or table.name


def _sheet(gathering: Gathering, round_: Round, title: str, *, large: bool) -> dict[str, Any]:
    return {
        "title": f"{title} – {round_.name} – {gathering.title}",
        "gathering": gathering.title,
        "round": round_.name,
        "language": gathering.language,
        "large": large,
    }
