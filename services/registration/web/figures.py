"""What templates ask of a gathering: its names, its crown, its longest row of seats."""

from __future__ import annotations

from bisect import bisect_right
from datetime import UTC, date, datetime
from itertools import accumulate

from flask import Flask

from services.chassis.figures import MOST_LEAVES
from services.chassis.i18n import day, gettext
from services.registration.models import Gathering
from services.registration.seats import Room
from services.registration.web import words


def install(app: Flask) -> None:
    """Let every template of registration use these."""
    app.jinja_env.globals.update(
        leaves_of=leaves_of,
        due_day=due_day,
        instant=datetime.fromisoformat,
        names_of=names_of,
        said_plainly=said_plainly,
        widest_of=widest_of,
        words=words,
        zone_options=zone_options,
    )


def names_of(gathering: Gathering) -> dict[str, str]:
    """The names of the territories by their letters."""
    return {one["letter"]: one["name"] for one in gathering.territories}


def due_day(due: date) -> str:
    """The day something is due, as one says it."""
    return day(datetime(due.year, due.month, due.day, 12, tzinfo=UTC), "UTC", year=False)


def said_plainly(name: str, value: object, gathering: Gathering) -> str:
    """A field of what is held about a person, in words where the house has words for it."""
    text = str(value)
    known = {
        "state": {**{state: word for state, (word, _) in words.STATES.items()}, **words.LETTERS},
        "standing": {state: word for state, (word, _) in words.STATES.items()},
        "outcome": words.LETTERS,
        "deed": words.DEEDS,
        "duty": words.DUTIES,
    }.get(name, {})
    if name == "territory":
        return names_of(gathering).get(text, text)
    return gettext(known[text]) if text in known else text


def widest_of(gathering: Gathering) -> int:
    """The largest quota, so that rows of seats can be compared."""
    return max((one["quota"] or 0 for one in gathering.territories), default=0)


def zone_options(zones: tuple[str, ...], chosen: str) -> list[tuple[str, str]]:
    """The zones to choose from, the chosen one among them."""
    listed = zones if chosen in zones or not chosen else (*zones, chosen)
    return [(zone, zone.replace("_", " ")) for zone in listed]


def leaves_of(gathering: Gathering, room: Room) -> list[tuple[str, bool]]:
    """The gathering as a tree: one (territory, taken) a seat, in wedges of one territory, the unnamed last.

    A gathering larger than the drawing is thinned evenly.
    """
    runs: list[tuple[str, bool, int]] = []
    for one in gathering.territories:
        held = room.held.get(one["letter"], 0)
        runs += [(one["letter"], True, held), (one["letter"], False, max(0, (one["quota"] or 0) - held))]
    named = {one["letter"] for one in gathering.territories}
    others = sum(held for letter, held in room.held.items() if letter not in named)
    spare = max(0, gathering.seats - sum(count for _, _, count in runs))
    runs += [("", True, min(others, spare)), ("", False, max(0, spare - others))]
    ends = list(accumulate(count for _, _, count in runs))
    drawn = min(ends[-1], MOST_LEAVES)
    places = (bisect_right(ends, leaf * ends[-1] // drawn) for leaf in range(drawn))
    return [runs[place][:2] for place in places]
