"""python -m tests.bench: every figure with its ceiling, one after the other."""

from __future__ import annotations

import sys

from tests.bench import backbone, web


def main() -> None:
    web.main()
    backbone.main()


if __name__ == "__main__":
    sys.exit(main())
