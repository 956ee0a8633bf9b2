"""A sign of life that costs nothing to look at: a file that is touched while this process does its work.

A container is asked every few seconds whether it is well. Starting Python for each answer costs more than the whole
platform does at rest, so the process itself looks, from a thread, and the one who asks only looks at a file's age.
"""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import structlog

from services.chassis import signs
from services.chassis.broker import client
from services.chassis.settings import Settings

log = structlog.get_logger()

# Often until the first beat, so that whoever waits for us to be well need not wait longer.
EVERY_S, AT_FIRST_S = 20.0, 1.0


class Heart:
    """Touches `place` whenever `is_well()` says so; an answer that fails is no beat."""

    def __init__(self, place: Path, is_well: Callable[[], bool], *, at_first_s: float = AT_FIRST_S) -> None:
        self._place, self._is_well, self._at_first_s = place, is_well, at_first_s
        self._stop = threading.Event()

    def begin(self) -> threading.Thread:
        """Beat from a thread of its own until the process ends."""
        self._place.unlink(missing_ok=True)
        thread = threading.Thread(target=self._beat, name="heart", daemon=True)
        thread.start()
        return thread

    def stop(self) -> None:
        self._stop.set()

    def _beat(self) -> None:
        pause_s = self._at_first_s
        while not self._stop.wait(pause_s):
            if self._is_well():
                self._place.touch()
                pause_s = EVERY_S


def of_the_round(service: str, settings: Settings) -> Callable[[], bool]:
    """Whether a canary went round this service's relay, the broker, its worker and its database lately.

    The worker that heard it left a sign in the broker, where it can be read without a connection to the database: to
    open one for each look would cost the server more than all else it does at rest.
    """
    import redis  # noqa: PLC0415  the door has no broker

    broker = client(settings)

    def is_well() -> bool:
        try:
            sign = signs.seen(broker, [service])[service]
        except redis.RedisError as error:
            log.warning("broker_away", error=type(error).__name__)
            return False
        return sign is not None and not sign.is_silent(datetime.now(UTC))

    return is_well


def of_the_door(port: int) -> Callable[[], bool]:
    """Whether our own web answers, and its database with it."""

    def is_well() -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=4)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    return is_well


def begin(service: str, settings: Settings, *, door: bool) -> None:
    """Begin to beat where the operator asked for it."""
    if not settings.alive:
        return
    is_well = of_the_door(settings.port) if door else of_the_round(service, settings)
    Heart(Path(settings.alive), is_well).begin()
