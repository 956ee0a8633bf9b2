"""Who may have a seat: plain values in, plain values out. The one rule, whatever took or freed the seat."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Reason(StrEnum):
    """Why someone waits: all seats are held (`full`), or all seats of their territory (`quota`)."""

    full = "full"
    quota = "quota"


@dataclass(frozen=True)
class Room:
    """The seats of a gathering and who holds them.

    `quotas` maps a territory to the seats it may hold at most; a territory without an entry has no limit of
    its own. `held` maps a territory to the seats it holds now.
    """

    seats: int
    quotas: Mapping[str, int] = field(default_factory=dict)
    held: Mapping[str, int] = field(default_factory=dict)

    @property
    def taken(self) -> int:
        return sum(self.held.values())

    @property
    def free(self) -> int:
        return max(0, self.seats - self.taken)

    def refusal(self, territory: str) -> Reason | None:
        """Why one more person of `territory` cannot sit down, or None when they can."""
        quota = self.quotas.get(territory)
        if quota is not None and self.held.get(territory, 0) >= quota:
            return Reason.quota
        return Reason.full if self.taken >= self.seats else None

    def seating(self, territory: str) -> Room:
        """The same room with one more person of `territory`."""
        return Room(self.seats, self.quotas, {**self.held, territory: self.held.get(territory, 0) + 1})

    def leaving(self, territory: str) -> Room:
        """The same room with one person of `territory` less; there must be one."""
        return Room(self.seats, self.quotas, {**self.held, territory: self.held[territory] - 1})


@dataclass(frozen=True)
class Waiting:
    """One person in the line; `line` is their number, given once and never reused."""

    who: Any
    territory: str
    line: int


def promoted(room: Room, waiting: Iterable[Waiting]) -> list[Waiting]:
    """Who is offered the free seats: from the front of the line, each person whom seats and quotas allow.

    Someone whose territory is full is passed over and keeps their place in the line. The result is empty when
    no seat is free or nobody fits.
    """
    chosen = []
    for person in sorted(waiting, key=lambda one: one.line):
        if room.free == 0:
            break
        if room.refusal(person.territory) is None:
            chosen.append(person)
            room = room.seating(person.territory)
    return chosen


def verdict(room: Room, waiting: Iterable[Waiting], territory: str) -> Reason | None:
    """Why a newcomer must wait, or None when a seat is theirs.

    Somebody already in the line who fits the free seat comes first, so the newcomer gets only what the line
    leaves.
    """
    for person in promoted(room, waiting):
        room = room.seating(person.territory)
    return room.refusal(territory)
