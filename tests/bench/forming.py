"""python -m tests.bench.forming: the engine's bars, measured. Prints a table and writes var/bench-forming.json.

The public instances are read from PALABRE_GROUPING_DATA (or the first argument), ../shared/data/grouping when it is
there; what is missing is left out and said. Peers are measured in the same run where they are installed.
"""

from __future__ import annotations

import csv
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from services.grouping.forming import (
    distances,
    formation,
    golfers,
    instances,
    kernel,
    moves,
    programs,
    proofs,
    seating,
)
from services.grouping.questions import REBALANCE, REBALANCE_S
from tests.bench import asks, peers

OUT = Path("var/bench-forming.json")
SEEDS = range(1, 6)
FULL_S = {120: 3.0, 240: 20.0, 480: 120.0}
"""The seconds of the published runs, by people."""
CLOSE = 1e-9
"""Published sums are rounded to six decimals."""
ROUNDS = (
    ((5, 3, 7), 0, 0.2),
    ((8, 4, 8), 0, 1.0),
    ((8, 4, 9), 0, 1.0),
    ((8, 4, 10), 0, 1.0),
    ((12, 11, 4), 2, 1.0),
    ((6, 3, 8), 0, 0.2),
    ((6, 4, 7), 0, 0.2),
    ((6, 5, 6), 0, 0.2),
    ((7, 3, 10), 0, 0.2),
    ((7, 4, 9), 0, 0.2),
    ((9, 4, 11), 0, 0.2),
    ((10, 3, 14), 0, 0.2),
    ((10, 4, 13), 0, 0.2),
    ((10, 9, 5), 0, 0.2),
    ((10, 10, 4), 0, 0.2),
    ((20, 5, 12), 0, 1.0),
)
DAY_COST = {"seed132": -254}
EVENTS = 40
ASKS = 200
POLICIES: tuple[moves.Policy, ...] = ("sizes", "balance")


@dataclass(frozen=True)
class Row:
    bar: str
    what: str
    figure: str
    asked: str
    passes: bool | None
    """None: nothing to compare with."""


def main() -> None:
    data = Path(
        sys.argv[1] if len(sys.argv) > 1 else os.environ.get("PALABRE_GROUPING_DATA", "../shared/data/grouping")
    )
    print(f"kernel: {kernel.BACKEND}; data: {data if data.exists() else 'none here, made up for this run'}")
    rows = []
    for row in _all(data):
        rows.append(row)
        word = {True: "pass", False: "SHORT", None: "-"}[row.passes]
        print(f"{row.bar}  {row.what:<34} {row.figure:<44} {row.asked:<34} {word}", flush=True)
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(
        json.dumps({"kernel": kernel.BACKEND, "rows": [asdict(row) for row in rows]}, indent=1) + "\n"
    )
    if not peers.HAS_CP_SAT:
        print("peer CP-SAT: ortools is not installed, skipped")
    if not peers.ANTI_CLUSTERING:
        print("peer anti-clustering: not installed here; PALABRE_PEER_PYTHON may name a Python that has it")


def _all(data: Path) -> Iterator[Row]:
    """Every bar, or those of PALABRE_BENCH_BARS (as in "E4,E5")."""
    bars = {
        "E1": lambda: _outsiders(data),
        "E2": lambda: _day(data),
        "E3": lambda: _scale(data),
        "E4": lambda: _live(data),
        "E5": _rounds,
        "E6": _bytes,
    }
    for bar in os.environ.get("PALABRE_BENCH_BARS", ",".join(bars)).split(","):
        yield from bars[bar]()


def _outsiders(data: Path) -> Iterator[Row]:
    """Every file at a tenth of the published time, and at all of it where PALABRE_BENCH_FULL asks for that."""
    known = data / "mdgplib_best_known.csv"
    if not known.exists():
        return
    with known.open() as lines:
        published = {row["instance"]: row for row in csv.DictReader(lines)}
    limit = int(os.environ.get("PALABRE_BENCH_LARGEST", "240"))
    places = [place for place in sorted((data / "mdgplib").glob("*.gz")) if _people(place) <= limit]
    yield from _at_a_tenth(places, published)
    yield from _anti_clustering(places, published)
    if os.environ.get("PALABRE_BENCH_FULL"):
        yield from _at_full_time(places, published)


