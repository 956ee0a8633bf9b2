"""One person's browser: cookies, forms, and the patience to press again when the line breaks."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection
from typing import Any
from uuid import uuid4

import httpx

from infra.day import page
from infra.day.page import Form, Page

PATIENCE_S = 60.0
BROKEN = {502, 503, 504}


class Refusal(AssertionError):
    """The platform answered otherwise than the day expects."""


class Lines:
    """What all browsers share: the connections, and a count of what went over them."""

    def __init__(self, *, patience_s: float = PATIENCE_S) -> None:
        limits = httpx.Limits(max_connections=64, max_keepalive_connections=16, keepalive_expiry=1.5)
        self.transport = httpx.HTTPTransport(limits=limits)
        self.patience_s = patience_s
        self.requests = 0
        self.again = 0
        self.failed: list[str] = []
        self.lock = threading.Lock()

    def client(self, base: str, **headers: str) -> httpx.Client:
        return httpx.Client(
            base_url=base,
            transport=self.transport,
            timeout=30,
            trust_env=False,
            headers=headers,
            follow_redirects=False,
        )

    def send(self, client: httpx.Client, method: str, url: str, **what: Any) -> httpx.Response:
        """Send, and the same once more while the line is broken: a person presses again and changes nothing."""
        give_up, pause_s = time.monotonic() + self.patience_s, 0.2
        while True:
            answer, said = self._once(client, method, url, what)
            if answer is not None:
                return answer
            if time.monotonic() > give_up:
                raise Refusal(f"{method} {url}: no answer for {self.patience_s:.0f} s, at last {said}")
            time.sleep(pause_s)
            pause_s = min(2.0, pause_s * 1.5)

    def _once(
        self, client: httpx.Client, method: str, url: str, what: dict[str, Any]
    ) -> tuple[httpx.Response | None, str]:
        try:
            answer = client.request(method, url, **what)
        except httpx.TransportError as trouble:
            self._count(again=1)
            return None, repr(trouble)
        if answer.status_code in BROKEN:
            self._count(again=1)
            return None, str(answer.status_code)
        if _is_cut_off(answer):
            self._count(again=1)
            return None, "half a page"
        self._count(failed=f"{answer.status_code} {method} {url}" if answer.status_code >= 500 else "")
        return answer, ""

    def _count(self, *, again: int = 0, failed: str = "") -> None:
        with self.lock:
            self.requests += 1
            self.again += again
            if failed:
                self.failed.append(failed)


def _is_cut_off(answer: httpx.Response) -> bool:
    """Whether a page lacks its end: some gateways end an answer politely when the server dies in the middle of it."""
    is_page = answer.headers.get("content-type", "").startswith("text/html")
    return is_page and not answer.has_redirect_location and not answer.text.rstrip().endswith("</html>")


class Browser:
    """Pages for one person. Cookies stay with them; redirects are followed as a browser does."""

    def __init__(self, lines: Lines, base: str, language: str = "fr") -> None:
        self.lines = lines
        self.client = lines.client(base, **{"Accept": "text/html", "Accept-Language": language})
        self.here = ""

    def get(self, url: str, *, expect: Collection[int] = (200,)) -> Page:
        return self._follow("GET", url, expect)

    def send(self, form: Form, button: str | None = None, *, expect: Collection[int] = (200,)) -> Page:
        """Send a filled form. `expect` names the statuses of the page that one may finally stand on."""
        pairs = form.data(button)
        if form.method == "get":
            return self._follow("GET", form.action, expect, params=pairs)
        data: dict[str, list[str]] = {}
        for name, value in pairs:
            data.setdefault(name, []).append(value)
        what: dict[str, Any] = {"data": data}
        if form.files:
            what["files"] = form.files
        return self._follow("POST", form.action, expect, **what)

    def _follow(self, method: str, url: str, expect: Collection[int], **what: Any) -> Page:
        # Over TLS a form must say which page it was filled in on, as every browser does.
        where = {"Referer": self.here or str(self.client.base_url)}
        answer = self.lines.send(self.client, method, url, headers=where, **what)
        for _ in range(8):
            if not answer.has_redirect_location:
                break
            target = str(answer.url.join(answer.headers["location"]))
            answer = self.lines.send(self.client, "GET", target)
        self.here = str(answer.url)
        seen = page.read(str(answer.url), answer.status_code, answer.text)
        if answer.status_code not in expect:
            raise Refusal(f"{method} {url} ended on {answer.status_code} {answer.url}: {seen.text[:600]!r}")
        return seen


class Program:
    """The JSON doors, as an organiser's own program would use them."""

    def __init__(self, lines: Lines, base: str, person: Browser | None = None) -> None:
        self.lines = lines
        self.client = lines.client(base, Accept="application/json")
        self.person = person

    def get(self, url: str, **params: Any) -> Any:
        return self._said("GET", url, params=params)

    def all(self, url: str) -> list[Any]:
        """All items of a list, page after page."""
        items: list[Any] = []
        after: int | None = 0
        while after is not None:
            page = self.get(url, after=after, limit=500)
            items += page["items"]
            after = page["next"]
        return items

    def look(self, url: str) -> Any:
        """The body whatever the status: a service that is not ready says so with 503 and tells why."""
        for _ in range(100):
            try:
                return self.client.get(url).json()
            except (httpx.TransportError, ValueError):
                time.sleep(0.2)
        raise Refusal(f"GET {url}: no answer")

    def post(self, url: str, body: Any = None, *, key: str | None = None) -> Any:
        return self._said("POST", url, json=body or {}, headers={"Idempotency-Key": key or str(uuid4())})

    def put(self, url: str, body: Any, *, key: str | None = None) -> Any:
        return self._said("PUT", url, json=body, headers={"Idempotency-Key": key or str(uuid4())})

    def _said(self, method: str, url: str, **what: Any) -> Any:
        if self.person is not None:  # whoever signed in on the pages is let in here too
            self.client.cookies = self.person.client.cookies
        answer = self.lines.send(self.client, method, url, **what)
        if answer.status_code >= 400:
            raise Refusal(f"{method} {url} answered {answer.status_code}: {answer.text[:600]}")
        return answer.json() if answer.content else None
