"""The way to a hearer: how much of what was sent may still lie in its queue, and so how much more may be sent."""

from __future__ import annotations

from collections import deque
from datetime import timedelta
from itertools import islice

from services.chassis import due

# Nothing more goes to a hearer that has so many facts or messages before it; then it gets up to so many in all.
MAX_QUEUE, FULL_QUEUE = 200, 500
# Messages of a queue that is as good as empty.
QUEUED = 2
# A worker has dealt with what it took, and its acknowledgement has come, after so long.
HANDS_S = 3.0


class Way:
    """The way to one hearer: how many facts lie in its queue, and which have left it. All instants are monotonic.

    The broker counts messages. What lies there of ours is at most what our last so many messages held, because the
    oldest are taken first; of messages we do not remember each counts one.
    """

    def __init__(self) -> None:
        # Facts and instant of each of our messages that may lie there, the newest first.
        self._sent: deque[tuple[int, float]] = deque(maxlen=FULL_QUEUE)
        # When it was seen that what we had sent until then was taken, the newest last.
        self._taken: deque[tuple[float, float]] = deque()

    def sent(self, facts: int, now: float) -> None:
        """One more message left, with so many facts."""
        self._sent.appendleft((facts, now))

    def room(self, length: int, now: float) -> int:
        """How many facts may be sent while `length` messages wait; 0: none yet."""
        until = 0.0
        while len(self._sent) > length:
            _, until = self._sent.pop()
        if until:
            self._taken.append((now, until))
        while len(self._taken) > 1 and self._taken[1][0] <= now - HANDS_S:
            self._taken.popleft()
        waiting = max(length, sum(facts for facts, _ in islice(self._sent, length)))
        return FULL_QUEUE - waiting if waiting <= MAX_QUEUE else 0

    def spare(self, length: int, now: float) -> timedelta:
        """How much longer what was sent before is left alone: it may still lie among the `length` messages.

        What has left the queue and is not acknowledged after a while was in a worker's hands that are no more.
        """
        if length <= QUEUED:
            return timedelta(0)
        if not self._taken or self._taken[0][0] > now - HANDS_S:
            return due.WHILE_QUEUED
        sent_ago = timedelta(seconds=now - self._taken[0][1] - due.FIRST_RETRY_S)
        return min(due.WHILE_QUEUED, max(timedelta(0), sent_ago))
