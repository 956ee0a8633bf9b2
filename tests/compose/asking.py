"""So many requests a second, whatever happens; who asks never asks twice."""

from __future__ import annotations

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle

import httpx

from tests.compose.lines import transport
from tests.compose.stack import NAME, Stack

HANDS = 256
ANSWER_WITHIN_S = 30.0


class Asking:
    """Asks for `paths` in turn, `rate` a second, in a `with` block. Any answer but the first one is a failure."""

    def __init__(self, stack: Stack, paths: tuple[str, ...], *, rate: float = 20.0) -> None:
        self._client = httpx.Client(
            base_url=f"https://{NAME}",
            transport=transport(NAME, stack.port, stack.authority, connections=HANDS),
            timeout=ANSWER_WITHIN_S,
            trust_env=False,
        )
        self._usual = {path: self._client.get(path).status_code for path in paths}
        self._paths, self._rate = paths, rate
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._go_on, name="asking")
        self._lock = threading.Lock()
        self.asked = 0
        self.failed: Counter[str] = Counter()
        self.slowest_s = 0.0

    def __enter__(self) -> Asking:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._client.close()

    def _go_on(self) -> None:
        paths, due = cycle(self._paths), time.monotonic()
        with ThreadPoolExecutor(HANDS) as hands:
            while not self._stop.wait(max(0.0, due - time.monotonic())):
                due += 1 / self._rate
                hands.submit(self._ask, next(paths))

    def _ask(self, path: str) -> None:
        began = time.monotonic()
        try:
            status = self._client.get(path).status_code
            said = "" if status == self._usual[path] else f"{status} {path}"
        except httpx.HTTPError as trouble:
            said = f"{type(trouble).__name__} {path}"
        with self._lock:
            self.asked += 1
            self.slowest_s = max(self.slowest_s, time.monotonic() - began)
            if said:
                self.failed[said] += 1
