"""The engine's command: one question in, one JSON object out."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from services.grouping.forming import (
    certificates,
    distances,
    formation,
    golfers,
    instances,
    kernel,
    moves,
    seating,
)


def main(argv: list[str] | None = None) -> int:
    """Print one JSON object; bad input is one line on stderr and exit 2, a wrong answer in `check` exit 1."""
    asked = _words().parse_args(argv)
    try:
        told = asked.do(asked)
    except (instances.BadInput, seating.Impossible, seating.Undecided) as refusal:
        sys.stderr.write(f"{refusal}\n")
        return 2
    json.dump(told, sys.stdout, separators=(",", ":"), sort_keys=True)
    sys.stdout.write("\n")
    return 1 if told.get("ok") is False else 0


def _words() -> argparse.ArgumentParser:
    words = argparse.ArgumentParser(prog="python -m services.grouping.forming", description=__doc__)
    verbs = words.add_subparsers(required=True, metavar="form|rebalance|mdgp|rounds|check")
    budget = argparse.ArgumentParser(add_help=False)
    budget.add_argument(
        "--seconds",
        type=_at_least_nothing,
        default=None,
        help="0: the first answer with all hard rules and no gap",
    )
    budget.add_argument(
        "--evaluations", type=_a_count, default=None, help="a budget that gives the same answer on any machine"
    )
    budget.add_argument("--seed", type=int, default=1)

    form = verbs.add_parser("form", parents=[budget], help="one round")
    form.add_argument("instance", type=Path)
    form.set_defaults(do=_form)
    again = verbs.add_parser("rebalance", parents=[budget], help="after absences and arrivals, with few moves")
    again.add_argument("instance", type=Path)
    again.add_argument("--plan", type=Path, required=True)
    again.add_argument("--policy", choices=("sizes", "balance"), default="sizes")
    again.set_defaults(do=_rebalance)
    mdgp = verbs.add_parser("mdgp", parents=[budget], help="an MDGPLIB file")
    mdgp.add_argument("file", type=Path)
    mdgp.set_defaults(do=_mdgp)
    rounds = verbs.add_parser("rounds", parents=[budget], help="several rounds, nobody together twice")
    for name in ("groups", "size", "rounds"):
        rounds.add_argument(f"--{name}", type=int, required=True)
    rounds.set_defaults(do=_rounds)
    check = verbs.add_parser("check", help="recompute an answer from the instance alone")
    check.add_argument("instance", type=Path)
    check.add_argument("answer", type=Path)
    check.add_argument("--plan", type=Path)
    check.set_defaults(do=_check)
    return words


def _form(asked: argparse.Namespace) -> dict[str, Any]:
    instance = instances.read(instances.load(asked.instance))
    answer = formation.form(instance, seconds=_seconds(asked), evaluations=asked.evaluations, seed=asked.seed)
    return {
        "groups": answer.groups.tolist(),
        **certificates.certificate(instance, answer.groups),
        **_trace(asked, answer.evaluations, answer.seconds),
    }


def _rebalance(asked: argparse.Namespace) -> dict[str, Any]:
    instance = instances.read(instances.load(asked.instance), absent=True)
    plan = instances.read_plan(instances.load(asked.plan), instance)
    answer = moves.rebalance(
        instance,
        plan,
        policy=asked.policy,
        seconds=_seconds(asked),
        evaluations=asked.evaluations,
        seed=asked.seed,
    )
    return {
        "groups": answer.groups.tolist(),
        **certificates.certificate(instance, answer.groups, plan),
        "bound": answer.bound,
        "curve": [list(point) for point in answer.curve],
        **_trace(asked, answer.evaluations, answer.seconds),
    }


def _mdgp(asked: argparse.Namespace) -> dict[str, Any]:
    answer = distances.spread(
        distances.load(asked.file), seconds=_seconds(asked), evaluations=asked.evaluations, seed=asked.seed
    )
    return {
        "groups": answer.groups.tolist(),
        "objective": answer.objective,
        **_trace(asked, answer.evaluations, answer.seconds),
    }


def _rounds(asked: argparse.Namespace) -> dict[str, Any]:
    answer = golfers.schedule(
        asked.groups, asked.size, asked.rounds,
        seconds=_seconds(asked), evaluations=asked.evaluations, seed=asked.seed,
    )  # fmt: skip
    return {
        "groups": answer.rounds.tolist(),
        "repeats": answer.repeats,
        "cost": answer.repeats,
        "bound": 0,
        **_trace(asked, answer.evaluations, answer.seconds),
    }


def _check(asked: argparse.Namespace) -> dict[str, Any]:
    claimed = instances.load(asked.answer)
    instance = instances.read(instances.load(asked.instance), absent=asked.plan is not None)
    groups = instances.read_plan(claimed, instance)
    plan = instances.read_plan(instances.load(asked.plan), instance) if asked.plan else None
    true = certificates.certificate(instance, groups, plan)
    wrong = certificates.differences(claimed, true)
    return {"ok": not wrong and true["broken"] == 0, "differences": wrong, **true}


def _trace(asked: argparse.Namespace, evaluations: int, seconds: float) -> dict[str, Any]:
    """A counted budget gives the same bytes anywhere, so the clock is left out of its answer."""
    told = {"evaluations": evaluations, "seed": asked.seed, "backend": kernel.BACKEND}
    return told | {"seconds": 0.0 if asked.evaluations else round(seconds, 4)}


def _seconds(asked: argparse.Namespace) -> float | None:
    if asked.seconds is None and asked.evaluations is None:
        return 1.0
    return asked.seconds  # type: ignore[no-any-return]


def _at_least_nothing(word: str) -> float:
    seconds = float(word)
    if not 0 <= seconds < float("inf"):
        raise argparse.ArgumentTypeError("a number of seconds, 0 or more")
    return seconds


def _a_count(word: str) -> int:
    count = int(word)
    if count < 1:
        raise argparse.ArgumentTypeError("a whole number of at least 1")
    return count


if __name__ == "__main__":
    raise SystemExit(main())
