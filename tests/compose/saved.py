"""A backup taken while people write, put back after more has happened: nothing acknowledged is missing, all agree."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.compose.stack import SERVICES, Broken, Stack

AGREE_WITHIN_S = 60.0
# What registration has taken in; those who are still coming, and the same people as the others know them.
TAKEN_IN = "select id from participants"
COMING = "select id from participants where state in ('registered', 'present', 'absent')"
KNOWN = {
    "grouping": "select participant_id from members where state <> 'cancelled'",
    "notifications": "select id from people where standing = 'registered'",
}
UNDER_WAY = "select (select count(*) from delivery where acked_at is null) + (select count(*) from parked)"
DEAD = "select count(*) from inbox where status = 'dead'"


@dataclass
class Saved:
    """`save` while the day is played, `put_back` when it is over."""

    stack: Stack
    file: Path
    acknowledged: set[str] = field(default_factory=set)
    saved_s: float = 0.0

    def save(self) -> None:
        """What whoever asked was told is done, and then the backup. Raises Broken."""
        self.stack.wait("postgres")
        self.acknowledged = self._ids("registration", TAKEN_IN)
        self.saved_s = self._backup("save")

    def put_back(self) -> tuple[float, float, list[str]]:
        """Seconds until everything ran again and until all agreed, counted from the beginning; what is not right."""
        if not self.acknowledged:
            return 0.0, 0.0, ["restore: nothing was saved while the day was played"]
        arrived = len(self.stack.catcher.letters)
        began = time.monotonic()
        ran_s = self._backup("restore")
        while unsettled := self._unsettled():
            if time.monotonic() - began > ran_s + AGREE_WITHIN_S:
                return ran_s, time.monotonic() - began, [f"restore: {unsettled} after {AGREE_WITHIN_S:.0f} s"]
            time.sleep(0.5)
        agreed_s = time.monotonic() - began
        return ran_s, agreed_s, [f"restore: {wrong}" for wrong in self._wrongs(arrived)]

    def _wrongs(self, arrived: int) -> list[str]:
        missing = self.acknowledged - self._ids("registration", TAKEN_IN)
        before = {letter["message_id"] for letter in self.stack.catcher.letters[:arrived]}
        twice = [one for one in self.stack.catcher.letters[arrived:] if one["message_id"] in before]
        dead = sum(int(self.stack.sql(name, DEAD)) for name in SERVICES)
        found = [
            (len(missing), "people who were acknowledged before the backup are missing"),
            (len(twice), "letters that had left before left again"),
            (dead, "facts are dead"),
        ]
        return [f"{number} {what}" for number, what in found if number]

    def _unsettled(self) -> str:
        """What is still under way, or about whom two services do not agree; nothing when all do."""
        waiting = sum(int(self.stack.sql(name, UNDER_WAY)) for name in SERVICES)
        if waiting:
            return f"{waiting} facts are under way"
        coming = self._ids("registration", COMING)
        strange = {name: len(coming ^ self._ids(name, question)) for name, question in KNOWN.items()}
        return ", ".join(f"{name} differs about {people} people" for name, people in strange.items() if people)

    def _ids(self, database: str, question: str) -> set[str]:
        return set(self.stack.sql(database, question).split())

    def _backup(self, verb: str) -> float:
        began = time.monotonic()
        said = self.stack.type(
            f"{sys.executable} -m infra.backup --compose {verb} {self.file}", self.file.parent
        )
        if said:
            raise Broken(f"{verb}: {said}")
        return time.monotonic() - began
