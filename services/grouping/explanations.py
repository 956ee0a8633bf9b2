"""Why somebody sits where they sit, from public facts only: wishes, topics, territories, trades, structures.

Private rules between two people never reach these functions, so no explanation can tell of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True)
class Seated:
    """What everyone can see of a person at a table."""

    participant_id: UUID
    territory: str
    trade: str
    structure: str


@dataclass(frozen=True)
class Mix:
    """How mixed a table is: counts of different values, and of `colleagues`, who share a structure."""

    size: int
    territories: int
    trades: int
    structures: int
    colleagues: int


@dataclass(frozen=True)
class Fairness:
    """How many people have their first, second or third wish, none of their wishes, or had none."""

    first: int
    second: int
    third: int
    none: int
    silent: int

    @property
    def people(self) -> int:
        return self.first + self.second + self.third + self.none + self.silent


def mix(table: Sequence[Seated]) -> Mix:
    """The mix of one table; an empty value is no value. An empty table: all zeros."""
    structures = [_same(person.structure) for person in table if person.structure]
    return Mix(
        size=len(table),
        territories=len({person.territory for person in table if person.territory}),
        trades=len({person.trade for person in table if person.trade}),
        structures=len(set(structures)) + sum(not person.structure for person in table),
        colleagues=sum(structures.count(one) > 1 for one in structures),
    )


def reasons(
    person: Seated,
    table: Sequence[Seated],
    *,
    role: str,
    wish: int | None,
    met: Iterable[UUID] = (),
    earlier_rounds: bool = False,
) -> list[str]:
    """Codes that explain a seat, the strongest first.

    `table` holds everyone at it, the person too. `wish` is the rank (1, 2, 3) of this table among their wishes.
    `met` are the people they shared a group with earlier.
    """
    others = [other for other in table if other.participant_id != person.participant_id]
    whole = mix(table)
    codes = [role] if role != "member" else []
    if wish:
        codes.append(f"wish:{wish}")
    if person.structure and all(_same(other.structure) != _same(person.structure) for other in others):
        codes.append("alone_of_structure")
    if whole.territories > 1:
        codes.append(f"territories:{whole.territories}")
    if whole.trades > 1:
        codes.append(f"trades:{whole.trades}")
    if earlier_rounds:
        known = set(met)
        fresh = sum(other.participant_id not in known for other in others)
        if fresh:
            codes.append(f"new_people:{fresh}")
    return codes


def move_reason(
    *,
    had_seat: bool,
    left: int,
    joined: int,
    least: int,
    most: int,
    brings: str | None = None,
    wish: int | None = None,
) -> str:
    """The one code that says why a re-balance gives a person another table.

    `left` and `joined` count who of the old and of the new table came, before anybody moves; `least` and `most`
    are the sizes wanted. `brings` is what nobody else has at the new table, as `territory:A` or `trade:…`.
    """
    if not had_seat:
        return "new_seat"
    if joined < least:
        return f"table_too_small:{joined}"
    if left > most:
        return f"table_too_large:{left}"
    if brings:
        return f"brings_{brings}"
    if wish:
        return f"wish:{wish}"
    return "evened_mix"


def fairness(groups: Mapping[UUID, int], wishes: Mapping[UUID, Sequence[int]]) -> Fairness:
    """Who got what: `groups` is everyone's group number, `wishes` the group numbers they asked for, dearest
    first.
    """
    ranks = [rank_of(number, wishes.get(person, ())) for person, number in groups.items()]
    silent = sum(not wishes.get(person) for person in groups)
    return Fairness(
        first=ranks.count(1),
        second=ranks.count(2),
        third=ranks.count(3),
        none=ranks.count(None) - silent,
        silent=silent,
    )


def rank_of(number: int, wanted: Sequence[int]) -> int | None:
    """Which wish a group is, from 1, or None."""
    return wanted.index(number) + 1 if number in wanted else None


def _same(structure: str) -> str:
    return " ".join(structure.casefold().split())
