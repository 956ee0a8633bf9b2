"""The stand-in for Toxiproxy does what its real one is asked to do in infra/compose/faults.yml."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, TypeVar

import pytest

from tests.compose.overrides import BLOWS
from tests.compose.standins.toxiproxy import Proxies, Refused
from tests.postgres import free_port

T = TypeVar("T")


def played(story: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """What a story comes to, in a thread of its own: a browser of other tests may keep this one's loop running."""
    with ThreadPoolExecutor(1) as alone:
        return alone.submit(lambda: asyncio.run(story())).result()


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while piece := await reader.read(1000):
            writer.write(piece)
    writer.close()


async def a_line() -> tuple[Proxies, int]:
    """A proxy called `broker` that leads to a server which says what it hears; the port it listens on."""
    upstream, listen = free_port(), free_port()
    await asyncio.start_server(echo, "127.0.0.1", upstream)
    proxies = Proxies()
    told = {"name": "broker", "listen": f"127.0.0.1:{listen}", "upstream": f"127.0.0.1:{upstream}"}
    await proxies.answer("POST", "/proxies", told)
    return proxies, listen


async def said(port: int) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"hello")
    heard = await reader.read(1000)
    writer.close()
    return heard


def test_what_is_said_goes_through() -> None:
    async def story() -> bytes:
        _, port = await a_line()
        return await said(port)

    assert played(story) == b"hello"


def test_a_cut_ends_open_lines_and_takes_no_new_ones_until_it_is_healed() -> None:
    async def story() -> bytes:
        proxies, port = await a_line()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"hello")
        await reader.read(1000)
        await proxies.answer("POST", "/proxies/broker", {"enabled": False})
        with suppress(ConnectionResetError):
            assert await reader.read(1000) == b""
        with pytest.raises(ConnectionRefusedError):
            await said(port)
        await proxies.answer("POST", "/proxies/broker", {"enabled": True})
        return await said(port)

    assert played(story) == b"hello"


def test_latency_keeps_back_what_is_answered() -> None:
    async def story() -> float:
        proxies, port = await a_line()
        await proxies.answer(
            "POST", "/proxies/broker/toxics", {"type": "latency", "attributes": {"latency": 80}}
        )
        began = asyncio.get_running_loop().time()
        await said(port)
        return asyncio.get_running_loop().time() - began

    assert played(story) >= 0.08


def test_a_toxic_it_does_not_know_is_refused() -> None:
    async def story() -> None:
        proxies, _ = await a_line()
        await proxies.answer("POST", "/proxies/broker/toxics", {"type": "slicer"})

    with pytest.raises(Refused):
        played(story)


def test_every_fault_of_the_played_day_is_one_of_a_proxy_that_the_override_names() -> None:
    with open("infra/compose/proxies.json", encoding="utf-8") as text:
        named = {told["name"] for told in json.load(text)}

    ways = [way.split("/") for told in BLOWS.values() for way, _ in told]
    assert {way[2] for way in ways if way[1] == "proxies"} == named
