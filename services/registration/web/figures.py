"""What templates ask of a gathering: its names, its crown, its longest row of seats."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache

from flask import Flask, current_app
from markupsafe import Markup

from services.registration.models import Gathering
from services.registration.seats import Room
from services.registration.web import words


def install(app: Flask) -> None:
    """Let every template of registration use these."""
    app.jinja_env.globals.update(
        crown_of=crown_of,
        instant=datetime.fromisoformat,
        names_of=names_of,
        widest_of=widest_of,
        words=words,
        zone_options=zone_options,
    )


def names_of(gathering: Gathering) -> dict[str, str]:
    """The names of the territories by their letters."""
    return {one["letter"]: one["name"] for one in gathering.territories}


def widest_of(gathering: Gathering) -> int:
    """The largest quota, so that rows of seats can be compared."""
    return max((one["quota"] or 0 for one in gathering.territories), default=0)


def zone_options(zones: tuple[str, ...], chosen: str) -> list[tuple[str, str]]:
    """The zones to choose from, the chosen one among them."""
    listed = zones if chosen in zones or not chosen else (*zones, chosen)
    return [(zone, zone.replace("_", " ")) for zone in listed]


def crown_of(gathering: Gathering, room: Room) -> Markup:
    """The gathering as a tree: one leaf a seat, in wedges of one territory; an ornament beside the numbers."""
    quotas = tuple(
        (one["letter"], one["quota"], room.held.get(one["letter"], 0)) for one in gathering.territories
    )
    return _drawn(gathering.seats, quotas, room.taken)


@lru_cache(maxsize=256)
def _drawn(seats: int, quotas: tuple[tuple[str, int | None, int], ...], taken: int) -> Markup:
    leaves: list[tuple[str, bool]] = []
    for letter, quota, held in quotas:
        wedge = max(held, quota or 0)
        leaves += [(letter, place < held) for place in range(wedge)]
    leaves = leaves[: max(seats, taken)]
    spare = seats - len(leaves)
    others = max(0, taken - sum(held for _, _, held in quotas))
    leaves += [("", place < others) for place in range(spare)]
    template = current_app.jinja_env.from_string("{{ p.tree(leaves) }}")
    return Markup(template.render(leaves=leaves))  # noqa: S704  (drawn by our own macro, from letters and numbers)
