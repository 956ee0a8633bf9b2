"""The way a browser takes to the gateway: TLS with the gateway's own authority, its name led to this machine."""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import httpcore
import httpx

from infra.day.browser import Lines


class _Led(httpcore.SyncBackend):
    """Connects to another address than the name says; certificates are still held against the name."""

    def __init__(self, host: str, port: int) -> None:
        self._name, self._port = host, port

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        if host == self._name:
            host, port = "127.0.0.1", self._port
        return super().connect_tcp(host, port, timeout, local_address, socket_options)


class ThroughTheGateway(Lines):
    """Lines to `name`, which listens on `port` of this machine and is vouched for by the certificate in `authority`."""

    def __init__(self, name: str, port: int, authority: Path, *, patience_s: float = 60.0) -> None:
        super().__init__(patience_s=patience_s)
        self.transport = transport(name, port, authority)


def transport(name: str, port: int, authority: Path, *, connections: int = 64) -> httpx.HTTPTransport:
    """What carries requests for `name` to the gateway on this machine."""
    trusted = ssl.create_default_context(cafile=str(authority))
    led = httpx.HTTPTransport(verify=trusted)
    led._pool = httpcore.ConnectionPool(  # httpx has no door for this
        ssl_context=trusted,
        max_connections=connections,
        max_keepalive_connections=16,
        keepalive_expiry=1.5,
        network_backend=_Led(name, port),
    )
    return led
