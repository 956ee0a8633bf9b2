"""What the stack costs while nobody comes: processor time and memory, as the engine counts them."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from tests.compose.stack import Stack

MB = 1024 * 1024
MEMORY_MB, IDLE_PERCENT, HEALTHY_S = 1229, 3.0, 60.0
# 200 where the base allows; infra/decisions/0037 weighs the two that print.
IMAGE_MB = {"registration": 225, "grouping": 255, "feedback": 200, "notifications": 200}
# So long, so often at most: what is measured while something else ends is too much, never too little.
REST_S, RESTS = 30.0, 4
# Percent of one core that others may use while a machine still tells how long we take and what we cost.
QUIET_PERCENT = 25.0


@dataclass(frozen=True)
class Rest:
    """Percent of one core, and megabytes, container by container; `others` is what the rest of the machine used."""

    cpu: dict[str, float]
    memory: dict[str, float]
    others: float

    def broken(self) -> list[str]:
        """The bars that were missed; what is too much on a machine that others use is not held against us."""
        cpu, memory = sum(self.cpu.values()), sum(self.memory.values())
        found = [f"at rest: {memory:.0f} MB of memory (bar {MEMORY_MB})"] if memory > MEMORY_MB else []
        if cpu > IDLE_PERCENT and self.others <= QUIET_PERCENT:
            found.append(f"at rest: {cpu:.1f} % of a core (bar {IDLE_PERCENT:.0f})")
        return found


def too_late(healthy_s: float, others: float) -> list[str]:
    """Whether it took too long until all were healthy; `others` as for `Rest`."""
    if healthy_s <= HEALTHY_S or others > QUIET_PERCENT:
        return []
    return [f"up: healthy after {healthy_s:.0f} s (bar {HEALTHY_S:.0f})"]


def too_large(sizes: Mapping[str, float]) -> list[str]:
    """The images that are larger than they may be, in one line each."""
    return [
        f"image: {name} has {mb:.0f} MB (bar {IMAGE_MB[name]})"
        for name, mb in sizes.items()
        if mb > IMAGE_MB[name]
    ]


def quiet(others: float) -> str:
    """How much others used, and whether that lets this machine judge us."""
    return f"others use {others:.0f} % of a core" + (
        "" if others <= QUIET_PERCENT else ", so this machine cannot judge our time"
    )


def used(over_s: float = 2.0) -> float:
    """Percent of one core that the whole machine uses."""
    busy, began = _busy_s(), time.monotonic()
    time.sleep(over_s)
    return (_busy_s() - busy) / (time.monotonic() - began) * 100


def _busy_s() -> float:
    """Seconds that all cores have worked since the machine started."""
    with open("/proc/stat", encoding="ascii") as told:
        user, nice, system, _idle, _waiting, irq, softirq = map(int, told.readline().split()[1:8])
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")


def at_rest(stack: Stack) -> Rest:
    """The quietest of a few looks: the first that misses no bar, else the one with the least processor time."""
    looks: list[Rest] = []
    while len(looks) < RESTS and (not looks or looks[-1].broken() or looks[-1].others > QUIET_PERCENT):
        looks.append(_look(stack, over_s=REST_S))
    return min(looks, key=lambda rest: sum(rest.cpu.values()))


def _look(stack: Stack, *, over_s: float) -> Rest:
    """What each container took over so many seconds in which nobody asked for anything."""
    names = {one: stack.inspect(one)["Name"].removeprefix(f"/{stack.project}-") for one in stack.containers()}
    with _engine(stack.environ) as engine:
        before = {one: _spent(_told(engine, one)) for one in names}
        whole = used(over_s)
        after = {one: _told(engine, one) for one in names}
    cpu = {names[one]: (_spent(told) - before[one]) / 1e9 / over_s * 100 for one, told in after.items()}
    memory = {names[one]: _held(told["memory_stats"]) / MB for one, told in after.items()}
    return Rest(cpu, memory, max(0.0, whole - sum(cpu.values())))


def image_mb(stack: Stack, name: str) -> float:
    return int(stack.docker("image", "inspect", "--format", "{{.Size}}", name)) / 1e6


def _engine(environ: Mapping[str, str]) -> httpx.Client:
    socket = environ.get("DOCKER_HOST", "unix:///var/run/docker.sock").removeprefix("unix://")
    return httpx.Client(transport=httpx.HTTPTransport(uds=socket), base_url="http://engine", timeout=30)


def _told(engine: httpx.Client, container: str) -> dict[str, Any]:
    told: dict[str, Any] = engine.get(
        f"/containers/{container}/stats", params={"stream": "false", "one-shot": "true"}
    ).json()
    return told


def _spent(told: Mapping[str, Any]) -> int:
    return int(told["cpu_stats"]["cpu_usage"]["total_usage"])


def _held(memory: Mapping[str, Any]) -> int:
    """As `docker stats` counts: without the files it has read and could forget."""
    files = memory["stats"].get("total_inactive_file", memory["stats"].get("inactive_file", 0))
    return int(memory["usage"]) - int(files)
