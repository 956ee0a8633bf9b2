"""Who comes: fictional people of eight territories, the same ones for the same seed.

>>> day = cast()
>>> len(day.invited), len(day.walk_ins), day.seats
(140, 3, 132)
"""

from __future__ import annotations

import random
import re
import unicodedata
from collections import Counter
from dataclasses import dataclass, replace
from itertools import cycle

from infra.sample import words

MAIL_NAME_LENGTH = 40


@dataclass(frozen=True)
class Person:
    """Someone who does not exist. `family` may be empty: some people have one name."""

    number: int
    given: str
    family: str
    email: str
    territory: str
    trade: str
    structure: str
    title: str
    language: str = "fr"

    @property
    def name(self) -> str:
        return f"{self.given} {self.family}".strip()

    @property
    def territory_name(self) -> str:
        return words.TERRITORIES[self.territory][0]


@dataclass(frozen=True)
class Cast:
    """Everybody of one day: who is invited, who comes without having said so, and what they bring."""

    seats: int
    quotas: dict[str, int]
    invited: tuple[Person, ...]
    walk_ins: tuple[Person, ...]
    no_shows: int
    answers: int
    stories: tuple[str, ...]
    topics: tuple[str, ...]


def cast(seats: int = 132, seed: int = 2027) -> Cast:
    """The people of a day with `seats` seats, at least 16.

    With 132 seats: quotas as announced, 140 people invited, 3 walk-ins, 13 no-shows, 90 answers, 8 stories,
    12 topics.
    A smaller or larger day keeps the proportions. Raises ValueError below 16 seats: eight territories of two.
    """
    if seats < 16:
        raise ValueError(f"{seats} seats are too few for eight territories")
    chance = random.Random(seed)  # noqa: S311  (the same people each time is the point)
    quotas = shares(seats, {letter: quota for letter, (_, quota) in words.TERRITORIES.items()})
    asking = Counter(quotas)
    asking.update(words.ONE_TOO_MANY[: _part(8, seats)])
    names = _names(chance)
    people: list[Person] = []
    for letter, wanted in sorted(asking.items()):
        structures = _dealt(words.STRUCTURES[letter], words.STRUCTURE_SHARES, wanted)
        trades = _dealt(words.TRADES, words.TRADE_SHARES, wanted)
        chance.shuffle(trades)
        people += [_person(len(people) + i, letter, structures[i], trades[i], names) for i in range(wanted)]
    people = _hard_names(people)
    people = _shared_addresses(_own_addresses(people))
    chance.shuffle(people)
    walk_ins = [
        _person(len(people) + i, letter, words.STRUCTURES[letter][4], words.TRADES[i % 5], names)
        for i, letter in enumerate("EGC"[: _part(3, seats)])
    ]
    everybody = _own_addresses([*people, *walk_ins])
    return Cast(
        seats=seats,
        quotas=quotas,
        invited=tuple(everybody[: len(people)]),
        walk_ins=tuple(everybody[len(people) :]),
        no_shows=_part(13, seats),
        answers=max(8, _part(90, seats)),
        stories=words.STORIES[: max(2, _part(8, seats))],
        topics=words.TOPICS[: max(2, _part(12, seats))],
    )


def shares(total: int, weights: dict[str, int]) -> dict[str, int]:
    """`total` things given out by weight: whole numbers that add up, the largest remainders served first."""
    whole = sum(weights.values())
    given = {key: total * weight // whole for key, weight in weights.items()}
    left = total - sum(given.values())
    for key in sorted(weights, key=lambda key: (-(total * weights[key] % whole), key))[:left]:
        given[key] += 1
    return given


def plain(text: str) -> str:
    """Lower-case ASCII letters and figures with dots between, for the left half of an address; may be empty."""
    bare = (
        unicodedata.normalize("NFKD", text.replace("Œ", "Oe").replace("Ł", "L"))
        .encode("ascii", "ignore")
        .decode()
    )
    return re.sub(r"[^a-z0-9]+", ".", bare.lower()).strip(".")[:MAIL_NAME_LENGTH].strip(".")


def _part(of_132: int, seats: int) -> int:
    return max(1, round(of_132 * seats / 132))


def _dealt(things: tuple[str, ...], weights: tuple[int, ...], wanted: int) -> list[str]:
    counts = shares(wanted, dict(zip(things, weights, strict=True)))
    return [thing for thing in things for _ in range(counts[thing])]


def _names(chance: random.Random) -> cycle[tuple[str, str]]:
    pairs = [(given, family) for given in words.GIVEN for family in words.FAMILY]
    chance.shuffle(pairs)
    return cycle(pairs)


def _person(number: int, letter: str, structure: str, trade: str, names: cycle[tuple[str, str]]) -> Person:
    given, family = next(names)
    language = "en" if number % 12 == 5 else "fr"
    return Person(number, given, family, "", letter, trade, structure, words.TITLES[trade], language)


def _hard_names(people: list[Person]) -> list[Person]:
    step = max(1, len(people) // len(words.HARD))
    changed = list(people)
    for (given, family), i in zip(words.HARD, range(0, len(people), step), strict=False):
        changed[i] = replace(changed[i], given=given, family=family)
    return changed


def _own_addresses(people: list[Person]) -> list[Person]:
    taken = {person.email for person in people if person.email}
    addressed = []
    for person in people:
        if not person.email:
            left = plain(person.name) or f"personne.{person.number}"
            house = plain(person.structure).replace(".", "-")
            email = f"{left}@{house}.example"
            if email in taken:
                email = f"{left}.{person.number}@{house}.example"
            taken.add(email)
            person = replace(person, email=email)
        addressed.append(person)
    return addressed


def _shared_addresses(people: list[Person]) -> list[Person]:
    """Two pairs of colleagues read one mailbox."""
    changed = list(people)
    for letter in "DH":
        pair = [i for i, p in enumerate(changed) if p.structure == words.STRUCTURES[letter][0]][:2]
        house = plain(words.STRUCTURES[letter][0]).replace(".", "-")
        for i in pair:
            changed[i] = replace(changed[i], email=f"accueil@{house}.example")
    return changed
