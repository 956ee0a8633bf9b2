"""How often one network may knock at a door that is open to everybody.

People of one hall come from one network, so the measure is a crowd (PALABRE_CROWD), never one person. Each process
counts for itself and in memory: there is nothing to be away, and a count costs microseconds.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import lru_cache, wraps
from http import HTTPStatus
from ipaddress import IPv4Address, IPv6Address, ip_address
from math import ceil
from threading import Lock
from typing import Any, TypeVar

import structlog
from flask import Blueprint, Flask, Response, current_app, request

from services.chassis.errors import Refused
from services.chassis.settings import Settings

log = structlog.get_logger()
V = TypeVar("V", bound=Callable[..., Any])

WINDOW_S = 600
# The bits of an IPv6 address that are a network's; the others its owner chooses.
NETWORK_BITS = 64
_MISSES = (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)


class TooMany(Refused):
    """`retry_after_s` says when it is worth trying again; it becomes the answer's Retry-After."""

    code, status = "too-many", HTTPStatus.TOO_MANY_REQUESTS


@dataclass(frozen=True)
class Door:
    """Something that a network does at most `a_head` times in ten minutes for each person of a crowd."""

    name: str
    a_head: float


# A form that comes back with an error is sent again, and so is a code that was mistyped.
REGISTRATIONS = Door("registrations", 5)
CODES = Door("codes", 5)
# A whole hall may have lost its links on the morning of the day.
LETTERS = Door("letters", 2)
SIGN_INS = Door("sign-ins", 0.5)
KEYS = Door("keys", 2)
LINKS = Door("links", 2)


class Counts:
    """What came in the last `window_s` seconds: all of this window, and of the one before the share that is left.

    Two numbers a key are kept, for two windows at most. A window lets in `limit` at most, and any
    span as long as a window less than twice that.
    """

    def __init__(self, window_s: float) -> None:
        self._window_s = window_s
        self._lock = Lock()
        self._number = 0
        self._here: dict[Hashable, int] = {}
        self._before: dict[Hashable, int] = {}

    def admit(self, key: Hashable, limit: int, *, now_s: float, count: bool = True) -> float:
        """0.0 when there is room for one more, which is then counted; else in how many seconds there will be.

        `now_s` never goes back; `limit` is at least 1. With `count` off it only looks.
        """
        with self._lock:
            number, passed_s = divmod(now_s, self._window_s)
            self._turn(int(number))
            here, before = self._here.get(key, 0), self._before.get(key, 0)
            if here + before * (1 - passed_s / self._window_s) + 1 <= limit:
                if count:
                    self._here[key] = here + 1
                return 0.0
        room = limit - 1
        if here <= room:
            return self._window_s * (1 - (room - here) / before) - passed_s
        # Only the next window has room, and only once enough of this one has gone.
        return self._window_s - passed_s + self._window_s * (1 - room / here)

    def _turn(self, number: int) -> None:
        if number != self._number:
            self._before = self._here if number == self._number + 1 else {}
            self._here, self._number = {}, number


class Doorkeeper:
    """Counts what comes from each network; a crowd of 0 lets everybody through."""

    def __init__(self, crowd: int) -> None:
        self._crowd = crowd
        self._counts = Counts(WINDOW_S)

    def admit(self, door: Door, address: str | None, *, count: bool = True) -> None:
        """Count one more from this address, or only look. Raises TooMany."""
        network = network_of(address)
        if not self._crowd or network is None:
            return
        limit = max(1, ceil(self._crowd * door.a_head))
        # A clock that nobody sets: who was told to wait waits no longer because of one.
        wait_s = ceil(self._counts.admit((door.name, network), limit, now_s=time.monotonic(), count=count))
        if not wait_s:
            return
        # No address here: it is a person's.
        log.warning("door_closed", door=door.name)
        raise TooMany(
            "Very many requests came from your network in a short time. Try again in %(minutes)s min: "
            "nothing has been lost.",
            minutes=ceil(wait_s / 60),
            retry_after_s=wait_s,
        )


def install(app: Flask, settings: Settings) -> None:
    app.extensions["doorkeeper"] = Doorkeeper(settings.crowd)


def counted(door: Door) -> Callable[[V], V]:
    """A view that one network may ask for so often; it stands right below the route."""

    def at(view: V) -> V:
        @wraps(view)
        def admitted(*args: Any, **kwargs: Any) -> Any:
            _keeper().admit(door, request.remote_addr)
            return view(*args, **kwargs)

        admitted._apidoc = {**getattr(view, "_apidoc", {}), "counted": True}  # type: ignore[attr-defined]
        return admitted  # type: ignore[return-value]

    return at


def guard(pages: Blueprint, door: Door = LINKS) -> None:
    """Count the requests to these pages that found nothing, as guesses do; links that are right cost nothing."""

    @pages.before_request
    def admit() -> None:
        _keeper().admit(door, request.remote_addr, count=False)

    @pages.after_request
    def remember(response: Response) -> Response:
        if response.status_code in _MISSES:
            try:
                _keeper().admit(door, request.remote_addr)
            except TooMany:
                # Told at the next request; this one is answered.
                return response
        return response


@lru_cache(maxsize=4096)
def network_of(address: str | None) -> str | None:
    """What is counted as one: an IPv4 address, a /64 of IPv6. None, uncounted: this machine, and what is no address."""
    try:
        there: IPv4Address | IPv6Address = ip_address(address or "")
    except ValueError:
        return None
    if isinstance(there, IPv6Address):
        there = there.ipv4_mapped or there
    if there.is_loopback:
        return None
    if isinstance(there, IPv6Address):
        return f"{int(there) >> (128 - NETWORK_BITS):x}"
    return str(there)


def _keeper() -> Doorkeeper:
    found: Doorkeeper = current_app.extensions["doorkeeper"]
    return found
