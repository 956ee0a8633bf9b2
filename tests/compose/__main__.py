"""python -m tests.compose: docker-compose.yml for real; says what was lost, what came twice, and how long it took."""

from __future__ import annotations

import argparse
import sys
from contextlib import ExitStack
from pathlib import Path

from infra.day import play
from infra.day.board import Board
from tests.compose import engine, standins
from tests.compose.catcher import Catcher
from tests.compose.engine import NoEngine
from tests.compose.stack import Broken, Stack
from tests.compose.standins import NoStandIn

FOLDER = Path("var/compose")
SEATS = 60


def main() -> int:
    options = argparse.ArgumentParser(prog="python -m tests.compose")
    options.add_argument("--people", type=int, default=SEATS, help=f"seats of the day ({SEATS})")
    options.add_argument("--keep", action="store_true", help="leave the stack running")
    chosen = options.parse_args()
    board = Board()
    try:
        with ExitStack() as ends:
            environ = ends.enter_context(engine.running(FOLDER / "engine"))
            with board.step("Stand-ins") as step:
                step.notes.append(", ".join(standins.ensure(environ)) or "none: every named image is here")
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
    stack.down()
    with board.step("Images"):
        stack.build()
    with board.step("Up") as step:
        step.notes.append(f"healthy after {stack.up():.1f} s")
    day = play.play(stack.street(), seats=chosen.people, seed=2027, hands=8, board=board)
    return 1 if day.figures["broken"] else 0


if __name__ == "__main__":
    sys.exit(main())
