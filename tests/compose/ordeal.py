"""What befalls the containers while the day is played: which, in which of its steps. Every container dies once."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from infra.day.board import Step
from tests.compose.saved import Saved
from tests.compose.stack import Broken, Stack

BACK_WITHIN_S = 60.0
PAUSE_S, CUT_S = 5.0, 8.0


@dataclass(frozen=True)
class Blow:
    """One thing that is done to a service's containers in one step of the day."""

    step: str
    deed: str
    service: str
    network: str = ""

    def __str__(self) -> str:
        return f"{self.deed} {self.service}" + (f" from {self.network}" if self.network else "")


KILLS = (
    *(Blow("Import", "kill", name) for name in ("registration-worker", "registration-relay")),
    *(Blow("Invitations", "kill", name) for name in ("notifications-worker", "notifications-mail")),
    *(Blow("Forms", "kill", name) for name in ("registration", "broker", "notifications-relay")),
    *(Blow("Addresses", "kill", name) for name in ("postgres", "notifications")),
    Blow("Wishes", "kill", "gateway"),
    *(Blow("Angles", "kill", name) for name in ("grouping", "grouping-worker", "grouping-relay")),
    *(Blow("Questionnaire", "kill", name) for name in ("feedback", "feedback-worker", "feedback-relay")),
)
OTHERS = (
    Blow("Stories and topics", "scale", "registration-worker"),
    Blow("Late cancels", "save", "postgres"),
    Blow("Wishes", "pause", "notifications-relay"),
    Blow("Check-in", "cut", "registration-worker", "queue"),
    Blow("Check-in", "cut", "grouping-worker", "grouping-data"),
)
ALL = (*KILLS, *OTHERS)


@dataclass
class Ordeal:
    """Give `watch` to the board of a day. Blows fall one after the other, begun when their step is half done."""

    stack: Stack
    saved: Saved
    blows: tuple[Blow, ...] = ALL
    done: list[tuple[Blow, float]] = field(default_factory=list)
    trouble: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._waiting = list(self.blows)
        self._lock, self._one = threading.Lock(), threading.Lock()
        self._threads: list[threading.Thread] = []

    def watch(self, step: Step) -> None:
        with self._lock:
            if step.wanted and step.done < step.wanted // 2:
                return
            mine = [blow for blow in self._waiting if blow.step == step.name]
            if not mine:
                return
            self._waiting = [blow for blow in self._waiting if blow.step != step.name]
            thread = threading.Thread(target=self._fall, args=(mine,), name=step.name)
            self._threads.append(thread)
        thread.start()

    def join(self) -> list[str]:
        """Wait for what was begun; what was not done, and why."""
        for thread in self._threads:
            thread.join()
        return [*self.trouble, *(f"{blow}: its step never came" for blow in self._waiting)]

    def _fall(self, blows: list[Blow]) -> None:
        deeds: dict[str, Callable[[Blow], None]] = {
            "kill": self._kill, "pause": self._pause, "cut": self._cut, "scale": self._scale,
            "save": self._save,
        }  # fmt: skip
        with self._one:
            for blow in blows:
                began = time.monotonic()
                try:
                    deeds[blow.deed](blow)
                    self.done.append((blow, time.monotonic() - began))
                except (Broken, OSError) as trouble:
                    self.trouble.append(f"{blow}: {trouble}")

    def _kill(self, blow: Blow) -> None:
        """Its first process dies, and with it all the others; the engine starts it again."""
        container = self.stack.containers(blow.service)[0]
        state = self.stack.inspect(container)["State"]
        try:
            os.kill(state["Pid"], signal.SIGKILL)
        except (PermissionError, ProcessLookupError):
            # Not ours to kill: ask the engine, which then takes it for wanted and starts nothing by itself.
            self.stack.docker("kill", container)
            self.stack.docker("start", container)
        give_up = time.monotonic() + BACK_WITHIN_S
        while time.monotonic() < give_up:
            now = self.stack.inspect(container)["State"]
            if now["Running"] and now["StartedAt"] != state["StartedAt"]:
                return
            time.sleep(0.1)
        raise Broken(f"did not come back within {BACK_WITHIN_S:.0f} s")

    def _pause(self, blow: Blow) -> None:
        container = self.stack.containers(blow.service)[0]
        self.stack.docker("pause", container)
        time.sleep(PAUSE_S)
        self.stack.docker("unpause", container)

    def _cut(self, blow: Blow) -> None:
        container = self.stack.containers(blow.service)[0]
        network = f"{self.stack.project}_{blow.network}"
        self.stack.docker("network", "disconnect", network, container)
        time.sleep(CUT_S)
        with suppress(Broken):  # a restart meanwhile connected it again
            self.stack.docker("network", "connect", "--alias", blow.service, network, container)

    def _scale(self, blow: Blow) -> None:
        self.stack.scale(3)

    def _save(self, blow: Blow) -> None:
        self.saved.save()
