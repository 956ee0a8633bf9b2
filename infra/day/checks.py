"""What must be true when the day is over: each fact heard once, each letter once, nobody lost, nobody twice."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

from infra.day.browser import Lines, Program
from infra.day.ledger import differences
from infra.day.scene import Scene

SERVICES = ("registration", "grouping", "feedback", "notifications")
QUIET_WITHIN_S = 60.0


def health(lines: Lines, base: str) -> dict[str, dict[str, Any]]:
    """What each service counts of its facts."""
    program = Program(lines, base)
    return {name: program.look(f"/api/{name}/health") for name in SERVICES}


def total(counts: dict[str, dict[str, Any]], box: str, name: str) -> int:
    return sum(int(service[box][name]) for service in counts.values())


def quiet(lines: Lines, base: str, *, within_s: float = QUIET_WITHIN_S) -> dict[str, dict[str, Any]]:
    """Wait until no fact is under way, and nothing new was told between two looks; the last look either way."""
    give_up = time.monotonic() + within_s
    told = -1
    while True:
        counts = health(lines, base)
        waiting = total(counts, "outbox", "unacknowledged") + total(counts, "inbox", "parked")
        now_told = total(counts, "outbox", "told")
        if (waiting == 0 and now_told == told) or time.monotonic() > give_up:
            return counts
        told = now_told
        time.sleep(0.3)


def facts(scene: Scene, before: dict[str, dict[str, Any]], after: dict[str, dict[str, Any]]) -> dict[str, int]:
    """Facts of this day, as deliveries to their hearers: told, lost, and acted on twice."""

    def more(box: str, name: str) -> int:
        return total(after, box, name) - total(before, box, name)

    deliveries, heard, dead = more("outbox", "deliveries"), more("inbox", "heard"), more("inbox", "dead")
    waiting = total(after, "outbox", "unacknowledged")
    scene.ledger.same(dead, 0, "no fact is dead")
    scene.ledger.same(total(after, "inbox", "parked"), 0, "no fact waits for its elder")
    scene.ledger.same(waiting, 0, "every fact is acknowledged")
    return {
        "facts": deliveries,
        "facts_lost": max(0, deliveries - heard),
        "facts_twice": max(0, heard - deliveries),
    }


def letters(scene: Scene) -> dict[str, int]:
    """Letters of this day against what was promised to each address, kind by kind."""
    mine = [letter for letter in scene.mailbox.letters if letter.kind not in ("sign-in", "digest")]
    count = scene.ledger.letters(mine)
    got = Counter((letter.to.lower(), letter.kind) for letter in mine)
    for email, kind, more in differences(got, scene.ledger.promised):
        how = f"{more} too many" if more > 0 else f"{-more} missing"
        scene.ledger.hold(False, f"every letter once: {how} of {kind!r} to {email}")
    twice = [name for name, many in Counter(letter.message_id for letter in mine).items() if many > 1]
    scene.ledger.same(twice, [], "no message comes twice")
    return {"letters": count.came, "letters_twice": count.twice + count.unasked, "letters_lost": count.lost}
