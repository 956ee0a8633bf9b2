"""python -m infra.day: plays the reference day and says what it found."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path

from infra.day import play


def main() -> None:
    options = argparse.ArgumentParser(prog="python -m infra.day", description="Plays the reference day.")
    options.add_argument("--people", type=int, default=132, help="seats of the day, 16 or more (132)")
    options.add_argument("--base", default="", help="play against this running platform")
    options.add_argument("--mailbox", default="", help="address of its letters: http://…/boite/<key>")
    options.add_argument("--sign-in", default="", help="a one-time sign-in link of an organiser")
    options.add_argument("--data", type=Path, default=None, help="data folder of the platform to start")
    options.add_argument("--out", type=Path, default=Path("var/day.json"), help="where the figures are written")
    options.add_argument("--hands", type=int, default=8, help="how many people act at once")
    options.add_argument("--seed", type=int, default=2027, help="another seed brings other people")
    # Whoever is told to end ends the platform it started, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(play.main(options.parse_args()))


if __name__ == "__main__":
    main()
