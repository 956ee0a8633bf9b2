"""python -m tests.bench [web|backbone]: figures beside their ceilings; without a word, all of them."""

from __future__ import annotations

import sys

from tests.bench import backbone, web

BENCHES = {"web": web.main, "backbone": backbone.main}


def main() -> None:
    wanted = sys.argv[1:] or list(BENCHES)
    del sys.argv[1:]
    for name in wanted:
        if name not in BENCHES:
            sys.exit(f"No benchmark {name}; there are {', '.join(BENCHES)}.")
        BENCHES[name]()


if __name__ == "__main__":
    main()
