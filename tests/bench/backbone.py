"""How facts travel: each figure beside what the same servers do by hand in the same run, held against its bar.

Writes var/bench-backbone.json. The figures at its top are those of PostgreSQL, which servers run on; every
figure of each database stands under its name.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.day.board import Board, table
from tests.bench import hops, rates, rebuild, servers, whole
from tests.bench.hand import Place

OUT = Path("var/bench-backbone.json")
A_SECOND = 50
FACTS = 800
PEOPLE = 100_000
BUSY = 0.8
FIRST, SECOND = "postgresql", "sqlite"


@dataclass(frozen=True)
class Bar:
    """What one figure must be: at least so much of its ceiling, or at most so much."""

    says: str
    found: float
    ceiling: float | None = None
    at_least: float | None = None
    at_most: float | None = None

    @property
    def ratio(self) -> float:
        if self.ceiling is not None:
            return self.found / self.ceiling
        return self.found

    @property
    def passes(self) -> bool:
        return (self.at_least is None or self.ratio >= self.at_least) and (
            self.at_most is None or self.ratio <= self.at_most
        )

    def row(self) -> tuple[str, ...]:
        bar = f"≥ {self.at_least:g}" if self.at_least is not None else f"≤ {self.at_most:g}"
        ceiling = "" if self.ceiling is None else f"{self.ceiling:,.0f}"
        found = f"{self.found:,.0f}" if self.ceiling is not None else f"{self.found:.2f}"
        return self.says, found, ceiling, f"{self.ratio:.2f}", bar, "pass" if self.passes else "short"


def measure(place: Place, facts: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Every figure of one database."""
    place.make()
    told: dict[str, Any] = {}
    for step in (rates.relayed, rates.heard, rates.posted, rates.saved):
        say(f"{place.name}: {step.__name__}")
        told |= {name: round(value, 1) for name, value in step(place).items()}
    say(f"{place.name}: raw hop")
    told["raw_hop_ms"] = hops.raw_hop(place, facts // 2, A_SECOND)
    say(f"{place.name}: commit to effect")
    with hops.pair(place) as pair:
        told["latency_ms"] = hops.latency(pair, facts, A_SECOND)
        told["capacity_per_s"] = round(hops.capacity(pair, 2 * facts), 1)
        busy = BUSY * told["capacity_per_s"]
        told["busy_ms"] = hops.latency(pair, int(5 * busy), busy)
    return told


def bars(name: str, told: dict[str, Any]) -> list[Bar]:
    """The bars of one database."""
    times = {"postgresql": 0.8, "sqlite": 2.0}[name]
    latency, busy = told["latency_ms"], told["busy_ms"]
    return [
        Bar(
            "relay, facts a second, of pipelined LPUSH",
            told["relay_per_s"],
            told["lpush_pipelined_per_s"],
            0.25,
        ),
        Bar("heard a second, of raw transactions", told["consumer_per_s"], told["raw_tx_per_s"], 0.5),
        Bar("POST a second, of raw transactions", told["post_per_s"], told["post_raw_tx_per_s"], times),
        Bar("saved a second without HTTP, of raw", told["saved_per_s"], told["saved_raw_tx_per_s"], times),
        Bar("commit to effect at 50/s, p50 ms", latency["p50"], at_most=10),
        Bar("commit to effect at 50/s, p99 ms", latency["p99"], at_most=25),
        Bar("p99 ms at 80 % of capacity", busy["p99"], at_most=100),
        Bar("sendings a fact", max(latency["amplification"], busy["amplification"]), at_most=1.05),
        Bar("facts lost", latency["lost"] + busy["lost"], at_most=0),
    ]


def street_bars(told: dict[str, float], again_s: float) -> list[Bar]:
    """The bars of the street as a whole."""
    return [
        Bar("warm start, s", told["start_s"], at_most=3),
        Bar("memory of the street, MB PSS", told["pss_mb"], at_most=350),
        Bar("idle, % of a core, the busiest process", told["idle_cpu_percent_most"], at_most=1),
        Bar("idle, % of a core, all processes", told["idle_cpu_percent"], at_most=1),
        Bar("100,000 people told again, s", again_s, at_most=60),
    ]


def main() -> None:
    facts = int(sys.argv[1]) if len(sys.argv) > 1 else FACTS
    board = Board()
    folder = Path(tempfile.mkdtemp(prefix="palabre-bench-"))
    figures: dict[str, Any] = {}
    try:
        with servers.broker(folder) as broker:
            with servers.postgres("registration", "grouping", "raw") as url:
                figures[FIRST] = measure(Place(FIRST, url, broker, folder), facts, board.say)
            own = f"sqlite:///{folder}/{{service}}.db"
            figures[SECOND] = measure(Place(SECOND, own, broker, folder), facts, board.say)
        board.say("the embedded street at rest")
        rest = whole.at_rest(folder)
        board.say(f"{PEOPLE:,} people told again")
        with servers.broker(folder) as broker:
            own = f"sqlite:///{folder}/again.{{service}}.db"
            again_s = round(rebuild.rebuilt(Place(SECOND, own, broker, folder), PEOPLE), 1)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    found = {name: bars(name, figures[name]) for name in (FIRST, SECOND)} | {
        "street": street_bars(rest, again_s)
    }
    for name, ones in found.items():
        board.say("\n" + table([bar.row() for bar in ones], (name, "found", "by hand", "ratio", "bar", "")))
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(_report(figures, rest, again_s, found), indent=1) + "\n", encoding="utf-8")


def _report(
    figures: dict[str, Any], rest: dict[str, float], again_s: float, found: dict[str, list[Bar]]
) -> dict[str, Any]:
    first = figures[FIRST]
    quantiles = ("p50", "p99")
    return {
        "latency_ms": {name: first["latency_ms"][name] for name in quantiles},
        "raw_hop_ms": {name: first["raw_hop_ms"][name] for name in quantiles},
        **{
            name: first[name]
            for name in ("relay_per_s", "lpush_pipelined_per_s", "consumer_per_s", "raw_tx_per_s")
        },
        "amplification": first["latency_ms"]["amplification"],
        "rebuild_100k_s": again_s,
        "start_s": rest["start_s"],
        "pss_mb": rest["pss_mb"],
        "databases": figures,
        "street": rest,
        "load1": round(os.getloadavg()[0], 2),
        "bars": {
            name: {bar.says: {"ratio": round(bar.ratio, 3), "pass": bar.passes} for bar in ones}
            for name, ones in found.items()
        },
    }


if __name__ == "__main__":
    main()
