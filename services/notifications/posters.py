"""Posters: each gives letters to the mail servers over its own kept connections, one letter at a time."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import structlog
from sqlalchemy.orm import Session

from services.chassis.db import Database
from services.notifications import deliveries, mail_servers, outcomes, signatures
from services.notifications.deliveries import FRESH, Handed
from services.notifications.doors import Doors
from services.notifications.lines import TIMEOUT_S, Later, Line, Lost, Never, Server, Unreachable
from services.notifications.mail_servers import Closed, Turn
from services.notifications.models import Letter
from services.notifications.notes import Notes, Word
from services.notifications.outcomes import Told
from services.notifications.signatures import Key
from services.notifications.writing import envelopes, feet
from services.notifications.writing.envelopes import UnusableAddress

log = structlog.get_logger()

# Short, so that a worker asked to stop is soon between two tasks; the sweep gives out the rest at once.
TURN_S = 3.0
# Slots lie within the patience of whoever takes them, and within a blink of each other.
LONGEST_WAIT_S = mail_servers.PATIENCE.total_seconds() + 1
# Letters that share a commit. After a power cut all of them are in doubt, after a kill only the one being given.
CHUNK = 20
# While a server takes letters quickly, more of them share one: up to so many, as long as they last no longer than this.
LARGEST, QUICK_S = 80, 0.5


def seal(
    letter: Letter | Handed, sender: str, *, doors: Doors | None = None, keys: Sequence[Key] = ()
) -> bytes:
    """The whole message of one letter, signed; `doors` makes the address where who is solicited says no."""
    refusal = doors.refusal(letter.id) if doors and letter.is_solicitation else ""
    text, html = feet.stand(letter.text, letter.html, refusal=refusal, language=letter.language)
    message = envelopes.seal(
        envelopes.Envelope(
            letter_id=letter.id,
            message_id=letter.message_id,
            sender=sender,
            sender_name=letter.sender_name,
            to=letter.email,
            to_name=letter.name,
            reply_to=letter.reply_to,
            subject=letter.subject,
            language=letter.language,
            bulk=letter.is_solicitation,
            date=letter.queued_at or letter.created_at,
            kind=letter.kind,
            trace=_trace(letter),
            refusal=refusal,
        ),
        text=text,
        html=html,
        ics=letter.ics,
        method=letter.ics_method,
    )
    return signatures.signed(message, keys)


def _trace(letter: Letter | Handed) -> str:
    return letter.trace.split("-")[1] if letter.trace else ""


class Clock:
    """What time it is, how much of it goes by, and waiting for it."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def counted_s(self) -> float:
        """Seconds that only count, whatever the clock on the wall is set to."""
        return time.monotonic()

    def wait_until(self, at: datetime) -> None:
        wait_s = (at - self.now()).total_seconds()
        # No slot lies farther ahead; the clock was set back since it was taken.
        if 0 < wait_s <= LONGEST_WAIT_S:
            time.sleep(wait_s)


class Poster:
    """Gives letters to servers, in the order of preference, one at a time. One thread uses it at a time."""

    def __init__(
        self,
        servers: Sequence[Server],
        sender: str,
        folder: Path,
        *,
        greeting: str = "localhost.localdomain",
        timeout_s: float = TIMEOUT_S,
        clock: Clock | None = None,
        doors: Doors | None = None,
        keys: Sequence[Key] = (),
    ) -> None:
        """`folder` is where notes are kept, `greeting` the name we give to servers."""
        self._servers = tuple(servers)
        self._sender, self._folder, self._doors, self._keys = sender, folder, doors, keys
        self._greeting, self._timeout_s = greeting, timeout_s
        self._clock = clock or Clock()
        self._lines: dict[str, Line] = {}

    def post(self, database: Database, batch: UUID | None = None, *, turn_s: float = TURN_S) -> int:
        """Post `batch`, then what else is due, until `turn_s` is over. Returns how many letters servers took.

        What became of a few letters is written in the same commit that hands over the next few. Whatever ends this
        process in between, its notes say the rest.
        """
        until = self._clock.counted_s() + turn_s
        try:
            with Notes(self._folder) as kept:
                return _Turn(self, database, kept, batch, self._clock).run(until)
        except BaseException:
            self.close()  # a line may stand in the midst of a letter, where the next one would become its words
            raise

    def line(self, server: Server) -> Line:
        """The kept line to this server."""
        if server.name not in self._lines:
            self._lines[server.name] = Line(server, name=self._greeting, timeout_s=self._timeout_s)
        return self._lines[server.name]

    def close(self) -> None:
        """Leave every server at once."""
        for line in self._lines.values():
            line.close()

    @property
    def servers(self) -> tuple[Server, ...]:
        return self._servers

    @property
    def sender(self) -> str:
        return self._sender

    def seal(self, letter: Handed) -> bytes:
        """The whole message of one letter, as this poster gives it to a server. Raises UnusableAddress."""
        return seal(letter, self._sender, doors=self._doors, keys=self._keys)


