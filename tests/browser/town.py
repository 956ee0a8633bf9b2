"""A real platform after its day, and the people who can open its pages."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import BrowserContext

from infra.embedded import running
from tests.embedded import ROOT

SAMPLE = "chemins-croises"


@dataclass(frozen=True)
class Town:
    """`slug` is the gathering whose day was played; `SAMPLE` still waits for its own."""

    address: str
    mailbox: str
    owner: str
    slug: str

    def letters(self, **about: str) -> list[dict[str, Any]]:
        """Letters in the local mailbox, oldest first; `to` and `kind` choose."""
        found: list[dict[str, Any]] = []
        while True:
            after = found[-1]["number"] if found else 0
            answer = httpx.get(f"{self.mailbox}.json", params={**about, "after": after}, timeout=20)
            fresh = answer.raise_for_status().json()["letters"]
            if not fresh:
                return [
                    letter for letter in found if all(letter[name] == value for name, value in about.items())
                ]
            found += fresh

    def link(self, part: str, *, known: int = 0, within_s: float = 15, **about: str) -> str:
        """The newest link with `part` in it, in a letter that came after the `known` first."""
        until = time.monotonic() + within_s
        while time.monotonic() < until:
            for letter in reversed(self.letters(**about)[known:]):
                for link in letter["links"]:
                    if part in link:
                        return str(link)
            time.sleep(0.1)
        raise AssertionError(f"no letter {about} with a link {part!r} came within {within_s} s")

    def links(self, part: str, **about: str) -> list[str]:
        """The different links with `part` in them, oldest first."""
        every = (link for letter in self.letters(**about) for link in letter["links"] if part in link)
        return list(dict.fromkeys(map(str, every)))

    def refusal(self, kind: str) -> str:
        """Where the reader of the newest letter of a kind that solicits says no: a header, and no link in the text."""
        number = self.letters(kind=kind)[-1]["number"]
        shown = httpx.get(f"{self.mailbox}/{number}", timeout=20).raise_for_status().text
        return re.findall(r"https?://[^\s&<>\"]+/refus/[\w-]+", shown)[0]

    def sign_in(self, context: BrowserContext) -> None:
        """Come in as the owner, by the letter."""
        known = len(self.letters(to=self.owner, kind="sign-in"))
        page = context.new_page()
        page.goto(f"{self.address}/entrer")
        page.fill("input[type=email]", self.owner)
        page.click("main form .btn.main")
        page.goto(self.link("/entrer/", to=self.owner, kind="sign-in", known=known))
        page.click("main form .btn.main")
        page.wait_for_url(f"{self.address}/")
        page.close()


def found(data: Path, *, people: int = 24) -> Town:
    """Play the reference day, small, on the running platform in `data`, and find out who is who."""
    run = running.read(data)
    told = subprocess.run(
        [
            sys.executable, "-m", "infra.day", "--people", str(people), "--hands", "3", "--base", run["address"],
            "--mailbox", run["mailbox"], "--sign-in", run["sign_in"], "--out", str(data / "day.json"),
        ],
        cwd=ROOT, capture_output=True, text=True, timeout=280, check=False,
    )  # fmt: skip
    if not (data / "day.json").exists():
        raise AssertionError(f"the day could not be played:\n{told.stdout[-3000:]}{told.stderr[-2000:]}")
    return settled(data)


def settled(data: Path) -> Town:
    """The town of a platform whose day was played already."""
    run = running.read(data)
    letters = Town(run["address"], run["mailbox"], "", "").letters(kind="account")
    (slug,) = {match[1] for letter in letters for match in re.finditer(r"/retour/([\w-]+)", letter["text"])}
    public = httpx.get(f"{run['address']}/r/{SAMPLE}", timeout=20).text
    (owner,) = set(re.findall(r"mailto:([^\"]+)", public))
    return Town(run["address"], run["mailbox"], owner, slug)
