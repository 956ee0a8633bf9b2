"""A Valkey of the harness's own: with or without files, to be killed, frozen, filled, restored and replicated."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import redis

from infra.embedded import broker as embedded
from tests.postgres import free_port

PASSWORD = "rig"  # noqa: S105 it listens on this machine only, for the length of a row


class Broker:
    """One server in `folder`; `aof` tells whether it keeps a journal (each second) or forgets all when it ends.

    It listens on this machine only, and on `address` where one is given.
    """

    def __init__(self, folder: Path, *, aof: bool, address: str = "") -> None:
        self.folder, self.aof, self.port, self.address = folder, aof, free_port(), address
        folder.mkdir(parents=True, exist_ok=True)
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, port: int | None = None) -> str:
        return f"redis://:{PASSWORD}@127.0.0.1:{port or self.port}/0"

    @property
    def client(self) -> redis.Redis:
        return redis.Redis.from_url(self.url(), socket_timeout=5)

    def start(self) -> None:
        """Start it and wait until it answers."""
        program = embedded.program()
        if program is None:
            raise RuntimeError("no Valkey or Redis on this machine")
        settings = {
            "port": self.port,
            "requirepass": PASSWORD,
            "masterauth": PASSWORD,
            "dir": self.folder,
            "appendonly": "yes" if self.aof else "no",
            "appendfsync": "everysec",
            "save": "",
            "maxmemory-policy": "noeviction",
            "repl-diskless-sync-delay": 0,
        }
        words = ["--bind", *filter(None, ("127.0.0.1", self.address))]
        words += [word for name, value in settings.items() for word in (f"--{name}", str(value))]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen([program, *words], stdout=log, stderr=log, start_new_session=True)
        until = time.monotonic() + 15
        while time.monotonic() < until:
            with suppress(redis.RedisError):
                self.client.ping()
                return
            time.sleep(0.02)
        raise RuntimeError(f"the broker does not answer; see {self.folder}/log")

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def send(self, number: int) -> None:
        os.kill(self.pid, number)

    def end(self, number: int = signal.SIGKILL) -> None:
        """End it and wait for its end."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGCONT)
            self._process.send_signal(number)
            self._process.wait(15)

    def keep_files(self) -> None:
        """Put a copy of its files aside, as a backup would."""
        kept = self.folder / "kept"
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree(self.folder / "appendonlydir", kept)

    def restore_files(self) -> None:
        """Put the copy back in the place of the newer files."""
        shutil.rmtree(self.folder / "appendonlydir")
        shutil.copytree(self.folder / "kept", self.folder / "appendonlydir")
