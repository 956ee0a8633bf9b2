"""The embedded street at rest: how soon it is there, how much memory it takes, and what it does when nobody comes."""

from __future__ import annotations

import time
from pathlib import Path

import psutil

from infra.day import street

IDLE_S = 20.0
SETTLE_S = 6.0
STARTS = 2


def at_rest(folder: Path) -> dict[str, float]:
    """Seconds of the quickest warm start, MB of proportional memory, and percent of one core while idle."""
    data = folder / "street"
    with street.started(data):
        pass  # the first start makes keys and databases
    starts = []
    for _ in range(STARTS - 1):
        with street.started(data) as warm:
            starts.append(warm.seconds)
    with street.started(data) as warm:
        starts.append(warm.seconds)
        pids = [row["pid"] for row in street.of(data)["processes"]]
        time.sleep(SETTLE_S)
        before, began = _cpu_s(pids), time.monotonic()
        time.sleep(IDLE_S)
        after, took = _cpu_s(pids), time.monotonic() - began
        used = {pid: 100 * (after[pid] - before[pid]) / took for pid in pids}
        names = {row["pid"]: row["name"] for row in street.of(data)["processes"]}
        return {
            "start_s": round(min(starts), 2),
            "pss_mb": round(sum(psutil.Process(pid).memory_full_info().pss for pid in pids) / 1e6, 1),
            "idle_cpu_percent": round(sum(used.values()), 2),
            "idle_cpu_percent_most": round(max(used.values()), 2),
            **{f"idle {names[pid]}": round(share, 2) for pid, share in used.items() if share >= 0.05},
        }


def _cpu_s(pids: list[int]) -> dict[int, float]:
    return {pid: sum(psutil.Process(pid).cpu_times()[:2]) for pid in pids}
