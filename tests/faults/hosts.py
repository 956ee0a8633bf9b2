"""Further hosts on this machine: network namespaces behind a bridge, each with processes that are kept running.

The machine itself is the first host, with the platform, its broker and its databases on the bridge's address. A host
that is cut off is taken from the bridge: nothing comes or goes, and nobody is told, as when a switch loses power.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from infra.embedded import running
from tests.embedded import ROOT

# A supervisor of containers waits about so long before it starts one again.
RESTARTED_AFTER_S = 0.5


class NoHosts(Exception):
    """Hosts cannot be made on this machine, and why."""


class Net:
    """A bridge with `many` hosts; `address` is this machine's on it, `network` all of it. Raises NoHosts."""

    def __init__(self, many: int) -> None:
        if os.geteuid() != 0 or shutil.which("ip") is None:
            raise NoHosts("hosts of their own need root and iproute2")
        mine = os.getpid()
        self._bridge, prefix = f"pal{mine}", f"10.213.{mine % 250}"
        self.address, self.network = f"{prefix}.1", f"{prefix}.0/24"
        self.hosts: list[Host] = []
        try:
            _ip("link", "add", self._bridge, "type", "bridge")
            _ip("addr", "add", f"{self.address}/24", "dev", self._bridge)
            _ip("link", "set", self._bridge, "up")
            for number in range(many):
                host = Host(f"palabre-{mine}-{number}", self._bridge, f"pal{mine}v{number}")
                self.hosts.append(host)
                host.begin(f"{prefix}.{number + 2}")
        except NoHosts:
            self.close()
            raise

    def close(self) -> None:
        """End every host and take the bridge away."""
        for host in self.hosts:
            host.close()
        with suppress(NoHosts):
            _ip("link", "del", self._bridge)


class Host:
    """One of them; `starts` counts how often its process was begun."""

    def __init__(self, name: str, bridge: str, link: str) -> None:
        self.name, self.starts = name, 0
        self._bridge, self._link = bridge, link
        self._process: subprocess.Popen[bytes] | None = None
        self._over = threading.Event()
        self._keeper: threading.Thread | None = None

    def begin(self, address: str) -> None:
        _ip("netns", "add", self.name)
        _ip("link", "add", self._link, "type", "veth", "peer", "name", "eth0", "netns", self.name)
        _ip("-n", self.name, "addr", "add", f"{address}/24", "dev", "eth0")
        for link in ("lo", "eth0"):
            _ip("-n", self.name, "link", "set", link, "up")
        _ip("link", "set", self._link, "master", self._bridge, "up")

    def keep(self, command: Sequence[str], environ: Mapping[str, str], log: Path) -> None:
        """Run a module of ours on this host, and start it again whenever it ends."""
        words = ["ip", "netns", "exec", self.name, sys.executable, "-m", *command]
        own = {name: value for name, value in os.environ.items() if not name.startswith("PALABRE_")}

        def keep() -> None:
            while not self._over.is_set():
                with log.open("ab") as said:
                    self._process = subprocess.Popen(
                        words,
                        env={**own, **environ},
                        cwd=ROOT,
                        stdout=said,
                        stderr=said,
                        start_new_session=True,
                    )
                self.starts += 1
                self._process.wait()
                self._over.wait(RESTARTED_AFTER_S)

        self._keeper = threading.Thread(target=keep, name=self.name, daemon=True)
        self._keeper.start()

    def cut(self) -> None:
        _ip("link", "set", self._link, "nomaster")

    def heal(self) -> None:
        _ip("link", "set", self._link, "master", self._bridge)

    def kill(self) -> None:
        """End everything that runs here, without a word."""
        if self._process is not None:
            for pid in (self._process.pid, *running.descendants(self._process.pid)):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def close(self) -> None:
        self._over.set()
        self.kill()
        if self._keeper is not None:
            self._keeper.join(5)
        with suppress(NoHosts):
            _ip("netns", "del", self.name)


def _ip(*words: str) -> None:
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise NoHosts(f"ip {' '.join(words)}: {done.stderr.strip()}")
