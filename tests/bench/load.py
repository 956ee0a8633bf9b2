"""A light client: many people at once, each on a kept connection, on the same machine as the server."""

from __future__ import annotations

import http.client
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

HIDDEN = re.compile(r"<input\b(?=[^>]*\btype=[\"']?hidden)[^>]*>")
ATTRIBUTE = re.compile(r"\b(name|value)=\"([^\"]*)\"")


@dataclass
class Answer:
    status: int
    location: str
    body: bytes

    def hidden(self) -> dict[str, str]:
        """The hidden fields of the page's forms; a later one of the same name wins."""
        found = {}
        for tag in HIDDEN.findall(self.body.decode()):
            told = dict(ATTRIBUTE.findall(tag))
            found[told.get("name", "")] = told.get("value", "")
        return found


class Visitor:
    """One person on one connection, with their cookies."""

    def __init__(self, port: int) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.cookies: dict[str, str] = {}
        self.requests = 0
        self.requests_s: list[float] = []

    def forget(self) -> None:
        self.cookies.clear()

    def get(self, path: str, *, accept: str = "") -> Answer:
        return self._ask("GET", path, None, accept=accept)

    def post(self, path: str, **fields: str) -> Answer:
        return self._ask("POST", path, urlencode(fields).encode())

    def _ask(self, method: str, path: str, body: bytes | None, *, accept: str = "") -> Answer:
        headers = {"Accept-Language": "fr"}
        if accept:
            headers["Accept-Encoding"] = accept
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        self.requests += 1
        began = time.perf_counter()
        try:
            self.connection.request(method, path, body, headers)
            answer = self.connection.getresponse()
        except (
            http.client.RemoteDisconnected,
            ConnectionResetError,
        ):  # the server let a kept one go
            self.connection.close()
            self.connection.request(method, path, body, headers)
            answer = self.connection.getresponse()
        content = answer.read()
        self.requests_s.append(time.perf_counter() - began)
        for name, value in answer.getheaders():
            if name.lower() == "set-cookie":
                key, _, rest = value.partition("=")
                self.cookies[key] = rest.partition(";")[0]
        where = urlsplit(answer.getheader("location") or "")
        return Answer(answer.status, where.path + (f"?{where.query}" if where.query else ""), content)


@dataclass
class Run:
    """What one load did: seconds of each flow and of each request, the time it took in all, and what went wrong."""

    flows_s: list[float] = field(default_factory=list)
    requests_s: list[float] = field(default_factory=list)
    seconds: float = 0.0
    requests: int = 0
    wrong: list[str] = field(default_factory=list)

    @property
    def per_s(self) -> float:
        return len(self.flows_s) / self.seconds if self.seconds else 0.0

    def quantile_ms(self, part: float) -> float:
        return _quantile_ms(self.flows_s, part)

    def request_ms(self, part: float) -> float:
        return _quantile_ms(self.requests_s, part)


def _quantile_ms(seconds: list[float], part: float) -> float:
    ordered = sorted(seconds)
    return 1000 * ordered[min(len(ordered) - 1, int(len(ordered) * part))] if ordered else 0.0


def load(port: int, flow: Callable[[Visitor, int], None], *, at_once: int, flows: int) -> Run:
    """Play `flow(visitor, number)` `flows` times, `at_once` of them at any moment."""
    run, numbers, lock = Run(), iter(range(flows)), threading.Lock()

    def visit() -> None:
        visitor = Visitor(port)
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                break
            visitor.forget()
            began = time.perf_counter()
            try:
                flow(visitor, number)
            except (AssertionError, OSError, http.client.HTTPException) as trouble:
                with lock:
                    run.wrong.append(repr(trouble)[:200])
                continue
            with lock:
                run.flows_s.append(time.perf_counter() - began)
        with lock:
            run.requests += visitor.requests
            run.requests_s += visitor.requests_s

    threads = [threading.Thread(target=visit) for _ in range(at_once)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    run.seconds = time.perf_counter() - began
    return run


def repeat(
    port: int,
    prepare: Callable[[Visitor], dict[str, str]],
    flow: Callable[[Visitor, int, dict[str, str]], None],
    *,
    at_once: int,
    flows: int,
) -> Run:
    """Play `flow` `flows` times, each visitor over and over from what `prepare` once gave them, which is not timed."""
    run, numbers, lock = Run(), iter(range(flows)), threading.Lock()
    ready = threading.Barrier(at_once + 1)

    def visit() -> None:
        visitor = Visitor(port)
        given = prepare(visitor)
        ready.wait()
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                break
            began = time.perf_counter()
            try:
                flow(visitor, number, given)
            except (AssertionError, OSError, http.client.HTTPException) as trouble:
                with lock:
                    run.wrong.append(repr(trouble)[:200])
                continue
            with lock:
                run.flows_s.append(time.perf_counter() - began)

    threads = [threading.Thread(target=visit) for _ in range(at_once)]
    for thread in threads:
        thread.start()
    ready.wait()
    began = time.perf_counter()
    for thread in threads:
        thread.join()
    run.seconds = time.perf_counter() - began
    run.requests = flows
    return run
