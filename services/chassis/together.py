"""Requests that would wait for the same row share a transaction, and each gets its own answer.

The first to come carries out its wish at once and alone. Who comes meanwhile waits, and the first of these carries out
the wishes of all of them: so nobody ever waits for company, and the more come, the fewer transactions each costs.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from typing import Generic, TypeVar

Wish = TypeVar("Wish")
Answer = TypeVar("Answer")


class _Place(Generic[Wish, Answer]):
    """One request in the queue; `turn` is held until it has an answer, or until it is the one to carry out."""

    __slots__ = ("answer", "error", "is_over", "turn", "wish")

    def __init__(self, wish: Wish) -> None:
        self.wish = wish
        self.answer: Answer | None = None
        self.error: BaseException | None = None
        self.is_over = False
        self.turn = threading.Lock()
        self.turn.acquire()


class Together(Generic[Wish, Answer]):
    """`carry_out(about, wishes)` returns the answers in the order of the wishes, once they are safe.

    It is called by one thread at a time for each `about`, with at most `most` wishes in the order in which they came.
    What it raises is raised for everybody whose wish it was given.
    """

    def __init__(
        self, carry_out: Callable[[Hashable, Sequence[Wish]], Sequence[Answer]], *, most: int = 32
    ) -> None:
        self._carry_out = carry_out
        self._most = most
        self._queues: dict[Hashable, deque[_Place[Wish, Answer]]] = {}
        self._lock = threading.Lock()

    def ask(self, about: Hashable, wish: Wish) -> Answer:
        """Have `wish` carried out, with those that others have about the same at this moment."""
        mine: _Place[Wish, Answer] = _Place(wish)
        with self._lock:
            queue = self._queues.get(about)
            if queue is None:
                queue = self._queues[about] = deque()
                mine.turn.release()
            queue.append(mine)
        mine.turn.acquire()
        if not mine.is_over:
            self._lead(about, queue)
        if mine.error is not None:
            raise mine.error
        return mine.answer  # type: ignore[return-value]

    def _lead(self, about: Hashable, queue: deque[_Place[Wish, Answer]]) -> None:
        with self._lock:
            places = [queue.popleft() for _ in range(min(self._most, len(queue)))]
        try:
            answers = self._carry_out(about, [place.wish for place in places])
            for place, answer in zip(places, answers, strict=True):
                place.answer = answer
        except BaseException as error:  # noqa: BLE001  each of them raises it in its own thread
            for place in places:
                place.error = error
        with self._lock:
            # The next one begins before the answers of these are written.
            if queue:
                queue[0].turn.release()
            else:
                del self._queues[about]
        for place in places:
            place.is_over = True
            place.turn.release()
