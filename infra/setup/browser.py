"""A browser for the tests: the machine's own, Debian's (CI, as root) or playwright's; else none, and why."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

WHY_NOT = Path(".venv/no-browser")
DAY_S = 86_400
DOWNLOAD_S = 180
OWN_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find() -> str | None:
    """The path of a Chromium that playwright can drive here, or None."""
    return _chromium() if _driver_starts() else None


def why_not() -> str:
    """Why there is no browser, in one line, for the tests that are skipped."""
    if not _driver_starts():
        return "playwright does not start on this machine; on Debian, as root: apt install libatomic1 chromium"
    return (
        WHY_NOT.read_text().strip()
        if WHY_NOT.exists()
        else "no Chromium; on Debian, as root: apt install chromium"
    )


def _chromium() -> str | None:
    named = os.environ.get("CHROMIUM")
    own = (shutil.which(name) for name in OWN_NAMES)
    cache = Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH", Path.home() / ".cache" / "ms-playwright"))
    downloaded = sorted(
        str(path) for path in cache.glob("chromium*/chrome-*/*") if path.name in ("chrome", "headless_shell")
    )
    return next((path for path in (named, *own, *downloaded) if path and _starts([path])), None)


def _driver_starts() -> bool:
    return _starts([sys.executable, "-m", "playwright"])


def _starts(program: list[str]) -> bool:
    try:
        return (
            subprocess.run([*program, "--version"], capture_output=True, timeout=20, check=False).returncode
            == 0
        )
    except (OSError, subprocess.TimeoutExpired):
        return False


def _from_debian() -> None:
    environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium", "libatomic1"]
    for command in (["apt-get", "update", "-qq"], install):
        subprocess.run(command, env=environ, stdout=subprocess.DEVNULL, timeout=600, check=False)


def _from_playwright() -> str:
    command = [sys.executable, "-m", "playwright", "install", "chromium", "--only-shell"]
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=DOWNLOAD_S, check=False)
    except subprocess.TimeoutExpired:
        return f"playwright's Chromium did not arrive within {DOWNLOAD_S} s"
    if ended.returncode:
        return "playwright's Chromium cannot be downloaded here"
    return "playwright's Chromium lacks libraries on this machine; as root: playwright install-deps chromium"


def main() -> None:
    if find():
        return
    if os.environ.get("CI") and os.geteuid() == 0 and shutil.which("apt-get"):
        print("Setting up: Chromium for the tests, from Debian")
        _from_debian()
        if find():
            return
    tried_lately = WHY_NOT.exists() and time.time() - WHY_NOT.stat().st_mtime < DAY_S
    if _driver_starts() and not tried_lately:
        print("Setting up: Chromium for the tests, from playwright")
        reason = _from_playwright()
        if find():
            WHY_NOT.unlink(missing_ok=True)
            return
        WHY_NOT.write_text(reason + "\n")
    print(f"No browser: {why_not()}. The browser tests will be skipped.")


if __name__ == "__main__":
    main()
