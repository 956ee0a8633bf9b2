"""What was promised to whom, held against what happened. Nobody lost, nobody twice."""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from infra.day.mailbox import Letter


@dataclass(frozen=True)
class LetterCount:
    """Letters that came, and those that came too often or never, of the ones promised."""

    came: int
    twice: int
    lost: int
    unasked: int


class Ledger:
    """Promises and breaches; every method may be called from any thread."""

    def __init__(self) -> None:
        self.promised: Counter[tuple[str, str]] = Counter()
        self.broken: list[str] = []
        self.lock = threading.Lock()

    def promise(self, email: str, kind: str, how_many: int = 1) -> None:
        """`email` is to get `how_many` letters more of a kind, each exactly once."""
        with self.lock:
            self.promised[email.lower(), kind] += how_many

    def hold(self, kept: bool, rule: str) -> bool:
        """Write down `rule` as broken unless it was kept."""
        if not kept:
            with self.lock:
                self.broken.append(rule)
        return kept

    def same(self, got: object, wanted: object, rule: str) -> bool:
        return self.hold(got == wanted, f"{rule}: {_short(got)} in place of {_short(wanted)}")

    def letters(self, came: Iterable[Letter], *, aside: Collection[str] = ()) -> LetterCount:
        """Compare the letters that came with those promised; kinds in `aside` are not compared."""
        got: Counter[tuple[str, str]] = Counter()
        by_id: dict[str, int] = defaultdict(int)
        for letter in came:
            by_id[letter.message_id] += 1
            if letter.kind not in aside:
                got[letter.to.lower(), letter.kind] += 1
        return count_letters(got, self.promised, same_id=sum(many - 1 for many in by_id.values()))


def count_letters(
    got: Mapping[tuple[str, str], int], promised: Mapping[tuple[str, str], int], *, same_id: int = 0
) -> LetterCount:
    """Count by (address, kind). `same_id` says how many letters carried a Message-ID that came before."""
    twice = lost = unasked = 0
    for key in {*got, *promised}:
        more = got.get(key, 0) - promised.get(key, 0)
        lost += max(0, -more)
        if promised.get(key, 0):
            twice += max(0, more)
        else:
            unasked += more
    return LetterCount(sum(got.values()), max(twice, same_id), lost, unasked)


def differences(
    got: Mapping[tuple[str, str], int], promised: Mapping[tuple[str, str], int]
) -> list[tuple[str, str, int]]:
    """(address, kind, how many too many or, below zero, too few), sorted."""
    keys = sorted({*got, *promised})
    return [
        (*key, got.get(key, 0) - promised.get(key, 0))
        for key in keys
        if got.get(key, 0) != promised.get(key, 0)
    ]


def twice_and_lost(held: Iterable[str], wanted: Iterable[str]) -> tuple[int, int, int]:
    """(held more than once, wanted and not held, held and not wanted), in people."""
    counts, wish = Counter(held), set(wanted)
    twice = sum(many - 1 for many in counts.values())
    return twice, len(wish - set(counts)), len(set(counts) - wish)


def _short(value: object) -> str:
    words = repr(value)
    return words if len(words) < 200 else words[:200] + "…"
