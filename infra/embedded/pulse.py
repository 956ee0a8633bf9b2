"""Whether a process still does its work: it beats by touching a file, and who beats no more stands still.

A process can be alive and do nothing: stopped, starved, or caught in a call that never returns. It cannot end itself
then; the launcher does, and starts it again as it does with any that ended.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

BEATS = "beats"
LOOK_S = 2.0
# Looks are counted, not seconds: a machine that slept, or a launcher that was stopped, has not looked.
SILENT_LOOKS = 8
# Before its first beat a process may still be starting.
STARTING_LOOKS = 30


@dataclass
class Pulse:
    """What was last seen of one process; begin with a new one at each start, `last` being what is there already."""

    last: int = 0
    silent: int = 0
    has_beaten: bool = False

    def look(self, beat: int) -> bool:
        """Whether the process stands still, now that its beat is seen to be `beat`. Only that it changes counts."""
        if beat != self.last:
            self.last, self.silent, self.has_beaten = beat, 0, True
        else:
            self.silent += 1
        return self.silent >= (SILENT_LOOKS if self.has_beaten else STARTING_LOOKS)


def beat(data: Path, name: str) -> None:
    """Say that the process of this name does its work."""
    path = data / BEATS / name
    with suppress(OSError):
        if path.exists():
            os.utime(path)
        else:
            path.touch()


def beaten(data: Path, name: str) -> int:
    """A number that changes with every beat of a process; 0 before the first."""
    try:
        return (data / BEATS / name).stat().st_mtime_ns
    except OSError:
        return 0
