"""python -m tests.faults.soak: minutes of steady load; what grows, by how much an hour, and whether it ends.

Memory is held against a slope: what a process takes more each hour once it is warm. Tables hold what people did, so
they must grow; they are held against what is left once the days have gone by after which the house forgets.
"""

from __future__ import annotations

import argparse
import json
import signal
import statistics
import sys
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import combinations
from pathlib import Path
from typing import Any

import psutil

from services.chassis import prune
from services.chassis.db import Database
from tests.embedded import SERVICES
from tests.faults.rig import CannotHere, Ground, Make, Rig
from tests.faults.rows import DATABASES, Row
from tests.faults.run import run

OUT = Path("var/faults-soak.json")
MIB = 1024 * 1024
# A process may take so much more each hour; a leak of one kilobyte a fact would take three times that.
MEMORY_MIB_H = 24.0
# What is left out at the beginning: imports at first use, caches that fill, pages that are no longer shared.
WARM = 1 / 3
LOOK_S, COUNT_S = 5.0, 15.0
WAVE_FACTS, WAVE_S, HANDS = 240, 12.0, 3
# What is under way, which is nothing once nobody asks for anything; and what the house forgets by and by.
UNDER_WAY = ("parked", "ack_out", "delivery where acked_at is null")
FORGOTTEN = ("inbox", "delivery", "outbox")
KEPT = ("told", "seen", "once")
SOME_DAYS = timedelta(days=15)


@dataclass
class Line:
    """What was seen of one thing: (seconds, number) each time."""

    seen: list[tuple[float, float]] = field(default_factory=list)

    def slope_h(self) -> float:
        """Growth an hour once warm: the median of the slopes between any two looks, which no single leap moves."""
        warm = [one for one in self.seen if one[0] >= WARM * self.seen[-1][0]] if self.seen else []
        slopes = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in combinations(warm, 2) if b[0] > a[0]]
        return statistics.median(slopes) * 3600 if slopes else 0.0


class Watch:
    """Looks at everything from a thread of its own until it is told to stop."""

    def __init__(self, rig: Rig) -> None:
        self.rig, self.began = rig, time.monotonic()
        self.memory: dict[str, Line] = {}
        self.tables: dict[str, Line] = {}
        self.restarted: set[str] = set()
        self._born: dict[str, int] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(COUNT_S)

    def _run(self) -> None:
        count_at = 0.0
        while not self._stop.wait(LOOK_S):
            self._weigh()
            if time.monotonic() >= count_at:
                count_at = time.monotonic() + COUNT_S
                self._count()

    def _weigh(self) -> None:
        broker = {"broker": self.rig.broker.pid} if self.rig.broker is not None else {}
        for name, pid in {**self.rig.pids(), **broker}.items():
            with suppress(psutil.Error):
                pss = psutil.Process(pid).memory_full_info().pss
                if self._born.setdefault(name, pid) != pid:
                    self.restarted.add(name)
                self._note(self.memory, name, pss / MIB)

    def _count(self) -> None:
        for service in SERVICES:
            for table in (*UNDER_WAY, *FORGOTTEN, *KEPT):
                self._note(self.tables, f"{service} {table}", _rows(self.rig, service, table))
            self._note(self.tables, f"{service} MiB", _bytes(self.rig, service) / MIB)

    def _note(self, among: dict[str, Line], name: str, number: float) -> None:
        among.setdefault(name, Line()).seen.append((time.monotonic() - self.began, number))


def _rows(rig: Rig, service: str, table: str) -> int:
    return rig.count(service, f"select count(*) from {table}")  # noqa: S608 names of this file


def _bytes(rig: Rig, service: str) -> int:
    if rig.is_sqlite:
        pages = "select page_count * page_size from pragma_page_count(), pragma_page_size()"
        return rig.count(service, pages)
    return rig.count(service, "select pg_database_size(current_database())")


def soak(rig: Rig, minutes: float) -> dict[str, Any]:
    """Wave after wave at a steady pace; every wave is held against what it was promised."""
    facts, waves, broken, behind = 0, 0, [], 0
    ends = time.monotonic() + 60 * minutes
    with Watch(rig) as watch:
        while (began := time.monotonic()) < ends:
            told = run(rig, Row("nothing", "nothing", times=0), facts=WAVE_FACTS, hands=HANDS)
            facts, waves = facts + told["facts"], waves + 1
            broken += told["broken"]
            rest = WAVE_S - (time.monotonic() - began)
            behind += rest < 0
            time.sleep(max(0.0, rest))
        seconds = time.monotonic() - watch.began
    under_way = rig.under_way()
    return {
        "database": rig.make.database,
        "minutes": round(seconds / 60, 1),
        "facts": facts,
        "facts_s": round(facts / seconds, 1),
        "waves": waves,
        "waves_late": behind,
        "memory": {name: _memory(line) for name, line in sorted(watch.memory.items())},
        "restarted": sorted(watch.restarted),
        "tables": {name: _table(line, facts) for name, line in sorted(watch.tables.items())},
        "under_way": under_way,
        "left": _forget(rig),
        "broken": broken,
    }


