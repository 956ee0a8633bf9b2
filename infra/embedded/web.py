"""The four services behind one address: gunicorn on the socket that the launcher listens on."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from gunicorn.app.base import BaseApplication
from gunicorn.sock import create_sockets
from gunicorn.workers.gthread import ThreadWorker

from infra import prefixes
from services.chassis.settings import Settings

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def street(apps: Mapping[str, Wsgi]) -> Wsgi:
    """One application that hands each request to the service whose prefix is the longest; paths stay whole."""
    whose = prefixes.Table(prefixes.read())

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        return apps[whose.service(environ.get("PATH_INFO", "/"))](environ, start_response)

    return answer


class _Server(BaseApplication):  # type: ignore[misc]
    def __init__(self, apps: Mapping[str, Wsgi], settings: Settings, fd: int) -> None:
        self._apps, self._settings, self._fd = apps, settings, fd
        super().__init__()

    def load_config(self) -> None:
        shared_memory = Path("/dev/shm")  # noqa: S108 gunicorn's heartbeat, not on a disk
        wanted = {
            "bind": f"fd://{self._fd}",
            "threads": self._settings.web_threads,
            "worker_class": "gthread",
            "worker_tmp_dir": str(shared_memory) if shared_memory.is_dir() else None,
            "graceful_timeout": 6,
            "keepalive": 5,
            "loglevel": "warning",
        }
        for name, value in wanted.items():
            self.cfg.set(name, value)

    def load(self) -> Wsgi:
        return street(self._apps)


class _Worker(ThreadWorker):  # type: ignore[misc]
    """gunicorn's worker without its arbiter: the launcher starts it again, and no parent has to live for it."""

    beat: Callable[[], None]

    def is_parent_alive(self) -> bool:
        return True

    def notify(self) -> None:
        """Called by gunicorn's own loop every second or so."""
        super().notify()
        self.beat()


def serve(apps: Mapping[str, Wsgi], settings: Settings, fd: int, beat: Callable[[], None]) -> None:
    """Answer HTTP on an open socket until told to stop; several processes may share the socket.

    `beat` is called about every second by the loop that takes connections.
    """
    server = _Server(apps, settings, fd)
    log = server.cfg.logger_class(server.cfg)
    listeners = create_sockets(server.cfg, log)
    worker = _Worker(0, os.getppid(), listeners, server, server.cfg.timeout, server.cfg, log)
    worker.beat = beat
    worker.init_process()
