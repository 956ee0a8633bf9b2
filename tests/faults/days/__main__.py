"""python -m tests.faults.days: plays the day once a row while something dies; says what was lost and twice."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from infra.day import play, street
from infra.day.board import Board, Step, table
from infra.day.street import Street
from tests.faults.days.killer import Killer
from tests.faults.days.rows import ALL, SHORT, Row

OUT = Path("var/faults-days.json")
SEATS = 24


class Sufferer:
    """Plays days on the street of `data`; the organiser of one day signs in for the next."""

    def __init__(self, here: Street, data: Path) -> None:
        self.here, self.data = here, data
        self.organisers: tuple[str, ...] = play.ORGANISERS

    def suffer(self, row: Row, *, seats: int = SEATS, seed: int = 2027) -> dict[str, Any]:
        """Play one day while `row` befalls it; the day's figures, and what the fault did."""
        killer = Killer(row, self.data)
        board = Board(quiet=True, watch=killer.watch)
        day = play.play(self.here, seats=seats, seed=seed, hands=8, board=board, organisers=self.organisers)
        self.here = replace(self.here, sign_in="")
        self.organisers = (day.organiser, *play.ORGANISERS) if day.organiser else play.ORGANISERS
        killer.join()
        told = {
            "row": str(row),
            "done": killer.done,
            "fault_s": round(killer.back_s, 2),
            "trouble": killer.trouble,
        }
        return {**day.figures, **told}


def main() -> int:
    options = argparse.ArgumentParser(prog="python -m tests.faults.days")
    options.add_argument("--people", type=int, default=SEATS, help="seats of each day (24)")
    options.add_argument("--short", action="store_true", help="only the rows of make test")
    options.add_argument("--only", default="", help="rows whose name holds this word")
    options.add_argument("--data", type=Path, help="keep the platform's data and logs in this folder")
    chosen = options.parse_args()
    rows = [row for row in (SHORT if chosen.short else ALL) if chosen.only in str(row)]
    board, told = Board(), []
    with ExitStack() as stack:
        folder = chosen.data or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="palabre-faults-")))
        here = stack.enter_context(street.started(folder))
        board.say(f"{len(rows)} rows, a day of {chosen.people} seats each, on {here.address}")
        sufferer = Sufferer(here, folder)
        for row in rows:
            with board.step(str(row)) as step:
                figures = sufferer.suffer(row, seats=chosen.people)
                told.append(figures)
                _note(step, figures)
            for rule in figures["broken"][:8]:
                board.say(f"         BROKEN {rule}")
    cells = [_cells(figures) for figures in told]
    board.say("\n" + table(cells, ("row", "lost facts", "twice", "lost letters", "twice", "broken", "s")))
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    bad = [figures["row"] for figures in told if figures["broken"] or not figures["done"]]
    board.say(
        f"{len(rows) - len(bad)} of {len(rows)} rows kept every promise."
        + "".join(f"\n  not: {one}" for one in bad)
    )
    return 1 if bad else 0


def _note(step: Step, figures: dict[str, Any]) -> None:
    step.notes.append(f"fault {'done' if figures['done'] else 'NOT DONE'} in {figures['fault_s']} s")
    step.notes.append(
        f"{figures['letters']} letters, {figures['facts']} facts, {len(figures['broken'])} broken"
    )


def _cells(figures: dict[str, Any]) -> tuple[str, ...]:
    names = ("facts_lost", "facts_twice", "letters_lost", "letters_twice")
    counts = tuple(str(figures[name]) for name in names)
    return (figures["row"], *counts, str(len(figures["broken"])), f"{figures['seconds']:.0f}")


if __name__ == "__main__":
    sys.exit(main())