def _anti_clustering(places: list[Path], published: dict[str, dict[str, str]]) -> Iterator[Row]:
    """The peer that pip installs, on the first of each kind of 120 people in equal groups."""
    for place in places if peers.ANTI_CLUSTERING else []:
        name = place.name.removesuffix(".txt.gz")
        if name.endswith("n120_ss_01"):
            asked, mean = distances.load(place), float(published[name]["mean_of_20"])
            began = time.perf_counter()
            theirs = peers.anti_clustering(asked)
            took = time.perf_counter() - began
            ours = distances.spread(asked, seconds=0.1 * FULL_S[120]).objective
            told = "nothing" if theirs is None else f"{100 * (theirs / mean - 1):+.4f} %"
            figure = f"{told} in {took:.1f} s, ours {100 * (ours / mean - 1):+.4f} %"
            passes = theirs is None or ours >= theirs
            yield Row("E1", f"{name}: anti-clustering", figure, "ours above, 0.3 s", passes)


def _people(place: Path) -> int:
    return int(place.name.split("_n")[1][:3])


def _spread(place: Path, share: float, published: dict[str, str]) -> tuple[float, float]:
    """In percent: the mean of the seeds over the published mean, and their best over the published best."""
    asked = distances.load(place)
    found = [distances.spread(asked, seconds=share * FULL_S[_people(place)], seed=s).objective for s in SEEDS]
    mean, best = float(published["mean_of_20"]), float(published["best_of_20"])
    return 100 * (statistics.mean(found) / mean - 1), 100 * (max(found) / best - 1)


def _at_a_tenth(places: list[Path], published: dict[str, dict[str, str]]) -> Iterator[Row]:
    reached: list[bool] = []
    geo: list[bool] = []
    for place in places:
        name = place.name.removesuffix(".txt.gz")
        mean, best = _spread(place, 0.1, published[name])
        reached.append(mean >= -CLOSE)
        geo += [best > 0] if name.startswith("Geo") else []
        asked = f">= published mean, {0.1 * FULL_S[_people(place)]:.1f} s"
        yield Row("E1", name, f"mean {mean:+.4f} %, best {best:+.4f} %", asked, reached[-1])
    share, said = sum(reached) / max(1, len(reached)), f"{sum(reached)} of {len(reached)}"
    yield Row("E1", "files at a tenth of the time", said, ">= 90 %", share >= 0.9)
    said = f"{sum(geo)} of {len(geo)}"
    yield Row("E1", "Geo above the published best", said, "all, at a tenth of the time", all(geo))


def _at_full_time(places: list[Path], published: dict[str, dict[str, str]]) -> Iterator[Row]:
    bests = []
    for place in places:
        name = place.name.removesuffix(".txt.gz")
        mean, best = _spread(place, 1.0, published[name])
        bests.append(best)
        asked = f">= published best, {FULL_S[_people(place)]:.0f} s"
        yield Row("E1", name, f"mean {mean:+.4f} %, best {best:+.4f} %", asked, best >= -100 * CLOSE)
    reached, worst = sum(best >= -100 * CLOSE for best in bests), min(bests, default=0.0)
    fits = reached >= 0.95 * len(bests) and worst >= -0.02
    said = f"{reached} of {len(bests)}, {worst:+.4f} % at worst"
    yield Row("E1", "files at full time", said, ">= 95 %, none below -0.02 %", fits)


def _days(data: Path) -> dict[str, dict[str, Any]]:
    found = {place.stem: instances.load(place) for place in sorted((data / "gatherings").glob("*.json"))}
    return found or {"made132": _made(132, 12, 8, 5), "day1k": _made(1000, 90, 18, 8)}


