"""What is asked: people, groups, and the rules between them."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Pair = tuple[int, int]


class BadInput(ValueError):
    """What was given cannot be read as a question; the message is one line and names the field."""


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
    n, G = _count(source, "n", least=0), _count(source, "G", least=1)
    attrs = _table(source, "attrs", rows=n)
    if attrs.size and attrs.min() < 0:
        raise BadInput(f"attrs: row {int(np.argwhere(attrs < 0)[0][0])} has a negative value")
    names = source.get("attr_names") or [f"attribute {k + 1}" for k in range(attrs.shape[1])]
    if len(names) != attrs.shape[1]:
        raise BadInput(f"attr_names: {len(names)} names for {attrs.shape[1]} columns of attrs")
    pref = _table(source, "pref", rows=n, optional=True)
    if pref.size and (pref.max() >= G or pref.min() < -1):
        raise BadInput(f"pref: row {int(np.argwhere((pref >= G) | (pref < -1))[0][0])} names no group")
    together, apart = _pairs(source, "keep_together", n), _pairs(source, "keep_apart", n)
    both = {frozenset(p) for p in together} & {frozenset(p) for p in apart}
    if both:
        raise BadInput(f"keep_apart: {sorted(min(both, key=sorted))} is in keep_together too")
    noshow = frozenset(_people(source, "noshow", n))
    return Instance(
        n=n,
        G=G,
        attrs=attrs,
        attr_names=tuple(str(name) for name in names),
        carriers=_carriers(source, n, G),
        pref=pref,
        together=together,
        apart=apart,
        history=_history(source, n),
        absent=noshow if absent else frozenset(),
        late=frozenset(_people(source, "late", n)),
        locked=_locked(source, n, G),
    )


def load(path: Path) -> dict[str, Any]:
    """The plain fields of a JSON or NPZ file. Raises BadInput with one line."""
    try:
        if path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as pages:
                return {name: pages[name].tolist() for name in pages.files}
        found = json.loads(path.read_text("utf-8"))
    except OSError as failure:
        raise BadInput(f"{path}: {failure.strerror or failure}") from failure
    except json.JSONDecodeError as failure:
        raise BadInput(f"{path}: line {failure.lineno}: {failure.msg}") from failure
    except (UnicodeDecodeError, ValueError, zipfile.BadZipFile, EOFError) as failure:
        raise BadInput(f"{path}: {str(failure).splitlines()[0]}") from failure
    if not isinstance(found, dict):
        raise BadInput(f"{path}: an object with fields is expected")
    return found


def read_plan(source: Mapping[str, Any], instance: Instance) -> Ints:
    """(n,) the published group of each person, -1 for somebody who had none. Raises BadInput."""
    groups = _whole(source.get("groups"), "groups")
    if groups.shape != (instance.n,):
        raise BadInput(f"groups: {len(groups)} places for n = {instance.n}")
    if groups.size and (groups.max() >= instance.G or groups.min() < -1):
        raise BadInput(
            f"groups: person {int(np.argwhere((groups >= instance.G) | (groups < -1))[0][0])} has no such group"
        )
    return groups


def _count(source: Mapping[str, Any], name: str, *, least: int) -> int:
    if name not in source:
        raise BadInput(f"{name}: missing")
    value = source[name]
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise BadInput(f"{name}: a whole number of at least {least} is expected, not {value!r}")
    return value


def _whole(values: Any, name: str) -> Ints:
    """Whole numbers of any shape; a fraction, a NaN, a word or ragged rows are refused."""
    if values is None:
        raise BadInput(f"{name}: missing")
    try:
        found = np.asarray(values)
    except ValueError as failure:
        raise BadInput(f"{name}: its rows are not equally long") from failure
    if found.size == 0:
        return found.astype(np.int64)
    if found.dtype.kind == "f" and not (np.isfinite(found).all() and (found == np.floor(found)).all()):
        raise BadInput(f"{name}: whole numbers are expected")
    if found.dtype.kind not in "iuf":
        raise BadInput(f"{name}: whole numbers are expected")
    return found.astype(np.int64)


def _table(source: Mapping[str, Any], name: str, *, rows: int, optional: bool = False) -> Ints:
    if optional and source.get(name) is None:
        return np.empty((rows, 0), np.int64)
    found = _whole(source.get(name), name)
    if found.size == 0 and len(found) in (0, rows):
        return (
            np.empty((rows, 0), np.int64)
            if rows
            else found.reshape(0, found.shape[1] if found.ndim == 2 else 0)
        )
    if found.ndim != 2 or len(found) != rows:
        raise BadInput(f"{name}: {len(found)} rows for n = {rows}")
    return found


def _people(source: Mapping[str, Any], name: str, n: int) -> list[int]:
    found = _whole(source.get(name) if source.get(name) is not None else [], name)
    if found.ndim != 1 or (found.size and (found.min() < 0 or found.max() >= n)):
        raise BadInput(f"{name}: ids from 0 to {n - 1} are expected")
    people: list[int] = found.tolist()
    if len(set(people)) < len(people):
        raise BadInput(f"{name}: {next(p for p in people if people.count(p) > 1)} stands twice")
    return people


def _pairs(source: Mapping[str, Any], name: str, n: int) -> tuple[Pair, ...]:
    found = _whole(source.get(name) if source.get(name) is not None else [], name)
    if found.size == 0:
        return ()
    if found.ndim != 2 or found.shape[1] != 2:
        raise BadInput(f"{name}: pairs of ids are expected")
    for row, (a, b) in enumerate(found.tolist()):
        if not (0 <= a < n and 0 <= b < n) or a == b:
            raise BadInput(f"{name}: pair {row} is not two people of 0 to {n - 1}")
    return tuple((int(a), int(b)) for a, b in found.tolist())


def _carriers(source: Mapping[str, Any], n: int, G: int) -> tuple[int, ...]:
    found = _whole(source.get("bringers") if source.get("bringers") is not None else [], "bringers")
    if found.ndim != 1 or len(found) > G:
        raise BadInput(f"bringers: {len(found)} carriers for {G} groups")
    carriers = [int(person) for person in found.tolist()] + [-1] * (G - len(found))
    known = [person for person in carriers if person >= 0]
    if any(person >= n or person < -1 for person in carriers):
        raise BadInput(f"bringers: ids from 0 to {n - 1} are expected")
    if len(set(known)) < len(known):
        raise BadInput(f"bringers: {next(p for p in known if known.count(p) > 1)} carries two topics")
    return tuple(carriers)


def _history(source: Mapping[str, Any], n: int) -> tuple[Ints, ...]:
    rounds = source.get("history")
    earlier: list[Ints] = []
    for number, groups in enumerate([] if rounds is None else rounds):
        found = _whole(groups, f"history[{number}]")
        if found.shape != (n,) or (found.size and found.min() < -1):
            raise BadInput(f"history[{number}]: one group id for each of {n} people is expected")
        earlier.append(found)
    return tuple(earlier)


def _locked(source: Mapping[str, Any], n: int, G: int) -> dict[int, int]:
    found = _whole(source.get("locked") if source.get("locked") is not None else [], "locked")
    if found.size == 0:
        return {}
    if found.ndim != 2 or found.shape[1] != 2:
        raise BadInput("locked: pairs of a person and a group are expected")
    for row, (person, group) in enumerate(found.tolist()):
        if not (0 <= person < n and 0 <= group < G):
            raise BadInput(f"locked: pair {row} is not a person and a group")
    return {int(person): int(group) for person, group in found.tolist()}
