"""python -m tests.faults: runs rows of the fault matrix and says what was lost, twice and out of order."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.faults import rows
from tests.faults.befall import make_of
from tests.faults.rig import CannotHere, Ground, Rig
from tests.faults.rows import ALL, Row
from tests.faults.run import empty, run

OUT = Path("var/faults.json")
FACTS = 1200
# Every fact is handled so soon after the last fault.
BACK_S = 10.0
# A row that has not ended after this hangs; the longest of those that do not takes three minutes on a busy machine.
ROW_S = 360.0
# With a limit, no row is begun that could not end, and one that has not ended so long after it is cut off.
TO_BEGIN_S, TO_END_S = 15.0, 30.0


class OutOfTime(BaseException):
    """Raised wherever the run stands; no row may catch it."""


@contextmanager
def _at_most(seconds: float) -> Iterator[None]:
    """Raise OutOfTime in the middle of the block once it took so long."""

    def ring(*_: object) -> None:
        raise OutOfTime

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, max(0.1, seconds))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def main() -> int:
    # Whoever ends us must not find a platform left running.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    options = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    options.add_argument("--all", action="store_true", help="the whole matrix; without it, the short rows")
    options.add_argument("--only", default="", help="rows whose line holds this word, or one of several: a|b")
    options.add_argument("--database", default="", choices=("", *rows.DATABASES))
    options.add_argument(
        "--facts", type=int, default=0, help=f"facts of each row, deliveries counted ({FACTS})"
    )
    options.add_argument(
        "--minutes", type=float, default=0, help="end after this time, whatever is left; 0: no limit"
    )
    options.add_argument("--hands", type=int, default=6, help="requests at once")
    options.add_argument("--list", action="store_true", help="only say which rows there are")
    options.add_argument("--data", type=Path, help="keep every platform's data and logs in this folder")
    chosen = options.parse_args()

    wanted = rows.each_database(ALL) if chosen.all or chosen.only or chosen.database else rows.selection()
    wanted = [row for row in wanted if any(word in str(row) for word in chosen.only.split("|"))]
    wanted = [row for row in wanted if row.database == chosen.database or not chosen.database]
    if chosen.list:
        for row in wanted:
            print(f"{row.database:<11} {row}")
        print(f"{len(wanted)} rows")
        return 0
    with tempfile.TemporaryDirectory(prefix="palabre-faults-") as folder:
        told = _all(wanted, chosen, chosen.data or Path(folder))
    OUT.parent.mkdir(exist_ok=True)
    skipped = [one for one in told if one["skipped"]]
    told = [one for one in told if not one["skipped"]]
    OUT.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    bad = [one for one in told if one["broken"]]
    print(
        f"\n{len(told) - len(bad)} of {len(told)} rows kept every promise"
        f" ({sum(one['facts'] for one in told):,} facts, {sum(one['faults'] for one in told)} faults)."
    )
    for line in _bars(told):
        print(line)
    for one in (one for one in told if one["facts_back_s"] > BACK_S):
        print(f"  slow: {one['database']} {one['row']}: back after {one['facts_back_s']:.1f} s")
    for one in skipped:
        print(f"  not made here: {one['database']} {one['row']}: {one['skipped']}")
    for one in bad:
        print(f"  broken: {one['database']} {one['row']}: {one['broken'][0]}")
    return 1 if bad else 0


def _all(wanted: list[Row], chosen: argparse.Namespace, folder: Path) -> list[dict[str, Any]]:
    began, told = time.monotonic(), []
    ends = began + 60 * chosen.minutes if chosen.minutes else float("inf")
    folder.mkdir(parents=True, exist_ok=True)
    with _Stage(folder.resolve()) as stage:
        for row in _by_rig(wanted):
            left = ends - time.monotonic()
            if left < TO_BEGIN_S:
                told.append({**empty(row), "skipped": "no time left"})
                continue
            figures = _one(stage, row, chosen, left)
            told.append(figures)
            print(f"{time.monotonic() - began:7.1f} s  {_line(figures)}", flush=True)
            for rule in figures["broken"][:6]:
                print(f"             BROKEN {rule}", flush=True)
            if figures["broken"]:
                stage.clear()  # what one row broke is nobody else's
    return told


def _one(stage: _Stage, row: Row, chosen: argparse.Namespace, left_s: float) -> dict[str, Any]:
    """One row's line, whatever comes of it."""
    try:
        with _at_most(min(ROW_S, left_s + TO_END_S)):
            return run(stage.set_for(row), row, facts=chosen.facts or row.facts or FACTS, hands=chosen.hands)
    except OutOfTime:
        stage.clear()
        if left_s + TO_END_S < ROW_S:
            return {**empty(row), "skipped": "cut off, no time left"}
        return {**empty(row), "broken": [f"did not end within {ROW_S:.0f} s"]}
    except CannotHere as why:
        return {**empty(row), "skipped": str(why)}
    except Exception as trouble:  # a rig that does not start is a row that failed, and the others go on
        return {**empty(row), "broken": [f"{type(trouble).__name__}: {trouble}"[:600]]}