def _day(data: Path) -> Iterator[Row]:
    for name, fields in _days(data).items():
        instance = instances.read(fields)
        if instance.n > 200:
            continue
        first = [formation.form(instance, seconds=0, seed=seed) for seed in SEEDS]
        ms = 1000 * statistics.median(answer.seconds for answer in first)
        clean = all(not any(a.figures.gap) and not a.figures.broken for a in first)
        yield Row("E2", f"{name}: rules kept, no gap", f"{ms:.1f} ms", "<= 10 ms", clean and ms <= 10)
        later = [formation.form(instance, seconds=2, seed=seed) for seed in SEEDS]
        costs = [answer.figures.cost for answer in later]
        wanted = DAY_COST.get(name)
        figure = f"{min(costs)} best, {statistics.mean(costs):.1f} mean, bound {later[0].bound}"
        passes = None if wanted is None else statistics.median(costs) <= wanted
        yield Row("E2", f"{name}: cost in 2 s", figure, f"<= {wanted}" if wanted else "-", passes)
        if peers.HAS_CP_SAT:
            wait = float(os.environ.get("PALABRE_BENCH_PEER_S", "10"))
            theirs, bound = peers.cp_sat(instance, wait)
            figure = f"{theirs if theirs is not None else 'nothing'}, bound {bound}"
            within = theirs is None or statistics.median(costs) <= theirs + 0.03 * abs(theirs)
            yield Row("E2", f"{name}: CP-SAT, {wait:.0f} s", figure, "ours <= 3 % worse", within)


def _scale(data: Path) -> Iterator[Row]:
    sizes = (("day1k", 1000, 90, 0.1), ("day10k", 10_000, 900, 1.0), ("day100k", 100_000, 9000, 10.0))
    with tempfile.TemporaryDirectory() as folder:
        generator = data / "generate_gatherings.py"
        if generator.exists():
            subprocess.run([sys.executable, str(generator), folder, "--big"], check=True, capture_output=True)
        for name, n, groups, limit in sizes:
            places = sorted(Path(folder).glob(f"{name}.*"))
            fields = instances.load(places[0]) if places else _made(n, groups, 40, 12)
            answer = formation.form(instances.read(fields), seconds=0)
            clean = not any(answer.figures.gap) and not answer.figures.broken
            most_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
            figure = f"{answer.seconds:.3f} s, gap {sum(answer.figures.gap)}, {most_mb} MB"
            fits = clean and answer.seconds <= limit and most_mb <= 500
            yield Row("E3", f"{n} people, no gap", figure, f"<= {limit} s, 500 MB", fits)


def _live(data: Path) -> Iterator[Row]:
    """Re-balancing on the reference days: moves against the exact minimum where CP-SAT is here, else the bound."""
    for name, fields in _days(data).items():
        small = int(fields["n"]) <= 200
        if name.startswith("tight"):
            continue
        plan = formation.form(instances.read(fields), seconds=0.5 if small else 1.0).groups
        today = instances.read(fields, absent=True)
        wait, share = (0.09, 1.0) if small else (1.0, 1.15)
        for policy in POLICIES:
            found = [moves.rebalance(today, plan, policy=policy, seconds=wait, seed=seed) for seed in SEEDS]
            least, source = _least(today, plan, policy, found[0])
            gaps = [sum(answer.figures.gap) for answer in found] if policy == "balance" else [0]
            counts = [answer.moves for answer in found]
            within = max(counts) <= share * least and not any(gaps) and not any(a.figures.broken for a in found)
            figure = f"{counts} moves, curve of {len(found[0].curve)}, bound {found[0].bound}"
            yield Row("E4", f"{name}: {policy}, {wait} s", figure, f"<= {share} x {least} ({source})", within)
    yield from _events(data)
    yield _asked()


def _asked() -> Row:
    """A re-balance asked of the running platform on SQLite: the POST, the queue, the engine, the answer read."""
    with tempfile.TemporaryDirectory() as folder:
        waits = asks.waits_ms(Path(folder), POLICIES, ASKS)
    p99 = float(np.quantile(waits, 0.99))
    figure = f"{statistics.median(waits):.0f} ms median, {p99:.0f} ms p99"
    return Row("E4", "through the service", figure, "p99 <= 100 ms", p99 <= 100)


