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
    """The path of a Chromium that starts here, or None."""
    asked = os.environ.get("CHROMIUM")
    own = (shutil.which(name) for name in OWN_NAMES)
    cache = Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH", Path.home() / ".cache" / "ms-playwright"))
    downloaded = sorted(
        str(path) for path in cache.glob("chromium*/chrome-*/*") if path.name in ("chrome", "headless_shell")
    )
    return next((path for path in (asked, *own, *downloaded) if path and _starts(path)), None)


def why_not() -> str:
    """Why there is no browser, in one line, for the tests that are skipped."""
    return WHY_NOT.read_text().strip() if WHY_NOT.exists() else "no Chromium on PATH and none downloaded"


def _starts(path: str) -> bool:
    try:
        return subprocess.run([path, "--version"], capture_output=True, timeout=20, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _from_debian() -> None:
    environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium"]
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
    if WHY_NOT.exists() and time.time() - WHY_NOT.stat().st_mtime < DAY_S:
        return
    print("Setting up: Chromium for the tests, from playwright")
    reason = _from_playwright()
    if find():
        WHY_NOT.unlink(missing_ok=True)
        return
    WHY_NOT.write_text(reason + "\n")
    print(f"No browser: {reason}. The browser tests will be skipped.")


if __name__ == "__main__":
    main()
