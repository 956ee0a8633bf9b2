"""The commands of infra/RUNBOOK.md, read from the page itself: whoever changes a command there changes what is run."""

from __future__ import annotations

import re
import shutil
import stat
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "infra" / "RUNBOOK.md"
KINDS = ("one machine", "containers")
_FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^## (.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """Commands that stand together under one heading of the page."""

    heading: str
    kind: str
    commands: tuple[str, ...]


def blocks(text: str | None = None) -> list[Block]:
    """Every fenced block of the page in its order. Raises ValueError for one that says not where it is run."""
    page = PAGE.read_text(encoding="utf-8") if text is None else text
    headings = [(match.start(), match[1]) for match in _HEADING.finditer(page)]
    found = []
    for match in _FENCE.finditer(page):
        kind = match[1].removeprefix("sh ")
        if kind not in KINDS or not match[1].startswith("sh "):
            raise ValueError(f"a block marked {match[1]!r} is run by nobody: {match[2].splitlines()[0]}")
        heading = next((name for start, name in reversed(headings) if start < match.start()), "")
        found.append(Block(heading, kind, tuple(match[2].splitlines())))
    return found


def own_make(folder: Path) -> Path:
    """A folder for the front of PATH whose `make` uses this Python and sets nothing up."""
    real = shutil.which("make")
    if real is None:
        raise FileNotFoundError("make")
    folder.mkdir(parents=True, exist_ok=True)
    own = folder / "make"
    own.write_text(f'#!/bin/sh\nexec {real} -o setup -o setup-dev PY={sys.executable} "$@"\n')
    own.chmod(own.stat().st_mode | stat.S_IXUSR)
    return folder
