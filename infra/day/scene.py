"""What the day needs at hand: the doors, the letters, the people, and what is owed to whom."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, ClassVar
from unicodedata import normalize

from infra.day.board import Board, Step
from infra.day.browser import Browser, Lines, Program
from infra.day.ledger import Ledger
from infra.day.mailbox import Letter, Mailbox
from infra.day.page import Page
from infra.sample.cast import Cast, Person


@dataclass
class Guest:
    """One person of the cast and where they stand, as they know it from their own pages and letters."""

    person: Person
    browser: Browser
    state: str = "invited"
    link: str = ""
    id: str = ""
    rank: int = 0
    brings: str = ""
    page: Page | None = None

    @property
    def email(self) -> str:
        return self.person.email


@dataclass
class Scene:
    """Everything that the steps share."""

    base: str
    lines: Lines
    mailbox: Mailbox
    cast: Cast
    board: Board
    ledger: Ledger
    organiser: Browser
    desk: Program
    guests: list[Guest] = field(default_factory=list)
    walk_ins: list[Guest] = field(default_factory=list)
    hands: int = 8
    zone: str = "Europe/Paris"
    slug: str = ""
    gathering_id: str = ""
    title: str = ""
    colleague: str = ""
    carriers: dict[str, Guest] = field(default_factory=dict)
    tellers: list[Guest] = field(default_factory=list)
    rounds: dict[str, str] = field(default_factory=dict)
    figures: dict[str, Any] = field(default_factory=dict)

    COMING: ClassVar[tuple[str, ...]] = ("registered", "present", "absent")

    def letter(self, guest: Guest, *kinds: str, known: int = 0) -> Letter:
        """A guest's own letter; two people who share an address tell theirs apart by the name in it."""
        return self.mailbox.wait(guest.email, *kinds, known=known, naming=normalize("NFC", guest.person.given))

    def listing(self) -> list[dict[str, Any]]:
        """Everybody as registration knows them."""
        return self.desk.all(f"/api/registration/gatherings/{self.gathering_id}/participants")

    def waiting_list(self) -> list[dict[str, Any]]:
        """Who waits, as the organiser sees it."""
        return self.desk.all(f"/api/registration/gatherings/{self.gathering_id}/waiting-list")

    def guest(self, person: Person) -> Guest:
        return Guest(person, Browser(self.lines, self.base, person.language))

    def who(self, *states: str) -> list[Guest]:
        return [guest for guest in self.guests if guest.state in states]

    def crowd(self, step: Step, guests: Iterable[Guest], deed: Callable[[Guest], None]) -> None:
        """Everyone does `deed`, a few at a time; who cannot is written down and the others go on."""
        everyone = list(guests)
        step.wanted, step.done = len(everyone), 0

        def do(guest: Guest) -> None:
            try:
                deed(guest)
            except Exception as trouble:  # the day goes on; what happened is a broken rule
                where = traceback.extract_tb(trouble.__traceback__)[-1]
                self.ledger.hold(False, f"{step.name}: {guest.person.name}: {trouble} ({where.name})")
            self.board.tick(step)

        with ThreadPoolExecutor(self.hands) as hands:
            for _ in hands.map(do, everyone):
                pass
