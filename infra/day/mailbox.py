"""The letters as they arrive, read from the mailbox a held platform shows to programs."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import httpx

from infra.day.browser import Lines

POLL_S = 0.15
# A look that hangs must not keep everybody waiting for letters that are there.
READ_WITHIN_S = 5.0
# Once a letter did not come, nobody waits long for the others.
IMPATIENT_S = 8.0


class NoLetter(AssertionError):
    """A letter that was promised did not come."""


@dataclass(frozen=True)
class Letter:
    number: int
    to: str
    kind: str
    subject: str
    text: str
    ics: str
    links: tuple[str, ...]
    message_id: str
    gathering_id: str = ""
    participant_id: str = ""
    came_at: float = 0.0

    def link(self, part: str) -> str:
        """The first link with `part` in it."""
        for link in self.links:
            if part in link:
                return link
        raise NoLetter(f"The letter {self.kind!r} to {self.to} has no link {part!r}, only {self.links}")


class Mailbox:
    """Reads what is new every few hundred milliseconds; people wait here for their letters."""

    def __init__(self, lines: Lines, url: str) -> None:
        self.lines = lines
        self.url = url.removesuffix(".json") + ".json"
        self.client = lines.client("http://mailbox")
        self.client.timeout = READ_WITHIN_S
        self.letters: list[Letter] = []
        self.by_person: dict[tuple[str, str], list[Letter]] = defaultdict(list)
        self.last = 0
        self.missing = 0
        self.looking = threading.Lock()
        self.changed = threading.Condition()
        self.stopped = threading.Event()
        self.trouble: Exception | None = None
        self.thread = threading.Thread(target=self._read_on, name="mailbox", daemon=True)

    def open(self) -> Mailbox:
        """Remember what is already there as old, then read on."""
        self.look()
        with self.changed:
            self.letters.clear()
            self.by_person.clear()
        self.thread.start()
        return self

    def close(self) -> None:
        self.stopped.set()
        self.thread.join(timeout=5)

    def look(self) -> None:
        """Fetch what is new: numbers rise as letters leave."""
        with self.looking:
            while fresh := self._after(self.last):
                self.last = fresh[-1].number
                with self.changed:
                    for letter in fresh:
                        self.letters.append(letter)
                        self.by_person[letter.to.lower(), letter.kind].append(letter)
                    self.changed.notify_all()

    def _after(self, number: int) -> list[Letter]:
        answer = self.lines.send(self.client, "GET", self.url, params={"after": number})
        answer.raise_for_status()
        return [_letter(raw) for raw in answer.json()["letters"]]

    def to(self, email: str, kind: str) -> list[Letter]:
        with self.changed:
            return list(self.by_person[email.lower(), kind])

    def wait(self, email: str, *kinds: str, known: int = 0, naming: str = "", wait_s: float = 45) -> Letter:
        """The first letter of one of `kinds` to an address, after the `known` first that name the same person.

        `naming` is a word of the letter, by which people who share an address know their own.
        """
        give_up = time.monotonic() + (wait_s if not self.missing else min(wait_s, IMPATIENT_S))
        with self.changed:
            while True:
                here = [
                    one for kind in kinds for one in self.by_person[email.lower(), kind] if naming in one.text
                ]
                if len(here) > known:
                    return here[known]
                left = give_up - time.monotonic()
                if left <= 0:
                    self.missing += 1
                    raise NoLetter(
                        f"No letter {kinds} came to {email} in {wait_s:.0f} s ({self.trouble or 'silence'})"
                    )
                self.changed.wait(min(left, 1.0))

    def wait_for(self, kind: str, how_many: int, *, wait_s: float = 60) -> list[Letter]:
        """All letters of a kind, once there are `how_many`."""
        give_up = time.monotonic() + wait_s
        with self.changed:
            while True:
                here = [letter for letter in self.letters if letter.kind == kind]
                left = give_up - time.monotonic()
                if len(here) >= how_many:
                    return here
                if left <= 0:
                    raise NoLetter(f"{len(here)} letters {kind!r} of {how_many} came in {wait_s:.0f} s")
                self.changed.wait(min(left, 1.0))

    def _read_on(self) -> None:
        while not self.stopped.wait(POLL_S):
            try:
                self.look()
            except (httpx.HTTPError, ValueError, KeyError, AssertionError) as trouble:
                self.trouble = trouble
            else:
                self.trouble = None


def _letter(raw: dict[str, Any]) -> Letter:
    return Letter(
        number=int(raw["number"]),
        to=raw["to"],
        kind=raw["kind"],
        subject=raw["subject"],
        text=raw["text"],
        ics=raw.get("ics") or "",
        links=tuple(raw.get("links") or ()),
        message_id=raw["message_id"],
        gathering_id=raw.get("gathering_id") or "",
        participant_id=raw.get("participant_id") or "",
        came_at=time.monotonic(),
    )
