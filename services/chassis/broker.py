"""The broker's rooms and the plain ways to it: the names of its queues, a connection, and the nudge of a relay."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from services.chassis.settings import Settings

if TYPE_CHECKING:
    import redis

# Queues beside the two that each service has.
EXTRA_QUEUES = ("notifications.mail",)


def events_queue(service: str) -> str:
    return f"{service}.events"


def acks_queue(service: str) -> str:
    return f"{service}.acks"


def client(settings: Settings, *, timeout_s: float = 2) -> redis.Redis:
    """A plain connection to the broker, for the epoch, the queue lengths and the nudge."""
    # Here, because a web on PostgreSQL speaks to no broker: 7 MB in each.
    import redis  # noqa: PLC0415

    return redis.Redis.from_url(
        settings.redis_url,
        socket_timeout=timeout_s,
        socket_connect_timeout=min(timeout_s, 2),
        socket_keepalive=True,
    )


def nudge_key(service: str) -> str:
    return f"palabre:nudge:{service}"


class Nudge:
    """Wakes a service's relay after a commit. A lost nudge costs one poll; a dead broker costs nobody a second."""

    REST_S = 2.0

    def __init__(self, settings: Settings, service: str) -> None:
        self._redis = client(settings, timeout_s=0.2)
        self._key = nudge_key(service)
        self._quiet_until = 0.0

    def __call__(self) -> None:
        import redis  # noqa: PLC0415

        if time.monotonic() < self._quiet_until:
            return
        try:
            pipe: Any = self._redis.pipeline(transaction=False)
            pipe.lpush(self._key, 1)
            pipe.ltrim(self._key, 0, 0)
            pipe.execute()
        except redis.RedisError:
            self._quiet_until = time.monotonic() + self.REST_S
