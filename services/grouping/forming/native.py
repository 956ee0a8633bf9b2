"""The kernel in C, where there was a compiler to build it: `python -m services.grouping.forming.native` builds it."""

from __future__ import annotations

import ctypes
import hashlib
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

_HOME = Path(__file__).parent
SOURCES = tuple(_HOME / name for name in ("kernel.c", "meetings.c", "turning.c"))
_READ = (*SOURCES, _HOME / "seats.h", _HOME / "words.h")
_FLAGS = ("-O3", "-std=c11", "-ffp-contract=off", "-fPIC", "-shared")
_BUILD_S = 120
WITHOUT = "No C compiler: groups are formed by the numpy kernel, with the same answers and more patience."


def load() -> ctypes.CDLL | None:
    """The built kernel; None without one, or when PALABRE_KERNEL=numpy asks for the other."""
    place = _place()
    if os.environ.get("PALABRE_KERNEL") == "numpy" or not place.exists():
        return None
    try:
        return ctypes.CDLL(str(place))
    except OSError:
        return None


def build() -> Path | None:
    """The kernel's library, built if this environment has none of this source; None when nothing can build it."""
    place, compiler = _place(), _compiler()
    if place.exists():
        return place
    if compiler is None:
        return None
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=place.parent) as bench:
            made = Path(bench) / place.name
            command = [*compiler, *_FLAGS, "-o", str(made), *map(str, SOURCES)]
            subprocess.run(command, check=True, capture_output=True, timeout=_BUILD_S)  # noqa: S603
            made.replace(place)
    except (OSError, subprocess.SubprocessError):
        return None
    return place


def _place() -> Path:
    """In the environment, under a name of the source's own: an old library is never taken for the new one."""
    source = b"".join(place.read_bytes() for place in _READ)
    mark = hashlib.sha256(source + " ".join(_FLAGS).encode()).hexdigest()[:16]
    return Path(sys.prefix) / "lib" / "palabre" / f"kernel-{mark}-{sys.platform}-{os.uname().machine}.so"


def _compiler() -> list[str] | None:
    named = shlex.split(os.environ.get("CC", ""))
    found = (shutil.which(name) for name in ([named[0]] if named else []) + ["cc", "gcc", "clang"])
    first = next((path for path in found if path), None)
    return [first, *named[1:]] if first else None


def main() -> None:
    """Build, and say so in one line only when that cannot be: a machine without a compiler is no failure."""
    if build() is None:
        sys.stdout.write(WITHOUT + "\n")


if __name__ == "__main__":
    main()
