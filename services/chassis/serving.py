"""The web server: the app of a service in as many processes and threads as the settings say."""

from __future__ import annotations

import gc
import logging
import os
import shutil
from pathlib import Path
from tempfile import mkdtemp

from gunicorn import glogging
from gunicorn.app.base import BaseApplication
from gunicorn.sock import create_sockets
from gunicorn.workers.gthread import ThreadWorker

from services.chassis import metrics, telemetry
from services.chassis.opening import open_database
from services.chassis.service import Service
from services.chassis.settings import Settings


class _Log(glogging.Logger):  # type: ignore[misc]
    """What the server says of itself goes where all our lines go, in their form."""

    def setup(self, cfg: object) -> None:
        self.error_log.propagate = True
        self.error_log.setLevel(logging.INFO)


class _Server(BaseApplication):  # type: ignore[misc]
    def __init__(self, service: Service, chosen: Settings, bind: str, *, reloads: bool) -> None:
        self._service, self._settings, self._bind, self._reloads = service, chosen, bind, reloads
        super().__init__()

    def load_config(self) -> None:
        self.cfg.set("bind", self._bind or f"{self._settings.host}:{self._settings.port}")
        self.cfg.set("workers", self._settings.web_workers)
        self.cfg.set("threads", self._settings.web_threads)
        self.cfg.set("worker_class", "gthread")
        self.cfg.set("graceful_timeout", 25)
        self.cfg.set("logger_class", _Log)
        self.cfg.set("control_socket_disable", True)
        # The app is built once and its memory shared; it opens no connection before the fork.
        self.cfg.set("preload_app", not self._reloads)
        self.cfg.set("reload", self._reloads)
        self.cfg.set("pre_fork", _freeze)

    def load(self) -> object:
        telemetry.configure(self._settings, self._service.name, "web")
        return self._service.create_app(
            self._service, open_database(self._service.name, self._settings), self._settings
        )


class _Only(ThreadWorker):  # type: ignore[misc]
    """gunicorn's worker without its arbiter, which would hold everything a second time to watch one process.

    Whoever started us starts us again.
    """

    def is_parent_alive(self) -> bool:
        return True


def _freeze(_arbiter: object, _worker: object) -> None:
    """What was read so far is shared with the web processes for as long as nobody counts it again."""
    gc.freeze()


def run(service: Service, chosen: Settings, bind: str, *, reloads: bool) -> int:
    """Answer until told to stop, at `bind` or where the settings say; returns the exit code."""
    server = _Server(service, chosen, bind, reloads=reloads)
    if chosen.web_workers == 1 and not reloads:
        return _alone(server)
    # What the web processes write down as they count; their parent takes it away, and none of them.
    folder, parent = mkdtemp(prefix="palabre-metrics-"), os.getpid()
    metrics.share(Path(folder))
    try:
        server.run()
    finally:
        if os.getpid() == parent:
            shutil.rmtree(folder, ignore_errors=True)
    return 0


def _alone(server: _Server) -> int:
    """One process that answers by itself."""
    log = server.cfg.logger_class(server.cfg)
    listeners = create_sockets(server.cfg, log)
    worker = _Only(0, os.getppid(), listeners, server, server.cfg.timeout, server.cfg, log)
    log.info("Listening at: %s", ", ".join(map(str, listeners)))
    try:
        worker.init_process()
    finally:
        worker.tmp.close()
    log.info("Ended")
    return 0