def _least(
    today: instances.Instance, plan: instances.Ints, policy: moves.Policy, answer: moves.Moved
) -> tuple[int, str]:
    """The fewest moves there are, or the best bound on them; and who says so."""
    if policy == "balance" and today.n > 200 and programs.IS_HERE:
        program = programs.Program.of(today, plan, answer.groups, seating.units(today))
        return program.solve(limit=today.n, nodes=0).bound, "linear program"
    if today.n <= 200 and proofs.IS_HERE:
        proof = proofs.fewest_moves(today, plan, policy=policy, seconds=60, hint=answer.groups)
        return proof.bound, "CP-SAT" if proof.is_least else "CP-SAT's bound"
    return answer.bound, "our bound"


def _events(data: Path) -> Iterator[Row]:
    """Random absent, late, replaced and locked people on the reference days, with the budget of the service."""
    days = {name: fields for name, fields in _days(data).items() if int(fields["n"]) <= 200}
    plans = {name: formation.form(instances.read(fields), seconds=0.5).groups for name, fields in days.items()}
    draw = np.random.default_rng(1)
    over: dict[str, list[int]] = {policy: [] for policy in POLICIES}
    waits: list[float] = []
    for number in range(EVENTS):
        name = list(days)[number % len(days)]
        today, plan = _event(draw, days[name], plans[name].copy(), number % 4)
        for policy in POLICIES:
            began = time.perf_counter()
            answer = moves.rebalance(
                today, plan, policy=policy, evaluations=REBALANCE * today.n, seconds=REBALANCE_S, seed=number
            )
            waits.append(1000 * (time.perf_counter() - began))
            least, _source = _least(today, plan, policy, answer)
            over[policy].append(answer.moves - least)
    source = "CP-SAT" if proofs.IS_HERE else "our bound"
    for name, more in over.items():
        exact = sum(extra <= 0 for extra in more) / len(more)
        figure = f"{exact:.0%} of {len(more)} exact, {max(more)} above at most"
        passes = exact >= 0.95 and max(more) <= 1
        yield Row("E4", f"random events: {name}", figure, f">= 95 %, 1 above ({source})", passes)
    p99 = float(np.quantile(waits, 0.99))
    yield Row(
        "E4",
        "the engine with the service's budget",
        f"{statistics.median(waits):.0f} ms median, {p99:.0f} ms p99",
        "p99 <= 100 ms",
        p99 <= 100,
    )


