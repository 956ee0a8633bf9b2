"""A real platform after its day, and the people who can open its pages."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import Any

import httpx
from playwright.sync_api import Browser, BrowserContext

from tests.embedded import ROOT, Platform


@dataclass
class Town:
    """`slug` is the gathering whose day was played; `sample` the one that waits for its day."""

    platform: Platform
    sample: str = "chemins-croises"
    slug: str = ""
    owner: str = ""
    doors: dict[str, Any] = field(default_factory=dict)

    @property
    def address(self) -> str:
        return self.platform.address

    def letters(self, **about: str) -> list[dict[str, Any]]:
        """Letters in the local mailbox, oldest first; `to` and `kind` choose."""
        answer = httpx.get(f"{self.platform.mailbox}.json", params=about, timeout=20).raise_for_status()
        found: list[dict[str, Any]] = answer.json()["letters"]
        return [letter for letter in found if all(letter[name] == value for name, value in about.items())]

    def link(self, part: str, *, within_s: float = 15, known: int = 0, **about: str) -> str:
        """The newest link with `part` in it, in a letter that came after the `known` first."""
        until = time.monotonic() + within_s
        while time.monotonic() < until:
            for letter in reversed(self.letters(**about)[known:]):
                for link in letter["links"]:
                    if part in link:
                        return str(link)
            time.sleep(0.1)
        raise AssertionError(f"no letter {about} with a link {part!r} came within {within_s} s")

    def sign_in(self, context: BrowserContext) -> None:
        """Come in as the owner, by the letter."""
        known = len(self.letters(to=self.owner, kind="sign-in"))
        page = context.new_page()
        page.goto(f"{self.address}/entrer")
        page.fill("input[type=email]", self.owner)
        page.click("main form button")
        page.goto(self.link("/entrer/", to=self.owner, kind="sign-in", known=known))
        page.click("main form button")
        page.wait_for_url(f"{self.address}/")
        page.close()


def play(platform: Platform, *, people: int = 24) -> subprocess.CompletedProcess[str]:
    """Play the reference day, small, through the platform's public doors."""
    return subprocess.run(
        [
            sys.executable, "-m", "infra.day", "--people", str(people), "--hands", "4",
            "--base", platform.address, "--mailbox", platform.mailbox, "--sign-in", platform.owner_link,
            "--out", str(platform.data / "day.json"),
        ],
        cwd=ROOT, capture_output=True, text=True, timeout=280, check=False,
    )  # fmt: skip


def found_town(platform: Platform, browser: Browser) -> Town:
    """Play the day and find out who is who from the letters and the pages."""
    town = Town(platform)
    told = play(platform)
    (platform.data / "day.said").write_text(told.stdout + told.stderr, "utf-8")
    first = town.letters(kind="registered")
    slugs = re.findall(r"/r/([\w-]+)", httpx.get(town.address).text)
    town.slug = next((slug for slug in slugs if slug != town.sample), town.sample)
    town.doors["said"] = told.stdout[-2000:]
    town.doors["first"] = first[:1]
    return town
