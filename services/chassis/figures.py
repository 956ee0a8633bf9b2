"""The geometry of what we draw: the crown of the tree, tables of seats, the eight shapes. Numbers only."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import cos, pi, radians, sin, sqrt
from typing import TypeVar

from markupsafe import Markup

T = TypeVar("T")

SHAPES = "ABCDEFGH"
MOST_LEAVES = 240


def shape_of(letter: str | None) -> str:
    """The letter whose colour and shape a territory wears; beyond the eighth, all wear the plain `Z`."""
    return letter if letter and letter in SHAPES and len(letter) == 1 else "Z"


# Strokes of a shape of radius 1 around the point (0, 0).
_STROKES = {
    "A": "M -1 0, a 1 1 0 1 1 2 0, a 1 1 0 1 1 -2 0",
    "B": "M -.88 -.88, h 1.76, v 1.76, h -1.76",
    "C": "M -1 -1, h 1, a 1 1 0 0 1 1 1, v 1, h -1, a 1 1 0 0 1 -1 -1",
    "D": "M -1 .9, v -.9, a 1 1 0 0 1 2 0, v .9",
    "E": "M -.5 -.95, h 1, l .55 .95, l -.55 .95, h -1, l -.55 -.95",
    "F": "M 0 -1.1, l 1.1 .83, l -.42 1.27, h -1.36, l -.42 -1.27",
    "G": "M -1 1, v -1, a 1 1 0 1 1 1 1",
    "H": "M -.42 -1, h .84, l .58 .58, v .84, l -.58 .58, h -.84, l -.58 -.58, v -.84",
    "Z": "M -.88 -.88, h 1.76, v 1.76, h -1.76",
}
_SHAPES = {
    letter: [(pen, [float(n) for n in numbers]) for pen, *numbers in map(str.split, strokes.split(","))]
    for letter, strokes in _STROKES.items()
}


@lru_cache(maxsize=16_384)
def outline(letter: str | None, x: float, y: float, r: float) -> str:
    """SVG path of a territory's shape around (x, y): circle, square, leaf, arch, hexagon, pentagon, drop, octagon."""
    path = []
    for pen, numbers in _SHAPES[shape_of(letter)]:
        if pen == "M":
            sized = [x + numbers[0] * r, y + numbers[1] * r]
        elif pen == "a":
            sized = [numbers[0] * r, numbers[1] * r, *numbers[2:5], numbers[5] * r, numbers[6] * r]
        else:
            sized = [n * r for n in numbers]
        path.append(pen + " ".join(f"{round(n, 1):g}" for n in sized))
    return "".join(path) + "z"


def wedges(leaves: Sequence[tuple[str, bool]]) -> list[tuple[str, bool, str]]:
    """The crown as few shapes: (letter, taken, path), one for each run of taken leaves of one letter.

    A free leaf is a shape of its own: a dotted line over several shapes at once is drawn with gaps.
    """
    size, spots = crown(leaves)
    drawn: list[tuple[str, bool, str]] = []
    for x, y, (letter, taken) in spots:
        path = outline(letter, x, y, size)
        if taken and drawn and drawn[-1][:2] == (letter, True):
            drawn[-1] = (letter, True, drawn[-1][2] + path)
        else:
            drawn.append((letter, taken, path))
    return drawn


def foliage(seats: Sequence[tuple[str, bool]]) -> Markup:
    """The crown as it stands in a page; written by hand, because a tree has hundreds of leaves."""
    return _foliage(tuple(seats))


@lru_cache(maxsize=64)
def _foliage(seats: tuple[tuple[str, bool], ...]) -> Markup:
    return Markup(  # noqa: S704  letters become shapes, and the rest is numbers
        "".join(
            f'<path class="seat s{shape_of(letter)}{"" if taken else " free"}" d="{path}"/>'
            for letter, taken, path in wedges(seats)
        )
    )


def crown(leaves: Sequence[T]) -> tuple[float, list[tuple[float, float, T]]]:
    """Places for the leaves of the tree, in arcs like an assembly: (radius of a leaf, [(x, y, leaf)]).

    Leaves come in the order given, from one end of every arc to the other, so that equal neighbours make a
    wedge. More than `MOST_LEAVES` are thinned evenly: each leaf drawn then stands for several (`people_a_leaf`).
    """
    if len(leaves) > MOST_LEAVES:
        leaves = [leaves[i * len(leaves) // MOST_LEAVES] for i in range(MOST_LEAVES)]
    size, spots = _crown(len(leaves))
    return size, [(x, y, leaf) for (x, y), leaf in zip(spots, leaves, strict=True)]


@lru_cache(maxsize=256)
def _crown(n: int) -> tuple[float, list[tuple[float, float]]]:
    if n == 0:
        return 0.0, []
    arcs = max(1, round((1 + sqrt(1 + 0.8146 * n)) / 2))
    radii = [88 + 100 * i / (arcs - 1) for i in range(arcs)] if arcs > 1 else [138.0]
    shares = [round(n * r / sum(radii)) for r in radii]
    shares[-1] += n - sum(shares)
    spots = []
    for r, share in zip(radii, shares, strict=True):
        for i in range(share):
            angle = radians(-12 + 204 * (i / (share - 1) if share > 1 else 0.5))
            spots.append((angle, 200 - r * cos(angle), 200 - r * sin(angle)))
    spots.sort()
    size = min(12.0, 0.32 * 100 / max(arcs - 1, 1), 0.29 * radians(204) * sum(radii) / n)
    return round(size, 1), [(round(x, 1), round(y, 1)) for _, x, y in spots]


def people_a_leaf(people: int) -> int:
    """How many people one leaf of the drawing stands for."""
    return max(1, -(-people // MOST_LEAVES))


def ring(people: list[T], r: float = 74, centre: float = 100) -> list[tuple[float, float, T]]:
    """Seats around a table, the first at noon, clockwise."""
    n = len(people)
    return [
        (round(centre + r * sin(2 * pi * i / n), 1), round(centre - r * cos(2 * pi * i / n), 1), person)
        for i, person in enumerate(people)
    ]


def minutes(total: int, left: int, r: float = 84) -> list[tuple[float, float, str]]:
    """The circle of minutes: each one gone, now, or still to come."""
    spots = []
    for i in range(total):
        angle = 2 * pi * (i + 0.5) / total
        state = "gone" if i < total - left else "now" if i == total - left else ""
        spots.append((round(100 + r * sin(angle), 1), round(100 - r * cos(angle), 1), state))
    return spots
