"""What is asked: people, groups, and the rules between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.grouping.forming import fields
from services.grouping.forming.fields import BadInput, Ints, Pair, load

__all__ = ["BadInput", "Instance", "Ints", "Pair", "load", "read", "read_plan"]

_GROUPS = 4000
"""Groups there may be when there are fewer people: each is a row of chairs."""
_VALUES = 2**20
"""Values from here on are counted anew: tables are as long as the largest."""


@dataclass(frozen=True)
class Instance:
    """One round to form.

    `attrs` is (n, attributes), integer values ≥ 0. `carriers[g]` is the person who must sit in group g, or -1.
    `pref` is (n, choices), the groups a person would like, first choice first, -1 for none. `together` and
    `apart` are pairs of people. `history` holds one group id a person for each earlier round, -1 for somebody
    who was not there. `absent` people get no seat. `locked` maps a person to the group they must stay in.
    """

    n: int
    G: int
    attrs: Ints
    attr_names: tuple[str, ...] = ()
    carriers: tuple[int, ...] = ()
    pref: Ints = field(default_factory=lambda: np.empty((0, 0), np.int64))
    together: tuple[Pair, ...] = ()
    apart: tuple[Pair, ...] = ()
    history: tuple[Ints, ...] = ()
    absent: frozenset[int] = frozenset()
    late: frozenset[int] = frozenset()
    locked: Mapping[int, int] = field(default_factory=dict)
    weights: tuple[int, ...] = ()
    """How much a gap of each attribute counts against another's in the search; all alike when it is empty."""

    @property
    def here(self) -> NDArray[np.bool_]:
        """(n,) True for those who need a seat."""
        mask = np.ones(self.n, np.bool_)
        mask[list(self.absent)] = False
        return mask

    @property
    def bounds(self) -> Pair:
        """The smallest and the largest group, when sizes differ by one at most."""
        people = self.n - len(self.absent)
        return people // self.G, -(-people // self.G)

    @property
    def weighted(self) -> list[tuple[Ints, int]]:
        """Each column of `attrs` with its weight."""
        return list(zip(self.attrs.T, self.weights or (1,) * self.attrs.shape[1], strict=True))

    @property
    def pinned(self) -> dict[int, int]:
        """Who sits where whatever happens: carriers who are here, and locked people."""
        seats = {person: group for group, person in enumerate(self.carriers) if person >= 0}
        return {
            person: group for person, group in (dict(self.locked) | seats).items() if person not in self.absent
        }


def read(source: Mapping[str, Any], *, absent: bool = False) -> Instance:
    """An instance out of its plain fields (GROUPING.md's words).

    `absent` says whether the people of `noshow` are left without a seat: yes when re-balancing, no when forming
    the round before the day. Raises BadInput naming the field.
    """
    n, G = fields.count(source, "n", least=0), fields.count(source, "G", least=1)
    most = max(n, _GROUPS)
    if most < G:
        raise BadInput(f"G: {G} groups for {n} people; at most {most} are expected")
    attrs = fields.table(source, "attrs", rows=n)
    if attrs.size and attrs.min() < 0:
        raise BadInput(f"attrs: row {int(np.argwhere(attrs < 0)[0][0])} has a negative value")
    pref = fields.table(source, "pref", rows=n, optional=True)
    if pref.size and (pref.max() >= G or pref.min() < -1):
        raise BadInput(f"pref: row {int(np.argwhere((pref >= G) | (pref < -1))[0][0])} names no group")
    together, apart = fields.pairs(source, "keep_together", n), fields.pairs(source, "keep_apart", n)
    both = {frozenset(p) for p in together} & {frozenset(p) for p in apart}
    if both:
        raise BadInput(f"keep_apart: {sorted(min(both, key=sorted))} is in keep_together too")
    noshow = frozenset(fields.people(source, "noshow", n))
    return Instance(
        n=n,
        G=G,
        attrs=_coded(attrs),
        attr_names=fields.names(source, "attr_names", attrs.shape[1]),
        carriers=_carriers(source, n, G),
        pref=pref,
        together=together,
        apart=apart,
        history=_history(source, n),
        absent=noshow if absent else frozenset(),
        late=frozenset(fields.people(source, "late", n)),
        locked=_locked(source, n, G),
    )


def read_plan(source: Mapping[str, Any], instance: Instance, *, name: str = "groups") -> Ints:
    """(n,) the published group of each person, -1 for somebody who had none. Raises BadInput."""
    groups = fields.whole(source.get(name), name)
    if groups.shape != (instance.n,):
        raise BadInput(f"{name}: {len(groups)} places for n = {instance.n}")
    wrong = (groups >= instance.G) | (groups < -1)
    if wrong.any():
        raise BadInput(f"{name}: person {int(wrong.argmax())} has no such group")
    return groups


def _coded(attrs: Ints) -> Ints:
    """The same values, counted from 0 where they are so large that a table of them would not fit."""
    if not attrs.size or attrs.max() < _VALUES:
        return attrs
    return np.stack([np.unique(column, return_inverse=True)[1] for column in attrs.T], 1).astype(np.int64)


def _carriers(source: Mapping[str, Any], n: int, G: int) -> tuple[int, ...]:
    found = fields.whole(fields.given(source, "bringers"), "bringers")
    if found.ndim != 1:
        raise BadInput("bringers: a list of ids is expected")
    if len(found) > G:
        raise BadInput(f"bringers: {len(found)} carriers for {G} groups")
    carriers = [int(person) for person in found.tolist()] + [-1] * (G - len(found))
    if any(person >= n or person < -1 for person in carriers):
        raise BadInput(f"bringers: ids from 0 to {n - 1} are expected")
    twice = fields.twice([person for person in carriers if person >= 0])
    if twice is not None:
        raise BadInput(f"bringers: {twice} carries two topics")
    return tuple(carriers)


def _history(source: Mapping[str, Any], n: int) -> tuple[Ints, ...]:
    rounds = fields.given(source, "history")
    if not isinstance(rounds, (list, tuple, np.ndarray)):
        raise BadInput("history: a list of earlier rounds is expected")
    earlier: list[Ints] = []
    for number, groups in enumerate(rounds):
        found = fields.whole(groups, f"history[{number}]")
        if found.shape != (n,) or (found.size and found.min() < -1):
            raise BadInput(f"history[{number}]: one group id for each of {n} people is expected")
        if found.size and found.max() >= _VALUES:
            known = found >= 0
            found[known] = np.unique(found[known], return_inverse=True)[1]
        earlier.append(found)
    return tuple(earlier)


def _locked(source: Mapping[str, Any], n: int, G: int) -> dict[int, int]:
    found = fields.whole(fields.given(source, "locked"), "locked")
    if found.size == 0:
        return {}
    if found.ndim != 2 or found.shape[1] != 2:
        raise BadInput("locked: pairs of a person and a group are expected")
    locked: dict[int, int] = {}
    for row, (person, group) in enumerate(found.tolist()):
        if not (0 <= person < n and 0 <= group < G):
            raise BadInput(f"locked: pair {row} is not a person and a group")
        if locked.setdefault(person, group) != group:
            raise BadInput(f"locked: {person} is locked in two groups")
    return locked