class _Stage:
    """The rig that stands at the moment; rows of one make play on the same."""

    def __init__(self, folder: Path) -> None:
        self._ground = Ground(folder)
        self._rig: Rig | None = None

    def __enter__(self) -> _Stage:
        return self

    def __exit__(self, *_: object) -> None:
        self.clear()
        self._ground.close()

    def set_for(self, row: Row) -> Rig:
        """A rig of the row's make. Raises CannotHere."""
        make = make_of(row)
        if self._rig is None or self._rig.make != make:
            self.clear()
            rig = Rig(self._ground, make)
            self._rig = rig.__enter__()
        return self._rig

    def clear(self) -> None:
        """Take it away."""
        rig, self._rig = self._rig, None
        if rig is not None:
            rig.close()


def _bars(told: list[dict[str, Any]]) -> list[str]:
    """What these rows came to, beside what is to be reached; only the first and the last bar decide the exit code."""
    if not told:
        return []

    def total(*names: str) -> str:
        return ", ".join(str(sum(one[name] for one in told)) for name in names)

    def most(name: str, among: list[dict[str, Any]]) -> str:
        worst = max(among, key=lambda one: one[name], default=None)
        return f"{worst[name]:.2f} ({worst['database']} {worst['row']})" if worst else "-"

    calm = [one for one in told if not one["faults"]]
    struck = [one for one in told if one["faults"]]
    return [
        f"  lost, twice, out of order    {total('lost', 'twice', 'disorder')}   to reach: 0, 0, 0",
        f"  sendings a fact, no fault    {most('amplification', calm)}   to reach: 1.05",
        f"  sendings a fact, at most     {most('amplification', struck)}   to reach: 3",
        f"  back after the last fault    {most('facts_back_s', struck)} s   to reach: {BACK_S:g} s",
        f"  letters never, twice         {total('letters_never', 'letters_twice')}   to reach: 0, 0;"
        f" {total('letters_unknown')} unknown, each listed for a person",
    ]


def _by_rig(wanted: list[Row]) -> list[Row]:
    """Rows of one rig side by side, both databases in turn; rigs of few rows first, so that time ends no kind whole."""
    makes = [replace(make_of(row), database="") for row in wanted]

    def place(row: Row) -> tuple[int, int, str]:
        mine = replace(make_of(row), database="")
        return makes.count(mine), makes.index(mine), row.database

    return sorted(wanted, key=place)


def _line(told: dict[str, Any]) -> str:
    if told["skipped"]:
        return f"{told['database']:<11} {told['row']:<58} not made here: {told['skipped']}"
    words = [
        f"{told['database']:<11} {told['row']:<58} {told['facts']:>5} facts {told['faults']} faults",
        f"lost {told['lost']} twice {told['twice']} disorder {told['disorder']} ×{told['amplification']:.2f}",
        f"back in {told['facts_back_s']:.1f} s, letters {told['letters_back_s']:.1f} s;",
        f"{told['letters']} letters, {told['letters_unknown']} unknown,",
        f"{told['seconds']:.0f} s",
        *(f"; {note}" for note in told["notes"]),
    ]
    return " ".join(words)


if __name__ == "__main__":
    sys.exit(main())
