"""The engine's command: one question in, one JSON object out."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any, NoReturn

from services.grouping.forming import (
    certificates,
    distances,
    fields,
    formation,
    golfers,
    instances,
    kernel,
    moves,
    proofs,
    seating,
)
from services.grouping.forming.fields import BadInput


def main(argv: list[str] | None = None) -> int:
    """Print one JSON object; bad input is one line on stderr and exit 2, a wrong answer in `check` exit 1."""
    asked = _words().parse_args(argv)
    try:
        told = asked.do(asked)
    except (BadInput, seating.Impossible, seating.Undecided) as refusal:
        sys.stderr.write(f"{refusal}\n")
        return 2
    json.dump(told, sys.stdout, separators=(",", ":"), sort_keys=True)
    sys.stdout.write("\n")
    return 1 if told.get("ok") is False else 0


def _words() -> argparse.ArgumentParser:
    words = _Words(prog="python -m services.grouping.forming", description=__doc__)
    verbs: argparse._SubParsersAction[_Words] = words.add_subparsers(
        required=True, metavar="form|rebalance|mdgp|rounds|check|prove"
    )
    budget = _Words(add_help=False)
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
        rounds.add_argument(f"--{name}", type=_a_count, required=True)
    rounds.set_defaults(do=_rounds)
    check = verbs.add_parser("check", help="recompute an answer from the instance alone")
    check.add_argument(
        "files",
        type=Path,
        nargs="+",
        metavar="[INSTANCE] ANSWER",
        help="the instance (JSON, NPZ or MDGPLIB), none for rounds",
    )
    check.add_argument("--plan", type=Path, help="of a re-balance; the answer's own where it is left out")
    check.add_argument("--policy", choices=("sizes", "balance"))
    for name in ("groups", "size", "rounds"):
        check.add_argument(f"--{name}", type=_a_count)
    check.set_defaults(do=_check)
    prove = verbs.add_parser("prove", help="how good an answer can be at all (needs OR-Tools)")
    prove.add_argument("instance", type=Path)
    prove.add_argument("answer", type=Path)
    prove.add_argument("--plan", type=Path, help="of a re-balance; the answer's own where it is left out")
    prove.add_argument("--policy", choices=("sizes", "balance"))
    prove.add_argument("--seconds", type=_at_least_nothing, default=10.0)
    prove.set_defaults(do=_prove)
    return words


class _Words(argparse.ArgumentParser):
    """A wrong word is one line, too."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{message}\n")


def _form(asked: argparse.Namespace) -> dict[str, Any]:
    instance = instances.read(fields.load(asked.instance))
    answer = formation.form(instance, seconds=_seconds(asked), evaluations=asked.evaluations, seed=asked.seed)
    return {
        "groups": answer.groups.tolist(),
        **certificates.formed(instance, answer.groups),
        **_trace(asked, answer.evaluations, answer.seconds),
    }


def _rebalance(asked: argparse.Namespace) -> dict[str, Any]:
    instance = instances.read(fields.load(asked.instance), absent=True)
    plan = instances.read_plan(fields.load(asked.plan), instance)
    answer = moves.rebalance(
        instance,
        plan,
        policy=asked.policy,
        seconds=_seconds(asked),
        evaluations=asked.evaluations,
        seed=asked.seed,
    )
    ways = [[list(step) for step in way] for way in answer.ways]
    return {
        "groups": answer.groups.tolist(),
        "plan": plan.tolist(),
        "policy": asked.policy,
        "ways": ways,
        "prices": [list(price) for price in answer.prices],
        **certificates.rebalanced(
            instance, answer.groups, plan, policy=asked.policy, ways=ways, prices=list(answer.prices)
        ),
        **_trace(asked, answer.evaluations, answer.seconds),
    }


def _mdgp(asked: argparse.Namespace) -> dict[str, Any]:
    question = distances.load(asked.file)
    answer = distances.spread(question, seconds=_seconds(asked), evaluations=asked.evaluations, seed=asked.seed)
    return {
        "groups": answer.groups.tolist(),
        **certificates.spread(question, answer.groups),
        **_trace(asked, answer.evaluations, answer.seconds),
    }


def _rounds(asked: argparse.Namespace) -> dict[str, Any]:
    answer = golfers.schedule(
        asked.groups, asked.size, asked.rounds,
        seconds=_seconds(asked), evaluations=asked.evaluations, seed=asked.seed,
    )  # fmt: skip
    return {
        "groups": answer.rounds.tolist(),
        "G": asked.groups,
        "size": asked.size,
        "rounds": asked.rounds,
        **certificates.scheduled(answer.rounds, asked.groups, asked.size),
        **_trace(asked, answer.evaluations, answer.seconds),
    }


