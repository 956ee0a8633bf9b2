"""Listens on the public address, says what is to run, starts again whatever ended. Standard library only."""

from __future__ import annotations

import ctypes
import importlib
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from infra.embedded import broker, pulse, running
from infra.embedded.pulse import Pulse

PR_SET_CHILD_SUBREAPER = 36
# Seconds before each restart of a process that does not stay; one that had stayed starts again at once.
BACKOFF_S = (0.0, 0.1, 0.3, 1.0, 2.0, 5.0)
STAYED_S = 10.0
# What a web request or a task in flight gets to end by itself, per stage.
GRACE_S = 8.0
READY_WITHIN_S = 90.0
ROTATE_BYTES = 2_000_000


@dataclass
class Part:
    """One process of the street: what it is called, when it runs, and how its last life went."""

    name: str
    stage: str
    pid: int | None = None
    pidfd: int | None = None
    began: float = 0.0
    falls: int = 0
    due_at: float | None = None
    asked: bool = False
    lives: int = 0
    pulse: Pulse = field(default_factory=Pulse)


@dataclass
class Street:
    """Where it runs and what it was told: the same for a first launcher and for one that takes over."""

    data: Path
    module: str
    public: socket.socket
    lock: int
    address: str
    environ: dict[str, str]
    own_broker: bool
    sample: bool = True
    started_at: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))


