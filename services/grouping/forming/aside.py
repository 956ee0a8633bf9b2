"""A proof in a process of its own, which takes what nobody else wants of a processor, from its first import on."""

from __future__ import annotations

import importlib
import os

_NICE = 10


def main() -> None:
    """Answer one question of forming.proofs, from stdin to stdout."""
    os.nice(_NICE)
    # OR-Tools takes a second of a processor to be loaded: as long as ten re-balances.
    importlib.import_module("services.grouping.forming.proving").main()


if __name__ == "__main__":
    main()
