"""A large gathering in blocks: people and groups shared out so that each block can be formed alone.

A value of m people over G groups is spread evenly when every group holds q = m div G of them or one more. Blocks
that hold between q and q + 1 of it for each of their groups, and are spread evenly themselves, are even together.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from services.grouping.forming import seating
from services.grouping.forming.instances import Instance, Ints

PEOPLE = 400
"""About how many people a block holds: its time and memory grow with the square of it."""


@dataclass(frozen=True)
class Block:
    """`people` (k,) and `groups` (G of the block,) are ids of the whole; `instance` counts them from 0."""

    people: Ints
    groups: Ints
    instance: Instance


def split(instance: Instance) -> list[Block]:
    """Everybody who is here in one of the blocks, with all they are tied to. Raises seating.Impossible.

    Whoever must sit in a group goes to its block; then each person, most bound first, to the block that most lacks
    their values.
    """
    n, G = int(instance.here.sum()), instance.G
    count = max(1, min(G, n // PEOPLE))
    edges = np.arange(count + 1) * G // count
    home_of = np.repeat(np.arange(count), np.diff(edges))
    room = np.diff(n * edges // G)
    share = np.diff(edges) / G
    columns = instance.attrs.T
    lack = [
        np.outer(np.bincount(column[instance.here], minlength=int(column.max()) + 1), share).astype(np.float32)
        for column in columns
    ]
    block = np.full(instance.n, -1, np.int64)
    for unit in sorted(seating.bound_units(instance), key=lambda unit: _order(instance, unit)):
        people = list(unit.people)
        if unit.group >= 0:
            chosen = int(home_of[unit.group])
        else:
            wanted = sum(lack[a][instance.attrs[p, a]] for p in people for a in range(len(lack)))
            chosen = int(np.where(room >= len(people), wanted, -np.inf).argmax())
        block[people] = chosen
        room[chosen] -= len(people)
        for p in people:
            for a in range(len(lack)):
                lack[a][instance.attrs[p, a], chosen] -= 1
    return [cut(instance, np.flatnonzero(block == k), np.arange(edges[k], edges[k + 1])) for k in range(count)]


def _order(instance: Instance, unit: seating.Unit) -> tuple[object, ...]:
    return (unit.group < 0, -len(unit.people), *instance.attrs[unit.people[0]].tolist()[::-1], unit.people)


def cut(instance: Instance, people: Ints, groups: Ints) -> Block:
    """The question of some of the people and some of the groups, alone; ties to others are left out."""
    where = {person: k for k, person in enumerate(people.tolist())}
    first, last = int(groups[0]), int(groups[-1])
    pref = instance.pref[people]
    return Block(
        people=people,
        groups=groups,
        instance=Instance(
            n=len(people),
            G=len(groups),
            attrs=instance.attrs[people],
            attr_names=instance.attr_names,
            carriers=tuple(where.get(person, -1) for person in instance.carriers[first : last + 1]),
            pref=np.where((pref >= first) & (pref <= last), pref - first, -1),
            together=tuple((where[a], where[b]) for a, b in instance.together if a in where and b in where),
            apart=tuple((where[a], where[b]) for a, b in instance.apart if a in where and b in where),
            history=tuple(earlier[people] for earlier in instance.history),
            locked={
                where[p]: g - first for p, g in instance.locked.items() if p in where and first <= g <= last
            },
            weights=instance.weights,
        ),
    )
