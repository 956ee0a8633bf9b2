"""What runs on a data folder: run.json for programs, the lock that keeps it to one street, kinship."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

RUN = "run.json"


def read(data: Path) -> dict[str, Any]:
    """What run.json says; empty when there is none or it cannot be read."""
    with suppress(OSError, ValueError):
        said = json.loads((data / RUN).read_text(encoding="utf-8"))
        if isinstance(said, dict):
            return said
    return {}


def write(path: Path, what: dict[str, Any]) -> None:
    """Replace a file at once, readable by its owner only: it may hold a sign-in link."""
    aside = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        json.dump(what, file, indent=1)
    aside.replace(path)


def lock(data: Path) -> int | None:
    """Take the folder for one street while any process keeps the descriptor; None when another has it."""
    held = os.open(data / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(held)
        return None
    return held


def born(pid: int) -> int | None:
    """When a process began, in the kernel's ticks: a later one of its number differs. None when it is gone."""
    try:
        fields = (
            Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        )
    except OSError:
        return None
    return None if fields[0] in "ZX" else int(fields[19])


def descendants(pid: int) -> list[int]:
    """Every process that comes from `pid`, the nearest first; empty where the system does not tell."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            stat = entry.read_text(encoding="utf-8", errors="replace")
            parents.setdefault(int(stat.rpartition(")")[2].split()[1]), []).append(int(entry.parent.name))
    found, look = [], [pid]
    while look:
        children = parents.get(look.pop(0), [])
        found += children
        look += children
    return found


def alive(process: dict[str, Any]) -> bool:
    """Whether this row of run.json is still the process it was."""
    began = born(process["pid"])
    return began is not None and began == process.get("born")


def end_leftovers(data: Path) -> int:
    """End what an earlier street left when its launcher and its zygote were both killed. Returns how many."""
    left = [row["pid"] for row in read(data).get("processes", []) if alive(row)]
    left += [pid for parent in left for pid in descendants(parent) if pid not in left]
    for pid in left:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    gone_by = time.monotonic() + 5
    while any(born(pid) for pid in left) and time.monotonic() < gone_by:
        time.sleep(0.05)
    return len(left)
