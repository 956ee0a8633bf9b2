"""What the stack costs while nobody comes: processor time and memory, as the engine counts them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from tests.compose.stack import Stack

MB = 1024 * 1024
IMAGE_MB, MEMORY_MB, IDLE_PERCENT, HEALTHY_S = 200, 1229, 3.0, 60.0


@dataclass(frozen=True)
class Rest:
    """Percent of one core, and megabytes, container by container."""

    cpu: dict[str, float]
    memory: dict[str, float]


def at_rest(stack: Stack, *, over_s: float) -> Rest:
    """What each container took over so many seconds in which nobody asked for anything."""
    names = {one: stack.inspect(one)["Name"].removeprefix(f"/{stack.project}-") for one in stack.containers()}
    with _engine(stack.environ) as engine:
        before = {one: _spent(_told(engine, one)) for one in names}
        began = time.monotonic()
        time.sleep(over_s)
        took_s = time.monotonic() - began
        after = {one: _told(engine, one) for one in names}
    cpu = {names[one]: (_spent(told) - before[one]) / 1e9 / took_s * 100 for one, told in after.items()}
    return Rest(cpu, {names[one]: _held(told["memory_stats"]) / MB for one, told in after.items()})


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
