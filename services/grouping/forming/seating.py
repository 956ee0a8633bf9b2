"""The hard rules, and nothing else: who may sit where, and which rules cannot be kept at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from services.grouping.forming.instances import Instance

_TRIES = 200_000

Rule = tuple[str, int, int]
"""("carrier", person, group), ("locked", person, group), ("together", person, person), ("apart", person,
person).
"""


class Impossible(ValueError):
    """No seating keeps all hard rules; `rules` are some that cannot be kept at once, none of them spare."""

    def __init__(self, rules: tuple[Rule, ...]) -> None:
        said = "; ".join(f"{kind} {one} {other}" for kind, one, other in rules)
        super().__init__(f"rules: these cannot all be kept: {said}")
        self.rules = rules


class Undecided(RuntimeError):
    """No seating was found in a fair number of tries, and none was shown to be impossible."""


class TornApart(Exception):
    """People who are kept together have seats in two groups."""


@dataclass(frozen=True)
class Unit:
    """People who sit together; `group` is where they must, or -1."""

    people: tuple[int, ...]
    group: int


def units(instance: Instance) -> list[Unit]:
    """Those who are here, joined by keep-together; alone or not, in order of their first person."""
    root = list(range(instance.n))

    def find(person: int) -> int:
        while root[person] != person:
            root[person] = root[root[person]]
            person = root[person]
        return person

    for a, b in instance.together:
        if a not in instance.absent and b not in instance.absent:
            low, high = sorted((find(a), find(b)))
            root[high] = low
    members: dict[int, list[int]] = {}
    for person in range(instance.n):
        if person not in instance.absent:
            members.setdefault(find(person), []).append(person)
    pinned = instance.pinned
    found = []
    for people in members.values():
        groups = {pinned[person] for person in people if person in pinned}
        if len(groups) > 1:
            raise TornApart
        found.append(Unit(people=tuple(people), group=groups.pop() if groups else -1))
    return found


def bound_units(instance: Instance) -> list[Unit]:
    """The units, once it is sure that no two of them are kept together around two groups. Raises Impossible."""
    try:
        return units(instance)
    except TornApart:
        raise Impossible(conflict(instance)) from None


def first_seats(instance: Instance, *, prefer: dict[int, int] | None = None) -> dict[int, int]:
    """A seat for everyone whom a hard rule concerns, such that the others can fill up to even sizes.

    `prefer` names groups to try first. Raises Impossible with a smallest conflicting set, or Undecided.
    """
    seats = _search(instance, prefer or {})
    if seats is None:
        raise Impossible(conflict(instance))
    return seats


def conflict(instance: Instance) -> tuple[Rule, ...]:
    """A set of rules that cannot be kept together, and can as soon as any one of them is dropped.

    A few rules among thousands are found by halving: U. Junker, "QuickXplain: Preferred Explanations and
    Relaxations for Over-Constrained Problems", AAAI 2004, 167-172.
    """
    rules = list(_rules(instance))
    found = set(_core(instance, [], False, rules))
    return tuple(rule for rule in rules if rule in found)


def _core(instance: Instance, held: list[Rule], is_new: bool, rules: list[Rule]) -> list[Rule]:
    """What of `rules` is needed, beside `held`, for a conflict; `is_new` says that `held` was not tried yet."""
    if is_new and not _possible(_with(instance, held)):
        return []
    if len(rules) <= 1:
        return rules
    half = len(rules) // 2
    one, other = rules[:half], rules[half:]
    of_other = _core(instance, held + one, bool(one), other)
    return _core(instance, held + of_other, bool(of_other), one) + of_other


def _rules(instance: Instance) -> Iterable[Rule]:
    yield from (("apart", a, b) for a, b in _each_once(instance.apart))
    yield from (("together", a, b) for a, b in _each_once(instance.together))
    yield from (("locked", person, group) for person, group in instance.locked.items())
    yield from (("carrier", person, group) for group, person in enumerate(instance.carriers) if person >= 0)


def _each_once(pairs: Iterable[tuple[int, int]]) -> Iterable[tuple[int, int]]:
    return {frozenset(pair): pair for pair in pairs}.values()


def _with(instance: Instance, rules: list[Rule]) -> Instance:
    carriers = [-1] * instance.G
    for kind, one, other in rules:
        if kind == "carrier":
            carriers[other] = one
    return replace(
        instance,
        carriers=tuple(carriers),
        together=tuple((a, b) for kind, a, b in rules if kind == "together"),
        apart=tuple((a, b) for kind, a, b in rules if kind == "apart"),
        locked={person: group for kind, person, group in rules if kind == "locked"},
    )


def _possible(instance: Instance) -> bool:
    try:
        return _search(instance, {}) is not None
    except Undecided:
        return True


def _search(instance: Instance, prefer: dict[int, int]) -> dict[int, int] | None:
    """Depth first over the units a rule concerns; None when there is no seating at all."""
    if _pins_clash(instance):
        return None
    try:
        search = _Search.of(instance, prefer)
    except TornApart:
        return None
    return search.run()


@dataclass
class _Search:
    """One unit after another gets a group it fits; `at` holds those that have one, `filled` counts their
    people, `crowd` those who would like to stay in a group and those who were put there.
    """

    everyone: list[Unit]
    foes: dict[int, set[int]]
    bounds: tuple[int, int]
    larger: int
    prefer: dict[int, int]
    filled: list[int]
    touched: list[int]
    crowd: list[int]
    at: dict[int, int] = field(default_factory=dict)

    @classmethod
    def of(cls, instance: Instance, prefer: dict[int, int]) -> _Search:
        everyone = units(instance)
        home = {person: k for k, unit in enumerate(everyone) for person in unit.people}
        foes: dict[int, set[int]] = {}
        for a, b in instance.apart:
            if a in home and b in home:
                if home[a] == home[b]:
                    raise TornApart
                foes.setdefault(home[a], set()).add(home[b])
                foes.setdefault(home[b], set()).add(home[a])
        low, high = instance.bounds
        return cls(
            everyone=everyone,
            foes=foes,
            bounds=(low, high),
            larger=instance.n - len(instance.absent) - low * instance.G,
            prefer=prefer,
            filled=[0] * instance.G,
            touched=[0] * instance.G,
            crowd=[list(prefer.values()).count(group) if prefer else 0 for group in range(instance.G)],
        )

    def run(self) -> dict[int, int] | None:
        concerned = self._concerned()
        stack: list[list[int]] = []
        tries = 0
        while len(stack) < len(concerned):
            stack.append(self._choices(concerned[len(stack)])[::-1])
            while stack:
                k = concerned[len(stack) - 1]
                self._take_back(k)
                if not stack[-1]:
                    stack.pop()
                    continue
                tries += 1
                if tries > _TRIES:
                    raise Undecided("rules: no seating was found that keeps them all")
                if self._sit(k, stack[-1].pop()):
                    break
            if not stack:
                return None
        return {person: group for k, group in self.at.items() for person in self.everyone[k].people}

    def _concerned(self) -> list[int]:
        """Units with a rule, those with least choice first."""
        return sorted(
            (k for k, u in enumerate(self.everyone) if u.group >= 0 or len(u.people) > 1 or k in self.foes),
            key=lambda k: (
                self.everyone[k].group < 0,
                not any(person in self.prefer for person in self.everyone[k].people),
                -len(self.everyone[k].people),
                -len(self.foes.get(k, ())),
                k,
            ),
        )

    def _choices(self, k: int) -> list[int]:
        """Groups to try, best first. Groups nobody was put into are alike, so one of them is enough."""
        unit = self.everyone[k]
        if unit.group >= 0:
            return [unit.group]
        fresh = [group for group, count in enumerate(self.touched) if not count]
        known = [group for group, count in enumerate(self.touched) if count]
        known.sort(key=lambda group: (self.filled[group], group))
        wanted = [self.prefer[person] for person in unit.people if person in self.prefer]
        order = known + fresh if wanted else fresh[:1] + known
        if self.prefer:
            order = sorted(range(len(self.crowd)), key=lambda group: (self.crowd[group], group))
        return sorted(order, key=lambda group: -wanted.count(group))

    def _sit(self, k: int, group: int) -> bool:
        (low, high), people = self.bounds, len(self.everyone[k].people)
        size = self.filled[group] + people
        if size > high or any(self.at.get(foe) == group for foe in self.foes.get(k, ())):
            return False
        if size > low >= self.filled[group] and sum(count > low for count in self.filled) >= self.larger:
            return False
        self.at[k] = group
        self.crowd[group] += sum(self.prefer.get(person) != group for person in self.everyone[k].people)
        self.filled[group] = size
        self.touched[group] += 1
        return True

    def _take_back(self, k: int) -> None:
        if k in self.at:
            group = self.at.pop(k)
            self.filled[group] -= len(self.everyone[k].people)
            self.touched[group] -= 1
            self.crowd[group] -= sum(self.prefer.get(person) != group for person in self.everyone[k].people)


def _pins_clash(instance: Instance) -> bool:
    carried = {person: group for group, person in enumerate(instance.carriers) if person >= 0}
    return any(carried.get(p, g) != g for p, g in instance.locked.items() if p not in instance.absent)
