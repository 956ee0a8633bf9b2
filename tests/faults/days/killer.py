"""Waits for a moment of the day and makes one process suffer; its number comes from the street's run.json."""

from __future__ import annotations

import os
import re
import signal
import threading
import time
from contextlib import suppress
from pathlib import Path

import psutil
import redis

from infra.day import street
from infra.day.board import Step
from tests.faults.days.rows import Row

BACK_WITHIN_S = 30.0
LOOPS, FREEZE_S = 4, 3.0


class Killer:
    """Give `watch` to the board of a day; `done` tells whether the fault was done, `back_s` how long it was."""

    def __init__(self, row: Row, data: Path) -> None:
        self.row = row
        self.data = data
        self.done = False
        self.back_s = 0.0
        self.trouble = ""
        self.thread: threading.Thread | None = None
        self.lock = threading.Lock()

    def watch(self, step: Step) -> None:
        """Begin when the step is half done; where it does not count people, a moment after it began."""
        if step.name != self.row.step:
            return
        with self.lock:
            if self.thread is not None or (step.wanted and step.done < step.wanted // 2):
                return
            self.thread = threading.Thread(target=self._act, name=str(self.row))
        self.thread.start()

    def join(self) -> None:
        if self.thread is not None:
            self.thread.join(timeout=BACK_WITHIN_S * (LOOPS + 1))

    def _act(self) -> None:
        try:
            began = time.monotonic()
            getattr(self, f"_{self.row.fault}")()
            self.back_s = time.monotonic() - began
            self.done = True
        except (OSError, psutil.Error, redis.RedisError, TimeoutError) as trouble:
            self.trouble = f"{self.row}: {trouble!r}"

    def _pid(self) -> int:
        rows = street.of(self.data).get("processes", [])
        pid = next((int(row["pid"]) for row in rows if row["name"] == self.row.process), None)
        if pid is None:
            raise TimeoutError(f"run.json knows no process {self.row.process}")
        return pid

    def _kill(self) -> None:
        pid = self._pid()
        os.kill(pid, signal.SIGKILL)
        self._wait_for_another(pid)

    def _family(self) -> None:
        pid = self._pid()
        family = psutil.Process(pid).children(recursive=True)
        os.kill(pid, signal.SIGKILL)
        for child in family:
            with suppress(psutil.NoSuchProcess):
                child.kill()
        self._wait_for_another(pid)

    def _loop(self) -> None:
        for _ in range(LOOPS):
            self._kill()
            time.sleep(0.3)

    def _freeze(self) -> None:
        pid = self._pid()
        os.kill(pid, signal.SIGSTOP)
        time.sleep(FREEZE_S)
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)

    def _flush(self) -> None:
        said = (self.data / "broker" / "server.conf").read_text(encoding="utf-8")
        found = dict(re.findall(r"^(port|requirepass) (\S+)$", said, re.MULTILINE))
        redis.Redis(port=int(found["port"]), password=found["requirepass"]).flushall()

    def _wait_for_another(self, pid: int) -> None:
        give_up = time.monotonic() + BACK_WITHIN_S
        while time.monotonic() < give_up:
            with suppress(TimeoutError):
                if self._pid() != pid:
                    return
            time.sleep(0.02)
        raise TimeoutError(f"{self.row.process} did not come back within {BACK_WITHIN_S:.0f} s")
