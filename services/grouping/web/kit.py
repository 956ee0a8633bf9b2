"""What the groups print: cards and table tents of published rounds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask import Response, request
from sqlalchemy.orm import Session

from services.chassis import pages, printing
from services.chassis.i18n import _, force_locale
from services.chassis.web import database, reading
from services.grouping import kit, rounds
from services.grouping.web.doors import DESKS, blueprint, gathering_at, round_at

PRINT = Path(__file__).parent.parent / "print"


@blueprint.get("/g/<slug>/kit")
@reading
def kit_listed(session: Session, slug: str) -> str:
    gathering = gathering_at(session, slug, *DESKS)
    return pages.render(
        "grouping/kit.html",
        gathering=gathering,
        rounds=[one for one in rounds.of(session, gathering.id) if rounds.in_force(session, one.id)],
        not_printable=kit.not_printable(session, gathering),
    )


@blueprint.get("/g/<slug>/temps/<int:number>/cartes.pdf")
def cards(slug: str, number: int) -> Response:
    return _printed(slug, number, kit.cards, "cards", "cartes")


@blueprint.get("/g/<slug>/temps/<int:number>/chevalets.pdf")
def tents(slug: str, number: int) -> Response:
    return _printed(slug, number, kit.tents, "tents", "chevalets")


def _printed(slug: str, number: int, says: Callable[..., dict[str, Any]], template: str, name: str) -> Response:
    with database().reading() as session:
        gathering, round_ = round_at(session, slug, number, *DESKS)
        with force_locale(gathering.language):
            said = says(session, gathering, round_, large=request.args.get("grand") == "1", say=_)
    return pages.paper(printing.sheets(PRINT / f"{template}.typ", said), f"{slug}-{name}-{number}.pdf")