def _memory(line: Line) -> dict[str, float]:
    sizes = [size for _, size in line.seen]
    return {
        "first_mib": round(sizes[0], 1),
        "last_mib": round(sizes[-1], 1),
        "most_mib": round(max(sizes), 1),
        "slope_mib_h": round(line.slope_h(), 1),
    }


def _table(line: Line, facts: int) -> dict[str, float]:
    sizes = [size for _, size in line.seen]
    return {
        "first": round(sizes[0], 1),
        "last": round(sizes[-1], 1),
        "most": round(max(sizes), 1),
        "slope_h": round(line.slope_h(), 1),
        "per_1000_facts": round(1000 * (sizes[-1] - sizes[0]) / facts, 2) if facts else 0.0,
    }


def _forget(rig: Rig) -> dict[str, dict[str, int]]:
    """Keep house in each service as if some days had gone by, and count what is left, and what is the least."""
    later, left = datetime.now(UTC) + SOME_DAYS, {}
    for service in SERVICES:
        events = _events(service)
        before = -1
        database = Database(rig.engines[service].url.render_as_string(hide_password=False), service)
        while (now := _rows(rig, service, "outbox") + _rows(rig, service, "inbox")) != before:
            before = now
            with database.transaction() as session:
                prune.prune(session, later, events)
        database.dispose()
        # One of each type of each subject stays, so that it can be told again; nothing of what was heard.
        newest = rig.count(
            service, "select count(*) from (select distinct subject, type from outbox) as newest"
        )
        left[service] = {
            **{table: _rows(rig, service, table) for table in FORGOTTEN},
            "least_outbox": newest,
        }
    return left


def _events(service: str) -> Any:
    from importlib import import_module  # noqa: PLC0415

    return import_module(f"services.{service}.app").service.events


def verdict(told: dict[str, Any]) -> list[str]:
    """What is wrong with these figures, a line each; nothing when all is bounded."""
    wrong = list(told["broken"])
    for name, size in told["memory"].items():
        if size["slope_mib_h"] > MEMORY_MIB_H:
            wrong.append(f"{name} takes {size['slope_mib_h']:.0f} MiB more each hour, not {MEMORY_MIB_H:g}")
    wrong += [f"{name} was started anew, so its memory says nothing" for name in told["restarted"]]
    wrong += [f"{many} {what} in the end" for what, many in told["under_way"].items() if what != "letters"]
    for service, left in told["left"].items():
        if left["outbox"] > left["least_outbox"]:
            wrong.append(f"{service} keeps {left['outbox']} facts it told, not {left['least_outbox']}")
        if left["inbox"]:
            wrong.append(f"{service} keeps {left['inbox']} facts it heard")
    return wrong


def _say(told: dict[str, Any]) -> None:
    print(
        f"{told['database']}: {told['minutes']} minutes, {told['facts']:,} facts at {told['facts_s']} a second,"
        f" {told['waves']} waves ({told['waves_late']} behind time)"
    )
    print(f"  {'memory (PSS), MiB':<44} {'first':>9} {'last':>9} {'most':>9} {'an hour':>10}")
    for name, size in told["memory"].items():
        print(
            f"  {name:<44} {size['first_mib']:>9} {size['last_mib']:>9} {size['most_mib']:>9}"
            f" {size['slope_mib_h']:>+10}"
        )
    print(f"  {'rows':<44} {'first':>9} {'last':>9} {'most':>9} {'an hour':>10} {'in 1000 facts':>14}")
    for name, size in told["tables"].items():
        if size["most"]:
            print(
                f"  {name:<44} {size['first']:>9} {size['last']:>9} {size['most']:>9} {size['slope_h']:>+10.0f}"
                f" {size['per_1000_facts']:>14}"
            )
    for service, left in told["left"].items():
        print(
            f"  {service}, {SOME_DAYS.days} days later: outbox {left['outbox']}"
            f" (the least: {left['least_outbox']}), delivery {left['delivery']}, inbox {left['inbox']}"
        )


def main() -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    options = argparse.ArgumentParser(prog="python -m tests.faults.soak", description=__doc__)
    options.add_argument("--minutes", type=float, default=9)
    options.add_argument("--database", default="sqlite", choices=DATABASES)
    options.add_argument("--data", type=Path, help="keep the platform's data and logs in this folder")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="palabre-soak-") as folder:
        ground = Ground((chosen.data or Path(folder)).resolve())
        ground.folder.mkdir(parents=True, exist_ok=True)
        try:
            with Rig(ground, Make(chosen.database, "memory")) as rig:
                told = soak(rig, chosen.minutes)
        except CannotHere as why:
            print(f"not made here: {why}")
            return 0
        finally:
            ground.close()
    wrong = verdict(told)
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps({**told, "wrong": wrong}, indent=1) + "\n", encoding="utf-8")
    _say(told)
    for line in wrong:
        print(f"  BROKEN {line}")
    print(
        f"soak: {'BOUNDED' if not wrong else f'NOT BOUNDED, {len(wrong)} broken'}"
        f" (at most {MEMORY_MIB_H:g} MiB an hour in each process, nothing under way in the end,"
        " nothing kept that is to be forgotten)"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