def _check(asked: argparse.Namespace) -> dict[str, Any]:
    if len(asked.files) > 2:
        raise BadInput(f"{asked.files[2]}: an instance and an answer are expected, and no third file")
    claimed = fields.load(asked.files[-1])
    if len(asked.files) == 1:
        true = _true_rounds(asked, claimed)
    elif _is_document(asked.files[0]):
        true = _true_round(asked, claimed)
    else:
        question = distances.load(asked.files[0])
        true = certificates.spread(question, certificates.read_spread(claimed, question))
    wrong = certificates.differences(claimed, true)
    return {"ok": not wrong and true["broken"] == 0, "differences": wrong, **true}


def _true_rounds(asked: argparse.Namespace, claimed: dict[str, Any]) -> dict[str, Any]:
    """The answer says how many groups, of what size, how often; who asks for other numbers is told so."""
    shape = {}
    for word, name in (("groups", "G"), ("size", "size"), ("rounds", "rounds")):
        wanted = getattr(asked, word)
        shape[word] = fields.count(claimed, name, least=1) if wanted is None or name in claimed else wanted
        if wanted is not None and shape[word] != wanted:
            raise BadInput(f"{name}: {shape[word]} in the answer, {wanted} asked")
    rounds = certificates.read_rounds(claimed, **shape)
    return certificates.scheduled(rounds, shape["groups"], shape["size"])


def _true_round(asked: argparse.Namespace, claimed: dict[str, Any]) -> dict[str, Any]:
    instance, groups, plan, policy = _answered(asked, asked.files[0], claimed)
    if plan is None:
        return certificates.formed(instance, groups)
    return certificates.rebalanced(
        instance, groups, plan, policy=policy, ways=claimed.get("ways"), prices=claimed.get("prices")
    )


def _answered(
    asked: argparse.Namespace, place: Path, claimed: dict[str, Any]
) -> tuple[instances.Instance, instances.Ints, instances.Ints | None, moves.Policy]:
    """The question of an answer, the answer, and of a re-balance the plan before and the policy."""
    moved = asked.plan is not None or claimed.get("plan") is not None
    instance = instances.read(fields.load(place), absent=moved)
    groups = instances.read_plan(claimed, instance)
    if not moved:
        return instance, groups, None, "sizes"
    policy = asked.policy or claimed.get("policy", "sizes")
    if policy not in ("sizes", "balance"):
        raise BadInput("policy: sizes or balance is expected")
    if asked.plan is None:
        plan = instances.read_plan(claimed, instance, name="plan")
    else:
        plan = instances.read_plan(fields.load(asked.plan), instance)
        if claimed.get("plan", plan.tolist()) != plan.tolist():
            raise BadInput("plan: the answer was made from another one")
    return instance, groups, plan, policy


def _prove(asked: argparse.Namespace) -> dict[str, Any]:
    """`proved` when the answer is shown to be the best there is; false says only that it was not shown in the time."""
    if not proofs.IS_HERE:
        raise BadInput(proofs.WITHOUT)
    began, claimed = time.perf_counter(), fields.load(asked.answer)
    instance, groups, plan, policy = _answered(asked, asked.instance, claimed)
    if plan is None:
        found = proofs.lowest_cost(instance, seconds=asked.seconds, hint=groups)
        value = certificates.formed(instance, groups)["cost"]
    else:
        found = proofs.fewest_moves(instance, plan, policy=policy, seconds=asked.seconds, hint=groups)
        told = certificates.rebalanced(instance, groups, plan, policy=policy)
        value = told["moves"]
        if policy == "balance" and sum(told["gap"]) > found.gap:
            value = None
    return {
        "what": "cost" if plan is None else "moves",
        "value": value,
        "bound": found.bound,
        "least": found.value,
        "gap": found.gap,
        "proved": value is not None and value <= found.bound,
        "seconds": round(time.perf_counter() - began, 4),
    }


def _is_document(place: Path) -> bool:
    """Whether a file holds fields, and not a table of distances."""
    return place.suffix == ".npz" or fields.text(place).lstrip()[:1] in ("{", "[", "")


def _trace(asked: argparse.Namespace, evaluations: int, seconds: float) -> dict[str, Any]:
    """A counted budget gives the same bytes anywhere, so the clock is left out of its answer."""
    told = {"evaluations": evaluations, "seed": asked.seed, "backend": kernel.BACKEND}
    return told | {"seconds": 0.0 if asked.evaluations else round(seconds, 4)}


def _seconds(asked: argparse.Namespace) -> float | None:
    if asked.seconds is None and asked.evaluations is None:
        return 1.0
    return asked.seconds  # type: ignore[no-any-return]


def _at_least_nothing(word: str) -> float:
    try:
        seconds = float(word)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"a number of seconds, 0 or more, is expected, not {word!r}")
    return seconds


def _a_count(word: str) -> int:
    count = int(word) if word.isdecimal() and len(word) < 16 else 0
    if count < 1:
        raise argparse.ArgumentTypeError(f"a whole number of at least 1 is expected, not {word!r}")
    return count


if __name__ == "__main__":
    raise SystemExit(main())
