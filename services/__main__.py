"""python -m services NAME serve | work | relay | migrate | …: one service by its name, as an image starts its own."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path


def main() -> None:
    """Hand over to the service that is named first; exit with 2 when it is not here."""
    here = sorted(path.parent.name for path in Path(__file__).parent.glob("*/__main__.py"))
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    if name not in here:
        sys.stderr.write(f"There is no service {name!r} here; there is {', '.join(here) or 'none'}.\n")
        sys.exit(2)
    sys.argv = [sys.argv[0], *sys.argv[2:]]
    runpy.run_module(f"services.{name}", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
