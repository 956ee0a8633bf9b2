"""Which counts may be shown, and which would tell who said what.

Every rule here treats the cells alike: what is hidden depends on the counts alone, never on which choice
carries which count. So the hidden counts could be dealt out among the hidden cells in any order and the page
would look the same; since a small count is never hidden without a large one beside it, nobody can tell which
cell is the small one, even somebody who has read this file. Dealing out by rank (and breaking ties by hiding
all of them) is what makes it so.

The background is cell suppression in statistical tables: L. Willenborg and T. de Waal, "Elements of Statistical
Disclosure Control", Lecture Notes in Statistics 155 (2001), chapters 1 and 8.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple


class Run(NamedTuple):
    """The neighbouring values `first` to `last` of a scale, given by `people` together."""

    first: int
    last: int
    people: int


def veil_one_of(counts: Mapping[str, int], *, minimum: int) -> dict[str, int | None]:
    """Hide what must be hidden when each person chose exactly one of these.

    Returns the same keys with their count, or None where it is hidden. The sum of all counts is taken to be
    known to everybody. A count under `minimum` is hidden, zero as well, and with it the smallest of the
    others and its equals. Under `minimum` answers in all, everything is hidden. Raises ValueError on a
    negative count.
    """
    _not_negative(counts.values())
    if sum(counts.values()) < minimum:
        return dict.fromkeys(counts)
    return _hide_up_to(counts, counts, minimum)


def veil_any_of(counts: Mapping[str, int], *, answers: int, minimum: int) -> dict[str, int | None]:
    """Hide what must be hidden when each of `answers` people ticked as many of these as they liked.

    As `veil_one_of`, but here a count betrays from both sides: with 2 people under the number of answers, the
    two who did not tick stand alone. Raises ValueError on a negative count or one over `answers`.
    """
    _not_negative(counts.values())
    if any(count > answers for count in counts.values()):
        raise ValueError(f"more ticks than the {answers} answers")
    if answers < minimum:
        return dict.fromkeys(counts)
    return _hide_up_to(counts, {key: min(count, answers - count) for key, count in counts.items()}, minimum)


def join_scale(counts: Sequence[int], *, minimum: int, first: int = 1) -> list[Run]:
    """Join neighbouring values of a scale until each run holds `minimum` answers or more.

    `counts[i]` is the number of answers to the value `first + i`. Joining goes upwards from the lowest value;
    what is left over at the top joins the run below it. Returns the runs in order, together covering every
    value; none when there are fewer than `minimum` answers in all. Raises ValueError on a negative count.
    """
    _not_negative(counts)
    if sum(counts) < minimum:
        return []
    runs: list[Run] = []
    start, held = 0, 0
    for place, count in enumerate(counts):
        held += count
        if held >= minimum:
            runs.append(Run(first + start, first + place, held))
            start, held = place + 1, 0
    if start < len(counts):
        below = runs.pop()
        runs.append(Run(below.first, first + len(counts) - 1, below.people + held))
    return runs


def mean_of(counts: Sequence[int], *, minimum: int, first: int = 1) -> float | None:
    """The mean of a scale, or None when a value had to be joined with another.

    A mean beside joined values is one equation too many: with five answers in "1 or 2" it tells how many gave
    1.
    """
    if any(count < minimum for count in counts) or not counts:
        return None
    return sum((first + place) * count for place, count in enumerate(counts)) / sum(counts)


def _hide_up_to(counts: Mapping[str, int], margins: Mapping[str, int], minimum: int) -> dict[str, int | None]:
    if all(margin >= minimum for margin in margins.values()):
        return dict(counts)
    company = min((margin for margin in margins.values() if margin >= minimum), default=minimum)
    return {key: count if margins[key] > company else None for key, count in counts.items()}


def _not_negative(counts: Iterable[int]) -> None:
    if any(count < 0 for count in counts):
        raise ValueError("a count cannot be negative")
