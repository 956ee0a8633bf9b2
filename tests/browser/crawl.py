"""Walks the pages one person can reach, by their links, and looks at each as they would."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from urllib.parse import urldefrag, urljoin, urlsplit

from playwright.sync_api import Page

_IDS = re.compile(
    r"[0-9a-f]{8}-[0-9a-f-]{27}|(?<=/)\d+(?=/|$|\.)|(?:(?<=/moi/)|(?<=/boite/)|(?<=/entrer/)|(?<=/q/))[\w-]{8,}"
)


def shape(address: str) -> str:
    """The address with its ids and numbers taken out: pages of one shape are one kind of page."""
    return _IDS.sub("*", urlsplit(address).path)


@dataclass
class Walk:
    """What was seen: addresses by their answer, files that are no pages, and what was wrong."""

    seen: dict[str, int] = field(default_factory=dict)
    files: set[str] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)


def walk(
    page: Page, seeds: Iterable[str], look: Callable[[Page], None], *, a_kind: int = 2, most: int = 150
) -> Walk:
    """Open the seeds and whatever they lead to on the same site, `a_kind` pages of each shape at most.

    `look` examines each page that opened and may raise AssertionError; a link that leads to nothing is wrong too.
    """
    found, kinds = Walk(), Counter[str]()
    waiting = [(seed, "") for seed in seeds]
    home = urlsplit(waiting[0][0]).netloc
    asked = {seed for seed, _ in waiting}
    while waiting and len(found.seen) < most:
        address, source = waiting.pop(0)
        kind = shape(address)
        if source and kinds[kind] >= a_kind:
            continue
        kinds[kind] += 1
        answer = page.context.request.get(address)
        if "text/html" not in answer.headers.get("content-type", "") or "attachment" in answer.headers.get(
            "content-disposition", ""
        ):
            found.files.add(kind)
            found.seen[address] = answer.status
            if answer.status >= 400:
                found.wrong.append(f"{address} (from {source or 'the start'}) answers {answer.status}")
            continue
        opened = page.goto(address)
        found.seen[address] = opened.status if opened else 0
        if found.seen[address] >= 400:
            found.wrong.append(f"{address} (from {source or 'the start'}) answers {found.seen[address]}")
            continue
        try:
            look(page)
        except AssertionError as trouble:
            found.wrong.append(str(trouble))
        for href in page.eval_on_selector_all("a[href], iframe[src]", "all => all.map(e => e.href || e.src)"):
            link = urldefrag(urljoin(address, href))[0]
            if urlsplit(link).netloc == home and link not in asked and "lang=" not in urlsplit(link).query:
                asked.add(link)
                waiting.append((link, address))
    return found
