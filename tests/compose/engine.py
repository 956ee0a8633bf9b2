"""The container engine: the one that runs, or one that a tool of this machine starts for us and that we end again."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

ROOT = Path(__file__).parents[2]
# A program that starts an engine under the folder $D, with its socket, settings and process id in there.
NAMED_BY = "PALABRE_DOCKER_HERE"
NEARBY = ROOT.parent / "shared" / "tools" / "docker_here"
START_WITHIN_S = 240


class NoEngine(Exception):
    """Why nothing can run containers here, in one line."""


@contextmanager
def running(folder: Path) -> Iterator[dict[str, str]]:
    """The environment in which `docker` and `docker compose` work. Raises NoEngine."""
    if _answers(dict(os.environ)):
        yield dict(os.environ)
        return
    tool = Path(os.environ.get(NAMED_BY) or NEARBY)
    if not tool.exists() or os.geteuid() != 0:
        raise NoEngine(
            f"no Docker engine answers here, and there is none that {NAMED_BY} could start as root; nothing was tried"
        )
    folder = folder.resolve()
    environ = {
        **os.environ,
        "D": str(folder),
        "DOCKER_HOST": f"unix://{folder}/docker.sock",
        "DOCKER_CONFIG": str(folder / "cfg"),
        "DOCKER_BUILDKIT": "0",
    }
    if not _answers(environ):
        sys.stdout.write(f"No engine runs: {tool.name} starts one in {folder}\n")
        sys.stdout.flush()
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "start.log").open("wb") as log, suppress(subprocess.TimeoutExpired):
            subprocess.run(
                [str(tool)], env=environ, stdout=log, stderr=log, timeout=START_WITHIN_S, check=False
            )
        if not _answers(environ):
            raise NoEngine(f"{tool.name} could start no engine; {folder}/start.log says why")
    try:
        yield environ
    finally:
        with suppress(OSError, ValueError):
            os.kill(int((folder / "docker.pid").read_text()), signal.SIGTERM)


def _answers(environ: dict[str, str]) -> bool:
    if not shutil.which("docker"):
        return False
    try:
        return all(
            subprocess.run(
                ["docker", *words], env=environ, capture_output=True, timeout=30, check=False
            ).returncode
            == 0
            for words in (["info"], ["compose", "version"])
        )
    except subprocess.TimeoutExpired:
        return False
