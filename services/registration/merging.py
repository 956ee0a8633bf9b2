"""What stays of two rows of one person: plain values in, plain values out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from services.chassis.catalogues import N_
from services.registration.models import State

MOST_BROUGHT = 5
# The place somebody has, which goes from one row to the other as a whole: the territory belongs to the seat.
PLACE = (
    "state", "territory", "walk_in", "line", "deadline_at", "registered_at", "cancelled_at", "cancelled_from",
    "handed_to", "still_comes_at", "checked_in_at",
)  # fmt: skip
# What is taken from the other row where the one that stays says nothing.
FILLED = ("family", "email", "trade", "structure", "invitation_id", "wishes")

_BEST_FIRST = (
    State.present, State.registered, State.offered, State.pending_email, State.no_show, State.waiting,
)  # fmt: skip

_MOMENTS = ("deadline_at", "registered_at", "cancelled_at", "still_comes_at", "checked_in_at")
_IDS = ("handed_to", "invitation_id")

Row = Mapping[str, Any]


def is_better(place: Row, than: Row) -> bool:
    """Whether `place` is worth more than the other: nearer to a seat, or earlier in the line."""
    ranks = [
        _BEST_FIRST.index(one["state"]) if one["state"] in _BEST_FIRST else len(_BEST_FIRST)
        for one in (place, than)
    ]
    if ranks[0] == ranks[1] and place["state"] == State.waiting:
        return bool(place["line"] < than["line"])
    return ranks[0] < ranks[1]


def filled(stays: Row, goes: Row) -> dict[str, Any]:
    """What the row that stays takes over beside the place: its empty fields and the answers it lacks."""
    taken = {name: goes[name] for name in FILLED if goes[name] and not stays[name]}
    answers = {**goes["answers"], **stays["answers"]}
    return taken if answers == stays["answers"] else {**taken, "answers": answers}


def refusal(stays: Row, goes: Row, *, stories: int, topics: int) -> str:
    """Why two rows cannot be one, as a sentence; empty when they can.

    `stories` and `topics` are how many both have proposed together.
    """
    if State.erased in (stays["state"], goes["state"]):
        return N_("One of the two has been erased: nothing can be joined to it.")
    if State.merged in (stays["state"], goes["state"]):
        return N_("One of the two is joined to somebody already. Look at the page of that person.")
    if stays["state"] == goes["state"] == State.present:
        return N_("Both have arrived: they are two people.")
    if max(stories, topics) > MOST_BROUGHT:
        return N_("Together they bring more than five stories or topics. Decline one first.")
    return ""


def written(place: dict[str, Any]) -> dict[str, Any]:
    """A place as JSON keeps it."""
    return {
        name: value.isoformat() if name in _MOMENTS and value else bare(value) for name, value in place.items()
    }


def read(place: dict[str, Any]) -> dict[str, Any]:
    """The place that `written` kept."""
    return {
        name: datetime.fromisoformat(value) if name in _MOMENTS and value else full(name, value)
        for name, value in place.items()
    }


def bare(value: Any) -> Any:
    """One value as JSON keeps it."""
    return str(value) if isinstance(value, UUID) else value


def full(name: str, value: Any) -> Any:
    """The value of the column `name` that `bare` kept."""
    return UUID(value) if name in _IDS and value else value
