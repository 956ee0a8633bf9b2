"""Places in a process's work at which it can be made to stand still, so that it is killed exactly there.

The platform's own code knows nothing of it: the street of these tests puts a hook under SQLAlchemy and kombu in each
process it forks. A gate is armed by a file that names the process and the place; the first to come by takes the file
away, writes its number down, and waits for its end.
"""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.engine.default import DefaultDialect


@dataclass(frozen=True)
class Place:
    """After a statement was begun that holds `statement`: at once (`in`), or `before` or `after` its commit.

    A server is asked many things in one statement, a file one in each, so what it begins with says nothing.
    """

    statement: str
    when: str


PLACES = {
    # A hearer: the effect has begun; is done and not committed; is committed and the broker does not know.
    "in effect": Place(r"INSERT INTO (members|letters|people|attendances)|UPDATE (members|people)", "in"),
    "before commit": Place(r"INSERT INTO inbox", "before"),
    "after commit before ack": Place(r"INSERT INTO inbox", "after"),
    # The same, for somebody who has just come and is given a seat at once.
    "seating before commit": Place(r"INSERT INTO placements", "before"),
    "seated before ack": Place(r"INSERT INTO placements", "after"),
    # A teller: the request is carried out and not committed; is committed and not answered.
    "request before commit": Place(r"INSERT INTO outbox", "before"),
    "request committed": Place(r"INSERT INTO outbox", "after"),
    # A relay: the claim is committed and nothing published; acknowledgements are taken out and not published.
    # And the teller's worker, about to note an acknowledgement.
    "between commit and publish": Place(r"UPDATE delivery SET attempts", "after"),
    "acks taken": Place(r"DELETE FROM ack_out", "after"),
    "ack noted": Place(r"UPDATE delivery SET acked_at", "before"),
    # A poster: it has letters and has begun none; it has the server's words and has not written them down.
    "handed": Place(r"UPDATE letters SET state=.*RETURNING", "after"),
    "sent and not written": Place(r"INSERT INTO deliveries", "before"),
}
POPPED = "after pop before unacked"
_FOUND = {name: re.compile(place.statement, re.DOTALL | re.IGNORECASE) for name, place in PLACES.items()}


def places(statement: str) -> list[str]:
    """The places that a process comes by when it begins this statement."""
    return [name for name, found in _FOUND.items() if found.search(statement)]


def arm(folder: Path, process: str, place: str) -> Path:
    """Close the gate of `process` at `place`; returns the file that appears once somebody stands there."""
    if place != POPPED and place not in PLACES:
        raise KeyError(f"no place {place!r}; there are {', '.join((*PLACES, POPPED))}")
    reached = folder / f"{process}@{place}.reached"
    reached.unlink(missing_ok=True)
    (folder / f"{process}@{place}").touch()
    return reached


def disarm(folder: Path) -> None:
    """Open every gate."""
    for gate in folder.glob("*"):
        gate.unlink(missing_ok=True)


def install(folder: Path, process: str) -> None:
    """Put the hooks under this process. Without an armed gate they cost a look at a file where a place matches."""
    gates = _Gates(folder, process)
    event.listen(Engine, "before_cursor_execute", gates.begun)
    real: Callable[..., None] = DefaultDialect.do_commit

    def do_commit(self: DefaultDialect, connection: Any) -> None:
        before, after = gates.passed()
        for name in before:
            gates.stand(name)
        real(self, connection)
        for name in after:
            gates.stand(name)

    DefaultDialect.do_commit = do_commit  # type: ignore[method-assign]
    _watch_the_pop(gates)


def _watch_the_pop(gates: _Gates) -> None:
    from kombu.transport.redis import QoS  # noqa: PLC0415 the launcher's side of this module needs no kombu

    real: Callable[..., Any] = QoS.append

    def append(self: Any, message: Any, delivery_tag: str) -> Any:
        gates.stand(POPPED)
        return real(self, message, delivery_tag)

    QoS.append = append


class _Gates:
    def __init__(self, folder: Path, process: str) -> None:
        self._folder, self._process = folder, process
        self._mine = threading.local()

    def begun(self, _conn: Any, _cursor: Any, statement: str, *_: Any) -> None:
        for name in places(statement):
            when = PLACES[name].when
            if when == "in":
                self.stand(name)
            else:
                self._mine.__dict__.setdefault(when, set()).add(name)

    def passed(self) -> tuple[set[str], set[str]]:
        """The places that lie before and after the commit that comes now."""
        mine = self._mine.__dict__
        return mine.pop("before", set()), mine.pop("after", set())

    def stand(self, name: str) -> None:
        """Stand still for ever, if this gate is armed."""
        armed = self._folder / f"{self._process}@{name}"
        aside = armed.with_name(f"{armed.name}.{os.getpid()}")
        try:
            armed.rename(aside)
        except FileNotFoundError:
            return
        aside.write_text(str(os.getpid()))
        aside.rename(armed.with_name(f"{armed.name}.reached"))
        while True:
            time.sleep(3600)
