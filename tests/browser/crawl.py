"""Walks the pages one person can reach, by their links, and looks at each as they would."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pathlib import Path
from urllib.parse import urldefrag, urlsplit

from playwright.sync_api import Page
from werkzeug.exceptions import HTTPException
from werkzeug.routing import MapAdapter, RequestRedirect, Rule

from infra import prefixes
from services.chassis.db import Database
from tests.unit.chassis.face import some_settings

SERVICES = ("registration", "grouping", "feedback", "notifications")


@cache
def doors() -> dict[str, MapAdapter]:
    """The addresses each service answers, as its own app tells them."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in SERVICES:
            service = import_module(f"services.{name}.app").service
            database = Database(f"sqlite:///{Path(folder)}/{name}.db", name)
            found[name] = service.create_app(service, database, some_settings(mailbox_key="k")).url_map.bind("")
            database.dispose()
    return found


# Programs' doors, files of the house, and the operators' pages, which test_dead_facts.py opens.
LEFT_OUT = ("/api/", "/static/", "/healthz", "/readyz", "/metrics", "/faits/")


def readable() -> set[str]:
    """Every rule a browser may GET, but for what is left out."""
    return {
        rule.rule
        for door in doors().values()
        for rule in door.map.iter_rules()
        if "GET" in (rule.methods or ()) and not rule.rule.startswith(LEFT_OUT)
    }


def rule_of(address: str) -> str:
    """The rule that answers an address, by the prefix and then by the service's own map; empty when none does."""
    path = urlsplit(address).path
    try:
        found = doors()[prefixes.Table(prefixes.read()).service(path)].match(
            path, method="GET", return_rule=True
        )
    except (HTTPException, RequestRedirect):
        return ""
    rule = found[0]
    return rule.rule if isinstance(rule, Rule) else ""


@dataclass
class Walk:
    """What was seen: addresses with their answer, the rules behind them, and what was wrong."""

    seen: dict[str, int] = field(default_factory=dict)
    rules: set[str] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)


def walk(
    page: Page,
    seeds: Iterable[str],
    look: Callable[[Page], None],
    *,
    gone: Iterable[str] = (),
    a_kind: int = 2,
    most: int = 250,
) -> Walk:
    """Open the seeds and whatever they lead to on the same site, `a_kind` addresses of each rule at most.

    `look` examines each page and may raise AssertionError. A link that leads to nothing is wrong too; those of
    the rules in `gone` may have been used up (410).
    """
    found, kinds = Walk(), Counter[str]()
    waiting = [(seed, "the start") for seed in seeds]
    home, asked = urlsplit(waiting[0][0]).netloc, {seed for seed, _ in waiting}
    while waiting and len(found.seen) < most:
        address, source = waiting.pop(0)
        rule = rule_of(address)
        if kinds[rule] >= a_kind and source != "the start" and rule:
            continue
        kinds[rule] += 1
        found.rules.add(rule)
        answer = page.context.request.get(address)
        found.seen[address] = answer.status
        if answer.status >= 400 and not (answer.status == 410 and rule in gone):
            found.wrong.append(f"{address} (from {source}) answers {answer.status}")
            continue
        if not _is_page(answer.headers):
            continue
        page.goto(address)
        try:
            look(page)
        except AssertionError as trouble:
            found.wrong.append(str(trouble))
        for href in page.eval_on_selector_all("a[href], iframe[src]", "all => all.map(e => e.href || e.src)"):
            link = urldefrag(href)[0]
            if urlsplit(link).netloc == home and link not in asked and "lang=" not in urlsplit(link).query:
                asked.add(link)
                waiting.append((link, address))
    return found


def _is_page(headers: dict[str, str]) -> bool:
    """A page of ours: neither a file to keep nor a letter, which has a house style of its own."""
    return (
        headers.get("content-type", "").startswith("text/html")
        and "attachment" not in headers.get("content-disposition", "")
        and "sandbox" not in headers.get("content-security-policy", "")
    )
