"""The wall clocks of the street's processes, moved while they run: all together, or one against the others.

Linux has no clock of its own for a process, so a small library stands before the C library's (clock.c, compiled where
there is a compiler). The broker, PostgreSQL and the harness keep the true time.
"""

from __future__ import annotations

import mmap
import shutil
import struct
import subprocess
import sys
from pathlib import Path

PAIRS, PAIR = 64, struct.Struct("=qq")


class NoClock(Exception):
    """Clocks cannot be moved on this machine, and why."""


def build(folder: Path) -> dict[str, str]:
    """Make the library and its file in `folder`; returns what a process needs in its environment. Raises NoClock."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None or sys.platform != "linux":
        raise NoClock("moving clocks needs Linux and a C compiler")
    folder.mkdir(parents=True, exist_ok=True)
    library, source = folder / "clock.so", Path(__file__).with_name("clock.c")
    done = subprocess.run(
        [compiler, "-O2", "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"],
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise NoClock(f"the clock library does not compile: {done.stderr[:200]}")
    (folder / "moved").write_bytes(bytes(PAIRS * PAIR.size))
    return {"LD_PRELOAD": str(library), "RIG_CLOCK": str(folder / "moved")}


def move(folder: Path, seconds: int, *pids: int) -> None:
    """Move the clocks of these processes by `seconds` from the true time; without any, everybody's."""
    with (folder / "moved").open("r+b") as file, mmap.mmap(file.fileno(), 0) as pairs:
        if not pids:
            pairs[0 : PAIR.size] = PAIR.pack(0, seconds)
        for place, pid in enumerate(pids, 1):
            pairs[place * PAIR.size : (place + 1) * PAIR.size] = PAIR.pack(pid, seconds)
