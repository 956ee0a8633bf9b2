"""A real street for tests: its own data folder, a free port, every process of it killable."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from infra.embedded import running

ROOT = Path(__file__).parents[1]
SERVICES = ("registration", "grouping", "feedback", "notifications")


class Platform:
    """A street that was started; `address`, `mailbox` and `owner_link` are known once it is ready."""

    def __init__(self, data: Path, *arguments: str, **environ: str) -> None:
        self.data = data
        own = {name: value for name, value in os.environ.items() if not name.startswith("PALABRE_")}
        self.said = (data / "said").open("w+", encoding="utf-8")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "infra.embedded", "up", "--data", str(data), "--port", "0", *arguments],
            cwd=ROOT,
            env={**own, **environ},
            stdout=self.said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    @property
    def run(self) -> dict[str, Any]:
        return running.read(self.data)

    @property
    def address(self) -> str:
        return str(self.run["address"])

    @property
    def mailbox(self) -> str:
        return str(self.run["mailbox"])

    @property
    def owner_link(self) -> str:
        return str(self.run["sign_in"])

    def pids(self) -> dict[str, int]:
        """Every process by name: the launcher, the zygote, the broker, web, and each worker and relay."""
        return {row["name"]: row["pid"] for row in self.run["processes"]}

    def kill(self, name: str, number: int = signal.SIGKILL) -> int:
        """Kill one process. Returns its number."""
        pid = self.pids()[name]
        os.kill(pid, number)
        return pid

    def wait_for(self, name: str, other_than: int, within_s: float = 20) -> int:
        """Wait until the process of that name is another one than `other_than`. Returns its number."""
        until = time.monotonic() + within_s
        while time.monotonic() < until:
            with suppress(KeyError, ProcessLookupError):
                pid = self.pids()[name]
                if pid != other_than and running.born(pid):
                    return pid
            time.sleep(0.02)
        raise AssertionError(f"{name} did not come back within {within_s} s\n{self.text()}")

    def wait_ready(self, within_s: float = 90) -> Platform:
        """Wait until the street said that it is ready and every service says so too."""
        until = time.monotonic() + within_s
        while time.monotonic() < until:
            if self.process.poll() is not None and not self.run.get("pid"):
                raise AssertionError(f"the platform ended with {self.process.returncode}\n{self.text()}")
            if self.run.get("ready") and all(map(self._is_ready, SERVICES)):
                return self
            time.sleep(0.05)
        raise AssertionError(f"not ready within {within_s} s\n{self.text()}")

    def _is_ready(self, service: str) -> bool:
        try:
            with urllib.request.urlopen(f"{self.address}/api/{service}/health", timeout=5) as answer:
                return bool(json.load(answer)["ready"])
        except (OSError, ValueError):
            return False

    def text(self) -> str:
        """What it printed so far."""
        return (self.data / "said").read_text(encoding="utf-8")

    def stop(self, number: int = signal.SIGINT) -> int:
        """End it as Ctrl-C does. Returns the exit status."""
        pids = {
            pid
            for row in self.run.get("processes", [])
            for pid in (row["pid"], *running.descendants(row["pid"]))
        }
        launcher = self.run.get("pid")
        if launcher and running.born(launcher):
            os.kill(launcher, number)
        elif self.process.poll() is None:
            self.process.send_signal(number)
        status = self.process.wait(40)
        until = time.monotonic() + 20
        while any(map(running.born, pids)) and time.monotonic() < until:
            time.sleep(0.02)
        self.said.close()
        left = [pid for pid in pids if running.born(pid)]
        assert not left, f"left running: {left}"
        return status


@pytest.fixture(scope="session")
def platform() -> Iterator[Platform]:
    """The whole street with the sample gathering, once for all tests of a run."""
    with tempfile.TemporaryDirectory(prefix="palabre-") as folder:
        street = Platform(Path(folder))
        try:
            yield street.wait_ready()
        finally:
            street.stop()
