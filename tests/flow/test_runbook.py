"""What infra/RUNBOOK.md tells an operator to type does what the page says, on one machine and in this order."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from infra.embedded.broker import program
from tests import runbook
from tests.postgres import free_port

SHARED = ("Makefile", "infra", "services", "pyproject.toml", "requirements.lock", ".env.example")
UP_WITHIN_S = 120


class Machine:
    """An operator's folder with nothing in it but what we ship; `make up` goes on in the background."""

    def __init__(self, folder: Path, tools: Path) -> None:
        self.folder = folder
        for name in SHARED:
            (folder / name).symlink_to(runbook.ROOT / name)
        self.environ = {
            "PATH": f"{runbook.own_make(tools)}:{os.environ['PATH']}",
            "HOME": str(folder),
            "PALABRE_PORT": str(free_port()),
        }
        self._up: subprocess.Popen[bytes] | None = None

    def type(self, command: str) -> None:
        if command == "make up":
            self._start()
            return
        ended = subprocess.run(
            ["bash", "-euc", command],
            cwd=self.folder,
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert ended.returncode == 0, f"{command}: {ended.stdout[-500:]}{ended.stderr[-1500:]}"
        if command == "make down" and self._up is not None:
            self._up.wait(30)

    def _start(self) -> None:
        greeted, log = self.folder / "var" / "run" / "greet.json", self.folder / "up.log"
        greeted.unlink(missing_ok=True)
        with log.open("wb") as out:
            self._up = subprocess.Popen(
                ["make", "up"],
                cwd=self.folder,
                env=self.environ,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        until = time.monotonic() + UP_WITHIN_S
        while not greeted.exists():
            assert self._up.poll() is None, log.read_text()
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.1)

    def end(self) -> None:
        if self._up is not None and self._up.poll() is None:
            self.type("make down")
        if self._up is not None and self._up.poll() is None:
            os.killpg(self._up.pid, signal.SIGKILL)


@pytest.mark.skipif(shutil.which("make") is None or program() is None, reason="needs make, and a Valkey")
def test_every_command_for_one_machine_does_its_work(tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    machine = Machine(tmp_path / "here", tmp_path / "tools")
    try:
        for block in runbook.blocks():
            for command in block.commands if block.kind == "one machine" else ():
                machine.type(command)
    finally:
        machine.end()

    secrets = (tmp_path / "here" / ".env").read_text().splitlines()
    assert [line for line in secrets if line.startswith("PALABRE_SIGNING_KEY=")][-1] != "PALABRE_SIGNING_KEY="
    assert (tmp_path / "here" / "backups" / "tonight.tar").stat().st_size > 10_000
    assert (tmp_path / "here" / "var" / "before-restore").is_dir()


def test_a_block_that_nobody_would_run_is_refused() -> None:
    with pytest.raises(ValueError, match="run by nobody: rm everything"):
        runbook.blocks("## Install\n\n```\nrm everything\n```\n")


def test_every_trouble_has_its_page_and_commands() -> None:
    headings = {block.heading for block in runbook.blocks()}

    assert headings >= {
        "Install on a fresh server",
        "Back up and put back",
        "Upgrade, and go back",
        "Scale",
        "Rotate secrets",
        "When the broker is lost",
        "When the database is down",
        "When the disk is full",
        "When the mail server refuses",
        "When the clock is wrong",
    }
