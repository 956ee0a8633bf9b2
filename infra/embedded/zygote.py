"""Has read every service's code once and forks it for each child; starts a launcher when that is killed."""

from __future__ import annotations

import argparse
import ctypes
import gc
import importlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Any

from infra.embedded import pulse

PR_SET_NAME = 15
BEAT_S = 1.0


class Zygote:
    def __init__(self, place: argparse.Namespace) -> None:
        self.place = place
        self.control = socket.socket(fileno=place.control)
        self.street = importlib.import_module(place.street)
        self.heard = b""
        self.children: dict[str, int] = {}
        self.private: list[int] = []

    def run(self) -> None:
        """Obey the launcher, one line at a time, until it says stop."""
        # The interrupted select wakes the loop, which reaps.
        signal.signal(signal.SIGCHLD, lambda *_: None)
        awake, wake = os.pipe()
        os.set_blocking(wake, False)
        os.set_blocking(awake, False)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        self.private = [awake, wake]
        while True:
            select.select([self.control.fileno(), awake], [], [], BEAT_S)
            with suppress(BlockingIOError):
                os.read(awake, 4096)
            self._reap()
            if select.select([self.control], [], [], 0)[0]:
                said = self._hear()
                if said is None:
                    self._start_a_launcher()
                elif not said:
                    return
            # After the reading of all the code, which takes its time.
            pulse.beat(Path(self.place.data), "zygote")

    def _hear(self) -> bool | None:
        """Do what the launcher asks. True: go on. False: it said stop. None: it is gone."""
        try:
            chunk = self.control.recv(65536)
        except OSError:
            chunk = b""
        if not chunk:
            return None
        *lines, self.heard = (self.heard + chunk).split(b"\n")
        for line in lines:
            order = json.loads(line)
            if "stop" in order:
                return False
            if "load" in order:
                began = time.monotonic()
                self.street.load()
                gc.collect()
                gc.freeze()
                if threading.active_count() > 1:
                    sys.stderr.write(f"threads before the fork: {threading.enumerate()}\n")
                sys.stderr.write(f"loaded in {time.monotonic() - began:.2f} s\n")
                sys.stderr.flush()
                self._say(loaded=True, children=self.children)
            elif "start" in order:
                self._say(started=order["start"], pid=self._fork(order["start"]))
        return True

    def _say(self, **what: Any) -> None:
        with suppress(OSError):
            self.control.sendall(json.dumps(what).encode() + b"\n")

    def _fork(self, name: str) -> int:
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid:
            self.children[name] = pid
            return pid
        status = 1
        try:
            self._become(name)
            self.street.be(name)
            status = 0
        except SystemExit as ended:
            status = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
            if isinstance(ended.code, str):
                sys.stderr.write(ended.code + "\n")
        except BaseException:  # noqa: BLE001 a child must never go on as a second zygote
            traceback.print_exc()
        finally:
            with suppress(Exception):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(status)

    def _become(self, name: str) -> None:
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        self.control.close()
        for fd in (*self.private, self.place.lock):
            os.close(fd)
        if not self.street.serves_the_public(name):
            os.close(self.place.public)
        log = os.open(
            Path(self.place.data) / "log" / f"{name}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600
        )
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.close(log)
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(PR_SET_NAME, f"palabre {name}".encode()[:15], 0, 0, 0)

    def _reap(self) -> None:
        with suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if not pid:
                    return
                self.children = {name: child for name, child in self.children.items() if child != pid}
                if status:
                    sys.stderr.write(f"process {pid} ended: {os.waitstatus_to_exitcode(status)}\n")
                    sys.stderr.flush()

    def _start_a_launcher(self) -> None:
        sys.stderr.write("the launcher is gone; starting another\n")
        sys.stderr.flush()
        self.control.close()
        self.heard = b""
        self.control, theirs = socket.socketpair()
        with theirs:
            given = {"control": theirs.fileno(), "public": self.place.public, "lock": self.place.lock}
            command = [
                sys.executable,
                "-m",
                "infra.embedded",
                "adopt",
                "--data",
                self.place.data,
                "--street",
                self.place.street,
            ]
            for name, fd in given.items():
                command += [f"--{name}", str(fd)]
            subprocess.Popen(
                [*command, "--zygote", str(os.getpid())], pass_fds=list(given.values()), start_new_session=True
            )


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--data", required=True)
    options.add_argument("--street", required=True)
    for name in ("control", "public", "lock"):
        options.add_argument(f"--{name}", type=int, required=True)
    Zygote(options.parse_args()).run()


if __name__ == "__main__":
    main()
