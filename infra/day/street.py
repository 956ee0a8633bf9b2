"""The platform the day is played on: the one that runs, or one of our own that we end again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.day.browser import Lines

READY_WITHIN_S = 100.0
END_WITHIN_S = 40.0
DATA = Path("var")
OWN_DATA = Path("var/day")


class NoStreet(Exception):
    """Why there is no platform to play on, in one line."""


@dataclass(frozen=True)
class Street:
    """Where the doors are; `data` is known only for a platform of this machine."""

    address: str
    mailbox: str
    sign_in: str
    data: Path | None = None
    seconds: float = 0.0
    # How its people reach it, where an ordinary line does not.
    lines: Callable[[], Lines] = Lines
    # Where its gathering is: letters rest there at night.
    zone: str = "Europe/Paris"


def of(data: Path) -> dict[str, Any]:
    """What the platform on this data folder says of itself; empty when none is there."""
    with suppress(OSError, ValueError):
        said = json.loads((data / "run.json").read_text(encoding="utf-8"))
        if isinstance(said, dict):
            return said
    return {}


def running(data: Path) -> Street | None:
    """The platform that runs on this data folder now, if one does."""
    said = of(data)
    pid = said.get("pid")
    if not (said.get("ready") and pid and said.get("mailbox")):
        return None
    try:
        os.kill(pid, 0)
    except OSError:
        return None
    return Street(said["address"], said["mailbox"], said.get("sign_in") or "", data)


@contextmanager
def started(data: Path, *, log: Path | None = None) -> Iterator[Street]:
    """A platform of our own on a free port, ended with the block. Raises NoStreet."""
    data.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    command = [sys.executable, "-m", "infra.embedded", "up", "--data", str(data), "--port", "0", "--no-sample"]
    with (log or data / "street.log").open("ab") as out:
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        yield _ready(child, data, began)
    finally:
        _end(child, data)


def _ready(child: subprocess.Popen[bytes], data: Path, began: float) -> Street:
    while time.monotonic() - began < READY_WITHIN_S:
        said = of(data)
        if said.get("pid") == child.pid and said.get("ready"):
            seconds = time.monotonic() - began
            return Street(said["address"], said["mailbox"], said.get("sign_in") or "", data, seconds)
        if child.poll() is not None:
            raise NoStreet(f"The platform ended with {child.returncode} while starting: {_last_words(data)}")
        time.sleep(0.05)
    raise NoStreet(f"The platform is not ready after {READY_WITHIN_S:.0f} s: {_last_words(data)}")


def _end(child: subprocess.Popen[bytes], data: Path) -> None:
    """Ask the launcher to end; it may be another process than the one we started, when that was killed."""
    launcher = of(data).get("pid") or child.pid
    with suppress(ProcessLookupError):
        os.kill(launcher, signal.SIGINT)
    give_up = time.monotonic() + END_WITHIN_S
    while time.monotonic() < give_up:
        child.poll()
        if not _alive(launcher):
            return
        time.sleep(0.05)
    raise NoStreet(f"The platform on {data} did not end within {END_WITHIN_S:.0f} s")


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"


def _last_words(data: Path) -> str:
    with suppress(OSError):
        return " / ".join((data / "street.log").read_text(encoding="utf-8", errors="replace").splitlines()[-4:])
    return "no log"
