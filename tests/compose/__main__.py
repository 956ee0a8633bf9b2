"""python -m tests.compose: docker-compose.yml for real; says what was lost, what came twice, and how long it took."""

from __future__ import annotations

import argparse
import sys
from contextlib import ExitStack
from pathlib import Path

from infra.day import play
from infra.day.board import Board, table
from tests import runbook
from tests.compose import bars, engine, in_files, mail, overrides, refusals, standins, walls
from tests.compose.asking import Asking
from tests.compose.catcher import Catcher
from tests.compose.engine import NoEngine
from tests.compose.ordeal import KILLS, Ordeal
from tests.compose.saved import AGREE_WITHIN_S, Saved
from tests.compose.stack import KEPT, SERVICES, WORKERS, Broken, Stack
from tests.compose.standins import NoStandIn

FOLDER = Path("var/compose")
SEATS, FEW = 60, 16
# One door of each service that answers whoever asks.
PATHS = ("/", "/api/grouping/openapi.json", "/retour/nobody", "/api/notifications/openapi.json")


def main() -> int:
    options = argparse.ArgumentParser(prog="python -m tests.compose")
    options.add_argument("--people", type=int, default=SEATS, help=f"seats of the day ({SEATS})")
    options.add_argument("--calm", action="store_true", help="only play the day, break nothing")
    options.add_argument(
        "--short",
        action="store_true",
        help=f"a day of {FEW} people in which every container dies, and nothing else",
    )
    options.add_argument(
        "--runbook", action="store_true", help="type every command of infra/RUNBOOK.md as well"
    )
    options.add_argument(
        "--overrides",
        action="store_true",
        help="instead of all this, start with the observe, dev and faults of infra/compose and look at what they do",
    )
    options.add_argument("--keep", action="store_true", help="leave the stack running")
    chosen = options.parse_args()
    board = Board()
    try:
        with ExitStack() as ends:
            environ = ends.enter_context(engine.running(FOLDER / "engine"))
            with board.step("Stand-ins") as step:
                standing = standins.ensure(environ)
                if chosen.overrides:
                    standing += standins.ensure(environ, standins.OF_OVERRIDES)
                step.notes.append(", ".join(standing) or "none: every named image is here")
            catcher = ends.enter_context(Catcher())
            stack = Stack(environ, FOLDER, catcher)
            if not chosen.keep:
                ends.callback(stack.down)
            return run(stack, board, chosen)
    except NoEngine as trouble:
        print(f"skipped: make compose-test ({trouble})")
        return 0
    except (Broken, NoStandIn) as trouble:
        print(f"make compose-test: {trouble}", file=sys.stderr)
        return 1


def run(stack: Stack, board: Board, chosen: argparse.Namespace) -> int:
    """Everything in its order; 0 when every promise was kept."""
    stack.down()
    with board.step("Images") as step:
        stack.build()
        sizes = walls.sizes(stack)
        step.notes.append(
            ", ".join(f"{name} {mb:.0f} MB (bar {bars.IMAGE_MB[name]})" for name, mb in sizes.items())
        )
        broken = bars.too_large(sizes)
    with board.step("Up") as step:
        others = bars.used()
        healthy_s = stack.up()
        step.notes.append(f"healthy after {healthy_s:.1f} s (bar {bars.HEALTHY_S:.0f})")
        step.notes.append(bars.quiet(others))
        broken += bars.too_late(healthy_s, others)
    if chosen.overrides:
        broken += overrides.run(stack, board)
    elif chosen.short:
        broken += _day(stack, board, FEW, Ordeal(stack, Saved(stack, FOLDER / "saved.tar"), KILLS))
    else:
        broken += _whole(stack, board, chosen)
    if chosen.runbook:
        broken += _runbook(stack, board)
    for rule in broken:
        board.say(f"BROKEN {rule}")
    if broken:
        (FOLDER / "containers.log").write_text(stack.logs(tail=4000), encoding="utf-8")
        board.say(f"What the containers said is in {FOLDER}/containers.log.")
    board.say("Every promise was kept." if not broken else f"{len(broken)} promises were broken.")
    return 1 if broken else 0


