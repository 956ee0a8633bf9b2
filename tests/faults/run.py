"""One row from its first request to its verdict."""

from __future__ import annotations

import secrets
import string
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tests.embedded import SERVICES
from tests.faults import gates, history
from tests.faults.befall import befall
from tests.faults.crowd import Ask, Crowd, Hand
from tests.faults.harm.scene import Scene
from tests.faults.rig import Rig
from tests.faults.rows import Row

# Nothing moves for so long: what is not handled by then is lost. A letter put off by its server comes again after 60 s.
PATIENCE_S = 90.0
# A letter that is handed and whose poster died is listed as unknown after two minutes; we do not wait for it.
HANDED_S = 3.0


def run(rig: Rig, row: Row, *, facts: int, hands: int) -> dict[str, Any]:
    """Let the crowd in, let it befall, wait for quiet, compare. Returns the row's line of var/faults.json."""
    began = time.monotonic()
    stamp = "".join(secrets.choice(string.ascii_lowercase) for _ in range(5))
    crowd = Crowd(rig, facts=facts, hands=hands, stamp=stamp)
    rig.sink.fresh()
    marks = history.Marks.now(rig)
    crowd.open(_token(rig))
    scene = Scene(rig, row, crowd)
    trouble: list[str] = []
    crowd.begin()
    harm = threading.Thread(target=_harm, args=(scene, trouble), daemon=True)
    harm.start()
    waited, still = _wait(rig, crowd, harm)
    quiet_at = time.time()
    harm.join(1)
    looked = [] if waited else [wrong for look in scene.afterwards for wrong in look()]
    crowd.end()
    gates.disarm(rig.gates)
    found = history.check(rig, crowd, marks)
    if scene.done != row.times:
        trouble.append(f"{scene.done} of {row.times} faults were done")
    recovery = _recovery_s(rig, scene)
    if rig.make.clock and scene.ended_at:
        # What is written down bears the hour of moved clocks: from the last answer to the quiet, or the longest time in
        # which nobody was answered, which is when everybody waits for a letter.
        since = max(scene.ended_at, still.answered_at)
        recovery = (round(max(quiet_at - since, still.longest_s), 2), 0.0)
    return {
        **empty(row),
        "facts": found.facts,
        "faults": scene.done,
        "lost": found.lost,
        "twice": found.twice,
        "disorder": found.disorder,
        "dead": found.dead,
        "amplification": found.amplification,
        "recovery_s": max(recovery),
        "facts_back_s": recovery[0],
        "letters_back_s": recovery[1],
        "letters": found.letters,
        "letters_never": found.letters_never,
        "letters_twice": found.letters_twice,
        "letters_unknown": found.letters_unknown,
        "letters_later": found.letters_later,
        "asked_again": crowd.again,
        "seconds": round(time.monotonic() - began, 1),
        "notes": scene.notes,
        "broken": trouble + waited + looked + found.broken,
    }


def empty(row: Row) -> dict[str, Any]:
    """The line of a row that came to nothing."""
    counts = dict.fromkeys(("facts", "faults", "lost", "twice", "disorder", "dead"), 0)
    letters = dict.fromkeys(
        ("letters", "letters_never", "letters_twice", "letters_unknown", "letters_later"), 0
    )
    figures = {
        "amplification": 0.0,
        "recovery_s": 0.0,
        "facts_back_s": 0.0,
        "letters_back_s": 0.0,
        "asked_again": 0,
        "seconds": 0.0,
    }
    about = {"row": str(row), "database": row.database}
    return {**about, **counts, **figures, **letters, "notes": [], "skipped": "", "broken": []}


def _harm(scene: Scene, trouble: list[str]) -> None:
    try:
        befall(scene)
    except Exception as error:  # told as a fault that was not done, and the crowd goes on
        trouble.append(f"{type(error).__name__}: {error}")


def _token(rig: Rig) -> str:
    if not rig.token:
        hand = Hand(rig.address, "", threading.Event())
        rig.token = hand.ask(Ask("/api/registration/tokens", {"token": rig.owner_token()}))["token"]
    return rig.token


@dataclass
class Stillness:
    """When the crowd was answered last, by time.time(), and the longest it was not while it had not ended."""

    answered: int = 0
    answered_at: float = field(default_factory=time.time)
    longest_s: float = 0.0

    def look(self, answered: int) -> None:
        now = time.time()
        if answered != self.answered:
            self.longest_s = max(self.longest_s, now - self.answered_at)
            self.answered, self.answered_at = answered, now


def _wait(rig: Rig, crowd: Crowd, harm: threading.Thread) -> tuple[list[str], Stillness]:
    """Until everybody has done everything and nothing is under way; else what still was."""
    moved_at, before = time.monotonic(), [0]
    handed_since, still = 0.0, Stillness()
    while True:
        time.sleep(0.15)
        still.look(crowd.answered)
        if not crowd.is_idle() or harm.is_alive():
            left: dict[str, int] = {"requests": 1}
        else:
            left = _left(rig)
            handed_since = handed_since or time.monotonic() if set(left) == {"handed"} else 0.0
            if handed_since and time.monotonic() - handed_since > HANDED_S:
                left = {}
            if not left and crowd.is_idle():
                crowd.absorb()
                if crowd.is_idle() and (not crowd.waiting or handed_since):
                    return [], still
        now = [crowd.answered, len(crowd.letters), crowd.again, *left.values()]
        # A fault ends by itself, late if it has to.
        if now != before or harm.is_alive():
            moved_at, before = time.monotonic(), now
        elif time.monotonic() - moved_at > PATIENCE_S:
            waiting = f"{len(crowd.waiting)} wait for a letter"
            return [f"still under way after {PATIENCE_S:.0f} s: {left}, {waiting}"], still


def _left(rig: Rig) -> dict[str, int]:
    try:
        left = rig.under_way()
    except Exception:  # noqa: BLE001 the database is away; that is no quiet
        return {"database": 1}
    if left.get("letters"):
        handed = rig.count("notifications", "select count(*) from letters where state = 'handed'")
        if handed == left["letters"]:
            del left["letters"]
            left["handed"] = handed
    return left


def _recovery_s(rig: Rig, scene: Scene) -> tuple[float, float]:
    """From the end of the last fault until all facts told before it were handled, and all letters had left."""
    if not scene.ended_at:
        return 0.0, 0.0
    acked = "select max(d.acked_at) from delivery d join outbox o on o.event_id = d.event_id where o.happened_at <= :at"
    left = "select max(sent_at) from letters where queued_at <= :at and kind <> 'changed'"
    facts = max(_latest(rig, service, acked, scene.ended_at) for service in SERVICES)
    letters = _latest(rig, "notifications", left, scene.ended_at)
    return round(max(0.0, facts - scene.ended_at), 2), round(max(0.0, letters - scene.ended_at), 2)


def _latest(rig: Rig, service: str, statement: str, at: float) -> float:
    moment: Any = datetime.fromtimestamp(at, UTC)
    found = rig.rows(
        service, statement, at=moment.replace(tzinfo=None).isoformat(" ") if rig.is_sqlite else moment
    )
    value = found[0][0]
    if value is None:
        return 0.0
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    return float((value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp())
