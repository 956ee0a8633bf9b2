"""What is said while the day is played, and the table at its end."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

WIDTH = 100


@dataclass
class Step:
    """One step of the day: what happened in it, and how long it took."""

    name: str
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0
    done: int = 0
    wanted: int = 0


class Board:
    """Progress on the terminal, or one line a step where there is no terminal.

    `watch` is called at the beginning of each step and whenever somebody in it is done.
    """

    def __init__(self, *, quiet: bool = False, watch: Callable[[Step], None] | None = None) -> None:
        self.quiet = quiet
        self.watch = watch
        self.live = sys.stdout.isatty() and not quiet
        self.steps: list[Step] = []
        self.lock = threading.Lock()
        self.began = time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.began

    @contextmanager
    def step(self, name: str, wanted: int = 0) -> Iterator[Step]:
        step = Step(name, wanted=wanted)
        self.steps.append(step)
        began = time.monotonic()
        self._show(step)
        try:
            yield step
        finally:
            step.seconds = time.monotonic() - began
            self.say(line(step))

    def tick(self, step: Step) -> None:
        """One more is done."""
        with self.lock:
            step.done += 1
        self._show(step)

    def say(self, words: str) -> None:
        if not self.quiet:
            end = "\033[K\n" if self.live else "\n"
            sys.stdout.write(words + end)
            sys.stdout.flush()

    def _show(self, step: Step) -> None:
        if self.watch is not None:
            self.watch(step)
        if self.live:
            done = f" {step.done} of {step.wanted}" if step.wanted else ""
            sys.stdout.write(f"         {step.name}{done} …\033[K\r")
            sys.stdout.flush()


def line(step: Step) -> str:
    notes = ", ".join(step.notes)
    return f"{step.seconds:6.1f} s {step.name}" + (f": {notes}" if notes else "")


def table(rows: list[tuple[str, ...]], head: tuple[str, ...]) -> str:
    """Columns as wide as they need; figures to the right."""
    lines = [head, *rows]
    widths = [max(len(row[i]) for row in lines) for i in range(len(head))]

    def cells(row: tuple[str, ...]) -> str:
        return "  ".join(
            cell.rjust(width) if cell.replace(".", "").replace(" ", "").isdigit() else cell.ljust(width)
            for cell, width in zip(row, widths, strict=True)
        ).rstrip()

    rule = "  ".join("-" * width for width in widths)
    return "\n".join([cells(head), rule, *(cells(row) for row in rows)])
