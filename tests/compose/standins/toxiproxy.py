"""A stand-in for Toxiproxy: the part of its HTTP API that infra/compose/faults.yml and its readers use.

Proxies are read from the file of -config and told at GET /proxies; POST /proxies/<name> switches one on and off, which
cuts the lines that are open; toxics are latency, bandwidth, timeout. One that is unknown is refused, never ignored.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

PIECE = 32 * 1024
KINDS = {"latency": {"latency", "jitter"}, "bandwidth": {"rate"}, "timeout": {"timeout"}}


class Refused(Exception):
    """An answer other than what was asked for: status and words."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status, self.words = status, words


@dataclass
class Proxy:
    """One place that listens and leads on; `toxics` by name."""

    name: str
    listen: str
    upstream: str
    enabled: bool = True
    toxics: dict[str, dict[str, Any]] = field(default_factory=dict)
    server: asyncio.Server | None = None
    lines: set[asyncio.StreamWriter] = field(default_factory=set)

    async def switch(self, on: bool) -> None:
        if on and self.server is None:
            host, _, port = self.listen.rpartition(":")
            self.server = await asyncio.start_server(self._lead, host, int(port))
        elif not on and self.server is not None:
            self.server.close()
            self.server = None
            for line in list(self.lines):
                line.transport.abort()
        self.enabled = on

    def told(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "listen": self.listen,
            "upstream": self.upstream,
            "enabled": self.enabled,
            "toxics": list(self.toxics.values()),
        }

    def add(self, asked: dict[str, Any]) -> dict[str, Any]:
        kind, stream = str(asked.get("type", "")), str(asked.get("stream") or "downstream")
        attributes = asked.get("attributes") or {}
        if kind not in KINDS or set(attributes) - KINDS[kind] or stream not in ("upstream", "downstream"):
            raise Refused(HTTPStatus.BAD_REQUEST, f"this stand-in knows no such toxic: {json.dumps(asked)}")
        name = str(asked.get("name") or f"{kind}_{stream}")
        if name in self.toxics:
            raise Refused(HTTPStatus.CONFLICT, "toxic already exists")
        self.toxics[name] = {
            "name": name, "type": kind, "stream": stream, "attributes": attributes,
            "toxicity": float(asked.get("toxicity", 1.0)),
        }  # fmt: skip
        return self.toxics[name]

    async def _lead(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host, _, port = self.upstream.rpartition(":")
        try:
            there = await asyncio.open_connection(host, int(port))
        except OSError:
            writer.transport.abort()
            return
        ends = {writer, there[1]}
        self.lines |= ends
        try:
            ways = [
                asyncio.create_task(self._carry(reader, there[1], "upstream")),
                asyncio.create_task(self._carry(there[0], writer, "downstream")),
            ]
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in ways:
                way.cancel()
        finally:
            for end in ends:
                self.lines.discard(end)
                end.close()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, stream: str) -> None:
        with suppress(OSError):
            while piece := await reader.read(PIECE):
                for toxic in [one for one in self.toxics.values() if one["stream"] == stream]:
                    attributes = toxic["attributes"]
                    if toxic["type"] == "latency":
                        await asyncio.sleep(attributes.get("latency", 0) / 1000)
                    elif toxic["type"] == "bandwidth":
                        await asyncio.sleep(len(piece) / 1024 / max(attributes.get("rate", 0), 0.001))
                    else:  # nothing goes through; after so long the line is cut, with 0 never
                        await asyncio.sleep(attributes.get("timeout", 0) / 1000 or 1e9)
                        return
                writer.write(piece)
                await writer.drain()


class Proxies:
    """All of them, and what is answered to who asks for them."""

    def __init__(self) -> None:
        self.named: dict[str, Proxy] = {}

    async def make(self, told: dict[str, Any]) -> Proxy:
        name = str(told["name"])
        if name in self.named:
            raise Refused(HTTPStatus.CONFLICT, "proxy already exists")
        proxy = self.named[name] = Proxy(name, str(told["listen"]), str(told["upstream"]))
        await proxy.switch(bool(told.get("enabled", True)))
        return proxy

    async def answer(self, method: str, path: str, asked: dict[str, Any]) -> tuple[int, Any]:
        match method, path.strip("/").split("/"):
            case "GET", ["version"]:
                return HTTPStatus.OK, {"version": "stand-in"}
            case "GET", ["proxies"]:
                return HTTPStatus.OK, {name: proxy.told() for name, proxy in self.named.items()}
            case "POST", ["proxies"]:
                return HTTPStatus.CREATED, (await self.make(asked)).told()
            case "POST", ["reset"]:
                for proxy in self.named.values():
                    proxy.toxics.clear()
                    await proxy.switch(True)
                return HTTPStatus.NO_CONTENT, None
            case _, ["proxies", name, *rest] if name in self.named:
                return await self._of_one(method, self.named[name], rest, asked)
        raise Refused(HTTPStatus.NOT_FOUND, "proxy not found")

    async def _of_one(
        self, method: str, proxy: Proxy, rest: list[str], asked: dict[str, Any]
    ) -> tuple[int, Any]:
        match method, rest:
            case "GET", []:
                return HTTPStatus.OK, proxy.told()
            case (("POST" | "PATCH"), []):
                await proxy.switch(bool(asked.get("enabled", proxy.enabled)))
                return HTTPStatus.OK, proxy.told()
            case "GET", ["toxics"]:
                return HTTPStatus.OK, list(proxy.toxics.values())
            case "POST", ["toxics"]:
                return HTTPStatus.OK, proxy.add(asked)
            case "DELETE", ["toxics", name] if name in proxy.toxics:
                del proxy.toxics[name]
                return HTTPStatus.NO_CONTENT, None
        raise Refused(HTTPStatus.NOT_FOUND, "toxic not found")

    async def door(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request, one answer, and the line is closed."""
        with suppress(OSError, asyncio.IncompleteReadError, ValueError):
            first, *heads = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").strip().split("\r\n")
            method, path, _ = first.split()
            known = {name.lower(): value.strip() for name, _, value in (one.partition(":") for one in heads)}
            body = await reader.readexactly(int(known.get("content-length", "0")))
            try:
                status, told = await self.answer(method, path, json.loads(body or b"{}"))
            except Refused as no:
                status, told = no.status, {"error": no.words, "status": no.status}
            except (KeyError, ValueError, OSError) as trouble:
                status, told = HTTPStatus.BAD_REQUEST, {"error": str(trouble)}
            content = b"" if told is None else json.dumps(told).encode()
            writer.write(
                f"HTTP/1.1 {int(status)} {HTTPStatus(status).phrase}\r\nContent-Type: application/json\r\n"
                f"Content-Length: {len(content)}\r\nConnection: close\r\n\r\n".encode()
                + content
            )
            await writer.drain()
        writer.close()


async def serve(host: str, port: int, config: str) -> None:
    proxies = Proxies()
    if config:
        with open(config, encoding="utf-8") as text:
            for told in json.load(text):
                await proxies.make(told)
    door = await asyncio.start_server(proxies.door, host, port)
    await door.serve_forever()


def main(words: list[str]) -> None:
    options = argparse.ArgumentParser(prog="toxiproxy-server")
    options.add_argument("-host", default="localhost")
    options.add_argument("-port", type=int, default=8474)
    options.add_argument("-config", default="")
    chosen = options.parse_args(words)
    with suppress(KeyboardInterrupt):
        asyncio.run(serve(chosen.host, chosen.port, chosen.config))


if __name__ == "__main__":
    main(sys.argv[1:])
