"""What the pages share: their blueprint, and who may open which gathering and round."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from flask import Blueprint, redirect, url_for
from sqlalchemy.orm import Session

from services.chassis import auth
from services.grouping import gatherings, rounds
from services.grouping.models import Gathering, Round

blueprint = Blueprint("web", __name__)
WORKERS = ("owner", "organiser", "facilitator")
HALL = (*WORKERS, "desk", "reader")
DESKS = (*WORKERS, "desk")


def gathering_at(session: Session, slug: str, *wanted: str) -> Gathering:
    gathering = gatherings.at(session, slug)
    auth.require(session, gathering.id, *wanted)
    return gathering


def round_at(session: Session, slug: str, number: int, *wanted: str) -> tuple[Gathering, Round]:
    gathering = gathering_at(session, slug, *wanted)
    return gathering, rounds.numbered(session, gathering.id, number)


def to_board(slug: str, number: int) -> Any:
    return redirect(url_for("web.board", slug=slug, number=number), HTTPStatus.SEE_OTHER)


def may_change(session: Session, gathering: Gathering) -> bool:
    who = auth.actor()
    return who.id is not None and bool(auth.roles_held(session, gathering.id, who.id) & {"owner", "organiser"})