def _whole(stack: Stack, board: Board, chosen: argparse.Namespace) -> list[str]:
    """The day with all that befalls it, and everything that is looked at around it."""
    broken = []
    with board.step("Walls"):
        broken += walls.broken(stack)
    with board.step("Refusals") as step:
        broken += refusals.broken(stack)
        step.notes.append(
            f"{len(refusals.CASES) + len(refusals.OTHERS)} kinds of bad input, each with its line and its code"
        )
    if chosen.calm:
        broken += _calm(stack, board, chosen.people)
    else:
        saved = Saved(stack, FOLDER / "saved.tar")
        broken += _day(stack, board, chosen.people, Ordeal(stack, saved))
        broken += _rolls(stack, board)
        broken += _restore(stack, board, saved)
    broken += _rest(stack, board)
    with board.step("Signed and returned") as step:
        broken += mail.broken(stack)
        step.notes.append(
            "a reader believes the signature; what comes back is noted, by the hook and from the mailbox"
        )
    with board.step("Secrets in files") as step:
        broken += in_files.broken(stack)
        step.notes.append("everything is well again, and no container shows one")
    return broken


def _rest(stack: Stack, board: Board) -> list[str]:
    """What it costs when nobody comes."""
    with board.step("Rest") as step:
        # What was just put in place of another begins with work of its own.
        stack.wait(*KEPT)
        rest = bars.at_rest(stack)
        cpu, memory = sum(rest.cpu.values()), sum(rest.memory.values())
        step.notes.append(
            f"{cpu:.1f} % of a core (bar {bars.IDLE_PERCENT}), {memory:.0f} MB (bar {bars.MEMORY_MB})"
        )
        step.notes.append(bars.quiet(rest.others))
    rows = [(name, f"{rest.cpu[name]:.2f}", f"{rest.memory[name]:.0f}") for name in sorted(rest.cpu)]
    board.say("\n" + table(rows, ("container", "% of a core", "MB")))
    return rest.broken()


def _restore(stack: Stack, board: Board, saved: Saved) -> list[str]:
    """What was saved in the midst of the day, put back after it."""
    with board.step("Restore") as step:
        ran_s, agreed_s, broken = saved.put_back()
        step.notes.append(f"saved in {saved.saved_s:.1f} s with {len(saved.acknowledged)} people acknowledged")
        step.notes.append(f"put back and running after {ran_s:.1f} s, agreed after {agreed_s:.1f} s")
        step.notes.append(f"bar {AGREE_WITHIN_S:.0f}")
    return broken


def _runbook(stack: Stack, board: Board) -> list[str]:
    """Every command of infra/RUNBOOK.md for containers, in its order; secrets are made anew where it says so."""
    mine = [block for block in runbook.blocks() if block.kind == "containers"]
    with board.step("Runbook", sum(len(block.commands) for block in mine)) as step:
        tools = runbook.own_make(FOLDER / "tools")
        broken = []
        for block in mine:
            if block.heading == "Rotate secrets":
                stack.rotate()
            for command in block.commands:
                if said := stack.type(command, tools):
                    broken.append(f"RUNBOOK, {block.heading}: {command}: {said}")
                board.tick(step)
        step.notes.append(f"{sum(len(block.commands) for block in mine)} commands")
    return broken


def _calm(stack: Stack, board: Board, people: int) -> list[str]:
    return list(play.play(stack.street(), seats=people, seed=2027, hands=8, board=board).figures["broken"])


def _day(stack: Stack, board: Board, people: int, ordeal: Ordeal) -> list[str]:
    """A day in which every container dies, one stands still, two lose their networks, all workers become three."""
    board.watch = ordeal.watch
    day = play.play(stack.street(), seats=people, seed=2027, hands=8, board=board)
    board.watch = None
    undone = ordeal.join()
    board.say(
        "\n" + table([(str(blow), blow.step, f"{s:.1f}") for blow, s in ordeal.done], ("blow", "in", "s"))
    )
    return [*day.figures["broken"], *undone]


def _rolls(stack: Stack, board: Board) -> list[str]:
    """Each service's containers replaced by new ones while people ask; nobody is refused."""
    with board.step("Rolls") as step:
        stack.wait(*SERVICES, "gateway")
        with Asking(stack, PATHS) as asking:
            for name in SERVICES:
                stack.roll(name)
                stack.answers(name)
            stack.roll(*WORKERS, *(f"{name}-relay" for name in SERVICES))
        step.notes.append(
            f"{asking.asked} asked, {asking.failed.total()} failed, the slowest after {asking.slowest_s:.1f} s"
        )
    return [f"rolled without a failure: {times} times {what}" for what, times in asking.failed.items()]


if __name__ == "__main__":
    sys.exit(main())