def _event(
    draw: np.random.Generator, fields: dict[str, Any], plan: instances.Ints, kind: int
) -> tuple[instances.Instance, instances.Ints]:
    """Some do not come; of kind 1 some of them do, without a seat; of 2 some are replaced; of 3 some are locked."""
    n = int(fields["n"])
    others = np.setdiff1d(np.arange(n), fields["bringers"])
    gone = draw.choice(others, int(draw.integers(1, 20)), replace=False)
    here = np.setdiff1d(others, gone)
    attrs, locked = np.array(fields["attrs"]), []
    if kind == 1:
        late, gone = np.split(gone, [max(1, len(gone) // 3)])
        plan[late] = -1
    if kind == 2:
        new = draw.choice(here, int(draw.integers(1, 6)), replace=False)
        attrs[new] = attrs[draw.choice(n, len(new))]
    if kind == 3:
        locked = [[int(p), int(plan[p])] for p in draw.choice(here, int(draw.integers(1, 15)), replace=False)]
    told = {"noshow": gone.tolist(), "late": [], "attrs": attrs.tolist(), "locked": locked}
    return instances.read(fields | told, absent=True), plan


def _rounds() -> Iterator[Row]:
    for (groups, size, rounds), most, limit in ROUNDS:
        answer = golfers.schedule(groups, size, rounds, seconds=limit)
        figure = f"{answer.repeats} repeats, {answer.seconds:.3f} s"
        passes = answer.repeats <= most and answer.seconds <= 1.05 * limit
        yield Row("E5", f"{groups}-{size}-{rounds}", figure, f"{most} repeats in {limit} s", passes)


def _bytes() -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as folder:
        question, answer = Path(folder) / "question.json", Path(folder) / "answer.json"
        question.write_text(json.dumps(_made(132, 12, 8, 5), default=np.ndarray.tolist), encoding="utf-8")
        forming = ["form", str(question), "--evaluations", "200000"]
        if kernel.LIBRARY is None:
            yield Row("E6", "same bytes on both kernels", "no C kernel here", "C = numpy", None)
            told = _command("numpy", *forming)[1]
        else:
            told, twin = (
                _command(backend, *forming)[1].replace(f'"backend":"{backend}"', "")
                for backend in ("c", "numpy")
            )
            yield Row("E6", "same bytes on both kernels", str(told == twin), "C = numpy", told == twin)
            told = _command("c", *forming)[1]
        plan, far = Path(folder) / "plan.json", Path(folder) / "far.txt"
        plan.write_text(told, encoding="utf-8")
        draw = np.random.default_rng(4)
        rows = [f"{i} {j} {draw.integers(1, 100)}" for i in range(30) for j in range(i + 1, 30)]
        far.write_text("\n".join(["30 4 ds 6 9 6 9 6 9 6 9", *rows]), encoding="utf-8")
        budget = ("--evaluations", "200000")
        for words, about, figure in (
            (forming, [question], "cost"),
            (
                ["rebalance", str(question), "--plan", str(plan), "--policy", "balance", *budget],
                [question],
                "moves",
            ),
            (["mdgp", str(far), *budget], [far], "objective"),
            (["rounds", "--groups", "6", "--size", "4", "--rounds", "4", *budget], [], "repeats"),
        ):
            claimed = json.loads(_command("numpy", *words)[1])
            outcomes = []
            for lie in (0, 1):
                answer.write_text(json.dumps(claimed | {figure: claimed[figure] - lie}), encoding="utf-8")
                outcomes.append(_command("numpy", "check", *map(str, about), str(answer))[0])
            said = f"exit {outcomes[0]} for the truth, {outcomes[1]} for a lie"
            yield Row("E6", f"{words[0]}: certificate recomputed", said, "exit 0 and 1", outcomes == [0, 1])


def _command(backend: str, *words: str) -> tuple[int, str]:
    """Exit status and output of the engine's own command on one backend."""
    program = [sys.executable, "-m", "services.grouping.forming", *words]
    ended = subprocess.run(
        program, env=os.environ | {"PALABRE_KERNEL": backend}, capture_output=True, text=True, check=False
    )
    return ended.returncode, ended.stdout


def _made(n: int, groups: int, territories: int, trades: int) -> dict[str, Any]:
    """A gathering of our own: skewed territories, trades and structures, pinned carriers, some pairs."""
    draw = np.random.default_rng(n)
    territory = draw.choice(territories, n, p=draw.dirichlet(np.full(territories, 4.0)))
    trade = draw.choice(trades, n, p=draw.dirichlet(np.full(trades, 3.0)))
    structure = territory * max(1, n // territories // 4) + draw.integers(0, max(1, n // territories // 4), n)
    order = draw.permutation(n).tolist()
    free = order[groups:]
    pairs = max(2, n // 40)
    tied = np.reshape(free[: 2 * pairs], (-1, 2)).tolist()
    return {
        "n": n,
        "G": groups,
        "attr_names": ["territory", "trade", "structure"],
        "attrs": np.stack([territory, trade, structure], 1),
        "bringers": order[:groups],
        "pref": draw.integers(0, groups, (n, 1)),
        "keep_together": [(a, b) for a, b in tied if trade[a] != trade[b] and territory[a] != territory[b]],
        "keep_apart": np.reshape(free[2 * pairs : 4 * pairs], (-1, 2)).tolist(),
        "history": [draw.permutation(np.arange(n) % groups)],
        "noshow": free[-(n // 10) :],
        "late": [],
    }


if __name__ == "__main__":
    main()
