"""What we look at in a browser: accessibility, the width of the page, what the console says, what it weighs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, Response

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice"]
DESK, PHONE = {"width": 1280, "height": 900}, {"width": 360, "height": 740}


def axe(page: Page, *, ignoring: tuple[str, ...] = ()) -> None:
    """Fail on any violation of WCAG 2.0 to 2.2, A and AA, and of axe's own good practice."""
    options = {
        "runOnly": {"type": "tag", "values": RULES},
        "resultTypes": ["violations"],
        "rules": {rule: {"enabled": False} for rule in ignoring},
    }
    found = Axe().run(page, options=options).response["violations"]
    told = [
        f"{one['id']}: {one['help']}: {node['html'][:200]} ({node.get('failureSummary', '')[:200]})"
        for one in found
        for node in one["nodes"][:3]
    ]
    assert not told, f"{page.url}\n" + "\n".join(told)


def no_sideways_scroll(page: Page) -> None:
    """Fail when the page is wider than the window, and name what sticks out."""
    wide: list[str] = page.evaluate(
        """() => {
          const room = document.documentElement.clientWidth;
          if (document.scrollingElement.scrollWidth <= room) return [];
          return [...document.body.querySelectorAll("*")]
            .filter((e) => e.getBoundingClientRect().right > room + 1)
            .slice(-5).map((e) => e.outerHTML.slice(0, 160));
        }"""
    )
    assert not wide, f"{page.url} scrolls sideways at {page.viewport_size}:\n" + "\n".join(wide)


@dataclass
class Overheard:
    """What a page loaded and what it complained of."""

    complaints: list[str] = field(default_factory=list)
    responses: list[Response] = field(default_factory=list)

    @property
    def bytes(self) -> int:
        """What came over the wire: heads and bodies, as compressed as they came."""
        sizes = [response.request.sizes() for response in self.responses]
        return sum(size["responseBodySize"] + size["responseHeadersSize"] for size in sizes)


@contextmanager
def overhearing(page: Page) -> Iterator[Overheard]:
    """Listen to what the page loads and complains of while the block runs."""
    heard = Overheard()

    def complain(text: str) -> None:
        heard.complaints.append(f"{page.url}: {text}")

    listeners = {
        "console": lambda message: complain(message.text) if message.type in ("error", "warning") else None,
        "pageerror": lambda error: complain(str(error)),
        "requestfailed": lambda request: (
            None if "ERR_ABORTED" in str(request.failure) else complain(f"{request.url} {request.failure}")
        ),
        "response": lambda response: heard.responses.append(response),
    }
    for event, listener in listeners.items():
        page.on(event, listener)  # type: ignore[call-overload]
    try:
        yield heard
    finally:
        for event, listener in listeners.items():
            page.remove_listener(event, listener)


def tab_to(page: Page, selector: str, *, within: int = 80) -> None:
    """Press Tab until the focus is on `selector`; fail when it never comes there or cannot be seen."""
    for _ in range(within):
        page.keyboard.press("Tab")
        if page.evaluate("s => !!document.activeElement?.matches(s)", selector):
            seen = page.evaluate(
                """() => {
                  const e = document.activeElement, style = getComputedStyle(e), shown = e.closest(".choice") ?? e;
                  return style.outlineStyle !== "none" || getComputedStyle(shown).outlineStyle !== "none";
                }"""
            )
            assert seen, f"{selector} has the focus and does not show it"
            return
    raise AssertionError(f"{page.url}: {selector} is out of reach of the keyboard")
