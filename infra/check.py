"""`make check`: every wall of the house, one line each; all are tried, and one that fails fails the whole."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path

BIN = Path(sys.executable).parent
TREES = ["services", "infra", "tests"]
STEPS: dict[str, list[str]] = {
    "format": [str(BIN / "ruff"), "format", "--check", "--quiet", *TREES],
    "lint": [str(BIN / "ruff"), "check", "--quiet", *TREES],
    "types": [str(BIN / "mypy")],
    "walls": [str(BIN / "lint-imports")],
    "lock": [
        *(
            str(BIN / "uv"),
            "pip",
            "compile",
            "--quiet",
            "--universal",
            "--python-version",
            "3.11",
            "--generate-hashes",
        ),
        *("--no-header", "--no-emit-index-url", "--all-extras", "--group", "dev", "pyproject.toml"),
        *("--output-file", ".venv/lock-now"),
    ],
    "translations": [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "no:cacheprovider",
        "tests/unit/test_translations.py",
    ],
    "containers": [sys.executable, "-m", "infra.docker.check"],
}
NOTHING_COLLECTED = 5


def _run(name: str, command: list[str]) -> bool:
    started = time.monotonic()
    if name == "lock":
        Path(".venv").mkdir(exist_ok=True)
        shutil.copyfile("requirements.lock", ".venv/lock-now")
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    said = (ended.stdout + ended.stderr).strip()
    fine = ended.returncode == 0
    if name == "lock" and fine and Path(".venv/lock-now").read_text() != Path("requirements.lock").read_text():
        fine, said = False, "requirements.lock does not fit pyproject.toml; run: make lock"
    print(f"{'ok  ' if fine else 'FAIL'} {name:<13} {time.monotonic() - started:5.1f} s", flush=True)
    if not fine or name == "containers":
        print("\n".join("     " + line for line in said.splitlines()[-40:]), flush=True)
    return fine


def main() -> None:
    wanted = sys.argv[1:] or list(STEPS)
    broken = [name for name in wanted if not _run(name, STEPS[name])]
    if broken:
        sys.exit(f"make check: {', '.join(broken)} failed.")


if __name__ == "__main__":
    main()