class Launcher:
    def __init__(self, street: Street) -> None:
        self.street = street
        self.began = time.monotonic()
        names = importlib.import_module(street.module).parts()
        self.parts = {
            name: Part(name, stage) for name, stage in names.items() if stage != "broker" or street.own_broker
        }
        self.zygote: subprocess.Popen[bytes] | None = None
        self.zygote_pid: int | None = None
        self.zygote_fd: int | None = None
        self.zygote_part = Part("zygote", "zygote")
        self.look_at = 0.0
        self.control: socket.socket | None = None
        self.heard = b""
        self.loaded = False
        self.ready = False
        self.failed: str | None = None
        self.interrupts = 0
        self.ending = False
        self.greeting: dict[str, Any] = {}
        self.selector = selectors.DefaultSelector()
        awake, wake = socket.socketpair()
        for end in (awake, wake):
            end.setblocking(False)
        self.awake, self.wake = awake, wake
        self.selector.register(awake, selectors.EVENT_READ, "signal")
        signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._interrupted)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)

    def run(self) -> int:
        """Start everything, keep it running, end it when asked. Returns the exit status."""
        self._start_zygote()
        for part in self._staged("broker"):
            self._start(part)
        self._tell(load=True)
        return self._keep()

    def adopt(self, control: socket.socket, zygote_pid: int, left: dict[str, Any]) -> int:
        """Go on where a killed launcher was: its zygote and the processes of its run.json are ours now."""
        self._attach(control, zygote_pid)
        self.ready, self.greeting = bool(left.get("ready")), left.get("greeting", {})
        for row in left.get("processes", []):
            part = self.parts.get(row["name"])
            if part and running.alive(row):
                self._watch(part, row["pid"])
        self._write()
        self._tell(load=True)
        return self._keep()

    def _keep(self) -> int:
        while not self.interrupts and not self.failed:
            self._turn()
        return self._end()

    def _turn(self, within_s: float = 1.0) -> None:
        """Wait for something to happen, and see to it."""
        now = time.monotonic()
        due = [part.due_at for part in self.parts.values() if part.due_at is not None]
        wait = max(0.0, min([within_s, *(at - now for at in due)]))
        if not hasattr(os, "pidfd_open"):
            wait = min(wait, 0.2)
        for key, _ in self.selector.select(wait):
            if key.data == "signal":
                with suppress(BlockingIOError):
                    self.awake.recv(4096)
            elif key.data == "zygote":
                self._hear()
            elif isinstance(key.data, Part):
                self._ended(key.data)
        self._reap()
        for part in self.parts.values():
            if part.pid and part.pidfd is None and running_gone(part.pid):
                self._ended(part)
        if not self.ending:
            self._mend()
            self._listen()

    def _listen(self) -> None:
        """End what stands still; that it has ended is then seen to as ever."""
        if time.monotonic() < self.look_at:
            return
        self.look_at = time.monotonic() + pulse.LOOK_S
        self.zygote_part.pid = self.zygote_pid
        for part in (self.zygote_part, *self.parts.values()):
            if part.pid is None or part.stage == "once":
                continue
            if part.pulse.look(pulse.beaten(self.street.data, part.name)) and self._is_heard_of(part):
                self._say(f"{part.name} stands still; it is ended")
                for pid in running.descendants(part.pid) if part.stage == "services" else []:
                    self._signal(pid, signal.SIGKILL)
                self._signal(part.pid, signal.SIGKILL)
                part.pulse = Pulse(pulse.beaten(self.street.data, part.name))

    def _is_heard_of(self, part: Part) -> bool:
        """The relays beat for the broker; while they are silent themselves, nothing is known of it."""
        teller = self.parts.get("relays")
        return part.stage != "broker" or (
            teller is not None and teller.pid is not None and not teller.pulse.silent
        )

    def _mend(self) -> None:
        if self.zygote_pid and not self._alive(self.zygote_pid, self.zygote_fd):
            self._zygote_ended()
        for part in self.parts.values():
            if part.due_at is not None and part.due_at <= time.monotonic() and self._may_start(part):
                self._start(part)
        greet = self.parts["greet"]
        if greet.pid and not self.ready and time.monotonic() - greet.began > READY_WITHIN_S:
            self.failed = f"Not ready after {READY_WITHIN_S:.0f} s; the logs are in {self.street.data}/log."

    def _interrupted(self, *_: object) -> None:
        self.interrupts += 1

    def _start_zygote(self) -> None:
        street = self.street
        ours, theirs = socket.socketpair()
        fds = {"control": theirs.fileno(), "public": street.public.fileno(), "lock": street.lock}
        command = [
            sys.executable,
            "-m",
            "infra.embedded.zygote",
            "--data",
            str(street.data),
            "--street",
            street.module,
        ]
        for name, fd in fds.items():
            command += [f"--{name}", str(fd)]
        with theirs, (street.data / "log" / "zygote.log").open("ab") as log:
            self.zygote = subprocess.Popen(
                command,
                pass_fds=list(fds.values()),
                env=street.environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._attach(ours, self.zygote.pid)

    def _attach(self, control: socket.socket, pid: int) -> None:
        if self.control:
            self.selector.unregister(self.control)
            self.control.close()
        if self.zygote_fd is not None:
            os.close(self.zygote_fd)
        self.control, self.heard, self.loaded = control, b"", False
        self.zygote_pid, self.zygote_fd = pid, _pidfd(pid)
        self.zygote_part.pulse = Pulse(pulse.beaten(self.street.data, "zygote"))
        self.selector.register(control, selectors.EVENT_READ, "zygote")

    def _zygote_ended(self) -> None:
        if not self.loaded and not self.ready:
            self.failed = "The services cannot be loaded:\n" + self._tail("zygote")
            return
        self._say("zygote ended; starting it again")
        self._start_zygote()
        for part in self._staged("broker"):
            if part.pid is None:
                self._start(part)
        self._tell(load=True)
        known = {part.pid for part in self.parts.values()}
        for part in self.parts.values():
            if part.asked and part.stage != "broker":
                part.asked, part.due_at = False, time.monotonic()
        # A fork whose number the zygote could not tell us any more is ours by now; nobody would ever end it.
        for pid in running.descendants(os.getpid()):
            if _parent(pid) == os.getpid() and pid not in known and pid != self.zygote_pid:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        self._write()

    def _tell(self, **what: Any) -> None:
        with suppress(OSError):
            if self.control:
                self.control.sendall(json.dumps(what).encode() + b"\n")

    def _hear(self) -> None:
        chunk = b""
        with suppress(OSError):
            if self.control:
                chunk = self.control.recv(65536)
        if not chunk:
            if self.control:
                self.selector.unregister(self.control)
                self.control.close()
                self.control = None
            return
        *lines, self.heard = (self.heard + chunk).split(b"\n")
        for line in lines:
            told = json.loads(line)
            if "loaded" in told:
                self._loaded(told["children"])
            elif told["started"] in self.parts:
                self._started(self.parts[told["started"]], told["pid"])

    def _staged(self, *stages: str) -> list[Part]:
        return [part for part in self.parts.values() if part.stage in stages]

    def _may_start(self, part: Part) -> bool:
        return part.stage == "broker" or self.loaded

    def _loaded(self, children: dict[str, int]) -> None:
        self.loaded = True
        for name, pid in children.items():
            if name in self.parts and self.parts[name].pid is None:
                self._started(self.parts[name], pid)
        if not self.ready and not self.parts["prepare"].pid and not self._result("prepare"):
            self._start(self.parts["prepare"])
        elif self._result("prepare"):
            self._start_services()

    def _start_services(self) -> None:
        for part in self._staged("broker", "services"):
            if not part.pid and not part.asked:
                self._start(part)
        if not self.ready and not self.parts["greet"].pid:
            self._start(self.parts["greet"])

    def _start(self, part: Part) -> None:
        part.due_at, part.asked = None, True
        self._tell(start=part.name)

    def _started(self, part: Part, pid: int) -> None:
        self._watch(part, pid)
        self._write()

    def _watch(self, part: Part, pid: int) -> None:
        part.pid, part.asked, part.began = pid, False, time.monotonic()
        part.lives += 1
        part.pulse = Pulse(pulse.beaten(self.street.data, part.name))
        part.pidfd = _pidfd(pid)
        if part.pidfd is not None:
            self.selector.register(part.pidfd, selectors.EVENT_READ, part)

    def _ended(self, part: Part) -> None:
        if part.pidfd is not None:
            self.selector.unregister(part.pidfd)
            os.close(part.pidfd)
        part.pid = part.pidfd = None
        if self.ending:
            return
        if part.stage == "once":
            self._did(part)
            return
        stayed = time.monotonic() - part.began >= STAYED_S
        part.falls = 0 if stayed else min(part.falls + 1, len(BACKOFF_S) - 1)
        part.due_at = time.monotonic() + BACKOFF_S[max(0, part.falls - 1)]
        if part.falls < len(BACKOFF_S) - 1:
            self._say(f"{part.name} ended; started again")
        elif part.lives % 10 == 0:
            self._say(f"{part.name} does not stay up; see {self.street.data}/log/{part.name}.log")
        if part.stage == "broker" and part.falls == 3:
            broker.set_aside(self.street.data)
        self._write()

    def _did(self, part: Part) -> None:
        result = self._result(part.name)
        if result is None:
            self.failed = f"{part.name} failed:\n" + self._tail(part.name)
        elif part.name == "prepare":
            self._start_services()
        elif part.name == "greet":
            self.ready, self.greeting = True, result
            self._greet()
        self._write()

    def _result(self, name: str) -> dict[str, Any] | None:
        path = self.street.data / "run" / f"{name}.json"
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None

    def _reap(self) -> None:
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass

    @staticmethod
    def _alive(pid: int, pidfd: int | None) -> bool:
        if pidfd is None:
            return not running_gone(pid)
        with selectors.DefaultSelector() as one:
            one.register(pidfd, selectors.EVENT_READ)
            return not one.select(0)

    def _end(self) -> int:
        """End the services, then the broker, then the zygote, each with a grace; a second Ctrl-C ends all."""
        self.ending = True
        self._say("Ending …")
        for stages in (("services", "once"), ("broker",)):
            parts = self._staged(*stages)
            for part in parts:
                self._signal(part.pid, signal.SIGTERM)
            until = time.monotonic() + GRACE_S
            while any(part.pid for part in parts) and time.monotonic() < until and self.interrupts < 2:
                self._turn(0.1)
            for part in parts:
                for pid in running.descendants(part.pid) if part.pid else []:
                    self._signal(pid, signal.SIGKILL)
                self._signal(part.pid, signal.SIGKILL)
        self._tell(stop=True)
        until = time.monotonic() + 2
        while self.zygote_pid and self._alive(self.zygote_pid, self.zygote_fd) and time.monotonic() < until:
            self._reap()
            time.sleep(0.02)
        self._signal(self.zygote_pid, signal.SIGKILL)
        self._reap()
        self.ready = False
        self._write(ended=True)
        if self.failed:
            sys.stderr.write(self.failed.rstrip() + "\n")
            return 1
        self._say(f"Ended. Your data are in {self.street.data}.")
        return 0

    @staticmethod
    def _signal(pid: int | None, number: signal.Signals) -> None:
        if pid:
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def _write(self, *, ended: bool = False) -> None:
        rows = [] if ended else [("launcher", os.getpid()), ("zygote", self.zygote_pid)]
        rows += [(part.name, part.pid) for part in self.parts.values() if part.pid]
        running.write(
            self.street.data / running.RUN,
            {
                "address": self.street.address,
                "mailbox": self.greeting.get("mailbox"),
                "sign_in": self.greeting.get("sign_in"),
                "ready": self.ready,
                "pid": None if ended else os.getpid(),
                "started_at": self.street.started_at,
                "data": str(self.street.data.resolve()),
                "processes": [
                    {"name": name, "pid": pid, "born": running.born(pid)} for name, pid in rows if pid
                ],
                "greeting": self.greeting,
                "own_broker": self.street.own_broker,
                "sample": self.street.sample,
            },
        )

    def _greet(self) -> None:
        self._say(f"Palabre is ready ({time.monotonic() - self.began:.1f} s).\n")
        for label, key in (("Open", "address"), ("Sign in as organiser", "sign_in"), ("Letters", "mailbox")):
            where = self.street.address + "/" if key == "address" else self.greeting.get(key)
            if where:
                self._say(f"  {label:<22}{where}" + ("   (works once)" if key == "sign_in" else ""))
        self._say(f"\nCtrl-C ends it; your data stay in {self.street.data}.")

    def _tail(self, name: str) -> str:
        with suppress(OSError):
            said = (self.street.data / "log" / f"{name}.log").read_text(encoding="utf-8", errors="replace")
            return "\n".join("  " + line for line in said.splitlines()[-12:])
        return ""

    @staticmethod
    def _say(text: str) -> None:
        with suppress(OSError, ValueError):
            sys.stdout.write(text + "\n")
            sys.stdout.flush()


def rotate(logs: Path) -> None:
    """Begin each start with short logs; the last long one of each is kept beside."""
    for log in logs.glob("*.log"):
        if log.stat().st_size > ROTATE_BYTES:
            log.replace(log.with_suffix(".log.1"))


def running_gone(pid: int) -> bool:
    """Whether a process has ended, where there is no descriptor to wait on."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return sys.platform == "linux" and running.born(pid) is None


def _pidfd(pid: int) -> int | None:
    try:
        return os.pidfd_open(pid) if hasattr(os, "pidfd_open") else None
    except OSError:
        return None


def _parent(pid: int) -> int | None:
    with suppress(OSError):
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        return int(stat.rpartition(")")[2].split()[1])
    return None
