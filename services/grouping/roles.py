"""Who facilitates, takes notes and keeps time in each group: proposed so that these roles go round."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from functools import partial
from itertools import product
from typing import TypeVar

P = TypeVar("P", bound=Hashable)

# In the order in which a group needs them: one of two people has nobody who keeps time.
ROLES = ("facilitator", "rapporteur", "timekeeper")
# Who brings a topic or a story to a group is there to be listened to.
NOT_FOR_BRINGERS = ("facilitator", "rapporteur")


def propose(
    people: Sequence[P],
    *,
    earlier: Mapping[P, Sequence[str]],
    bringers: Collection[P] = (),
    held: Mapping[str, P] | None = None,
    wanted: Collection[str] = ROLES,
) -> dict[str, P]:
    """Somebody for each of the `wanted` roles of one group, and for those `held` whoever has them.

    `people` are the group's; among equals the first of them is chosen. `earlier` are the roles somebody had in other
    rounds, each as often as they had it. `bringers` neither facilitate nor take notes. As few as possible have a role
    again that they had before; then those with the fewest roles before are asked. Nobody has two: a group of two has
    nobody who keeps time, somebody alone takes no notes, and a role that nobody may take is left out. Of nobody: {}.
    """
    needed = ROLES[: len(people)]
    kept = {role: person for role, person in (held or {}).items() if role in needed and person in people}
    open_ = [role for role in needed if role in wanted and role not in kept]

    def price(role: str, place: int) -> tuple[int, ...]:
        had = earlier.get(people[place], ())
        return int(role in had), len(had), had.count(role), place

    # Each role's best few: of three for three roles, one is always free.
    choices: list[list[int | None]] = []
    for role in open_:
        can = [
            place
            for place, person in enumerate(people)
            if person not in kept.values() and not (role in NOT_FOR_BRINGERS and person in bringers)
        ]
        choices.append([*sorted(can, key=partial(price, role))[: len(ROLES)], None])

    def worth(taken: Sequence[int | None]) -> tuple[tuple[int, ...], ...]:
        prices = [price(role, place) for role, place in zip(open_, taken, strict=True) if place is not None]
        left = tuple(int(place is None) for place in taken)
        return (sum(left), *left), tuple(map(sum, zip(*prices, strict=True)))

    found = [taken for taken in product(*choices) if _are_different(taken)]
    best = min(found, key=worth)
    return kept | {role: people[place] for role, place in zip(open_, best, strict=True) if place is not None}


def _are_different(taken: Sequence[int | None]) -> bool:
    places = [place for place in taken if place is not None]
    return len(places) == len(set(places))