class _Turn:
    """One turn of one poster: the letters it holds, and what it learned since the last commit."""

    def __init__(
        self, poster: Poster, database: Database, kept: Notes, batch: UUID | None, clock: Clock
    ) -> None:
        self._poster, self._database, self._notes, self._clock = poster, database, kept, clock
        self._batch = batch
        self._id = kept.turn
        self._held: deque[Handed] = deque()
        self._handed_at = clock.now()
        self._told: list[Told] = []
        self._away: tuple[Server, str] | None = None
        self._tried: Server | None = None
        self._taken = 0
        self._chunk = CHUNK if kept.are_kept else 1

    def run(self, until: float) -> int:
        while True:
            turn = self._commit(goes_on=self._clock.counted_s() < until)
            if turn is None:
                return self._taken
            began_s = self._clock.counted_s()
            self._give(turn)
            if self._notes.are_kept:
                is_quick = self._clock.counted_s() - began_s < QUICK_S
                self._chunk = min(LARGEST, 2 * self._chunk) if is_quick else CHUNK

    def _commit(self, *, goes_on: bool) -> Turn | None:
        """Write down what was learned and take the next letters; None when the turn is over."""
        now = self._clock.now()
        if not (goes_on or self._told or self._held or self._away):
            return None
        with self._database.transaction() as session:
            outcomes.tell(session, self._id, self._told)
            if self._away is not None:
                mail_servers.rest(session, *self._away, now)
            elif self._tried is not None:
                mail_servers.well(session, self._tried)
            if self._held:
                ours = deliveries.hold_on(session, self._id, (letter.id for letter in self._held), now)
                self._held = deque(letter for letter in self._held if letter.id in ours)
            turn: Turn | Closed | None = None
            if goes_on:
                turn = self._next_turn(session, now)
            if not isinstance(turn, Turn):
                reply = self._away[1] if self._away else None
                closed = turn.until if isinstance(turn, Closed) else now
                deliveries.release(session, self._id, reply, until=closed)
                if self._batch is not None:
                    deliveries.release(session, self._batch, reply, until=closed)
                self._held.clear()
        self._told, self._away, self._tried, self._handed_at = [], None, None, now
        return turn if isinstance(turn, Turn) else None

    def _next_turn(self, session: Session, now: datetime) -> Turn | Closed | None:
        servers = self._poster.servers
        is_slowed = any(server.rate > 0 for server in servers)
        if is_slowed and not self._held and not deliveries.is_due(session, self._batch, now):
            return None  # no slot is taken for nothing
        turn = mail_servers.next_turn(session, servers, self._chunk, now)
        if isinstance(turn, Turn):
            if not self._held:
                self._held.extend(self._hand_over(session, len(turn.slots), now))
            return turn if self._held else None
        return turn

    def _hand_over(self, session: Session, limit: int, now: datetime) -> list[Handed]:
        if self._batch is not None:
            mine = deliveries.hand_over(session, self._id, now, batch=self._batch, limit=limit)
            if mine:
                return mine
            self._batch = None
        return deliveries.hand_over(session, self._id, now, limit=limit)

    def _give(self, turn: Turn) -> None:
        """Give the held letters to the server of this turn, each in its slot."""
        line = self._poster.line(turn.server)
        for slot in turn.slots:
            if not self._held:
                return
            self._clock.wait_until(slot)
            if turn.is_late(slot, self._clock.now()):
                continue  # somebody else's slot by now
            letter = self._held[0]
            try:
                began = self._one(line, letter)
            except Unreachable as trouble:
                self._away = (turn.server, str(trouble))
                return
            if turn.is_trial:
                self._tried = turn.server
            if not began:
                return
            self._held.popleft()

    def _one(self, line: Line, letter: Handed) -> bool:
        """Give one letter; False when it was held for so long that it must be asked for again. Raises Unreachable."""
        has_begun = False
        try:
            message, to = self._poster.seal(letter), envelopes.address(letter.email)
            line.offer(envelopes.address(self._poster.sender), to)
            if self._clock.now() > self._handed_at + FRESH:
                line.close()
                return False
            self._notes.begin(letter.id)
            has_begun = True
            reply = line.hand(message)
        except (Later, Never, Lost, UnusableAddress) as answer:
            self._learn(letter, line, _OUTCOMES.get(type(answer), "failed"), str(answer))
        except Unreachable as trouble:
            if has_begun:
                self._learn(letter, line, "broken", str(trouble))
                self._held.popleft()
            raise
        else:
            self._learn(letter, line, "sent", reply)
            self._taken += 1
        return True

    def _learn(self, letter: Handed, line: Line, outcome: str, reply: str) -> None:
        name = line.server.name
        self._notes.end(letter.id, Word(outcome, name, reply))
        log.info(
            f"letter_{outcome}", letter=str(letter.id), kind=letter.kind, server=name, trace=_trace(letter)
        )
        self._told.append(
            Told(letter.id, outcome, name, reply, self._clock.now(), letter.attempts, letter.since)
        )


_OUTCOMES: dict[type[Exception], str] = {Later: "deferred", Never: "failed", Lost: "unknown"}
