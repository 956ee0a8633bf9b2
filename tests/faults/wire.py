"""A wire between two processes that can be slow, cut in one direction or both, and lose an answer.

python -m tests.faults.wire PORT TARGET_PORT      orders come as lines on standard input: `slow 0.05`, `cut`, …
"""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import threading
from collections.abc import Callable

from tests.postgres import free_port

CHUNK = 65536


class Wire:
    """A wire to `target`, run in a process of its own; `port` is where it is taken up."""

    def __init__(self, target: int) -> None:
        self.port = free_port()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.wire", str(self.port), str(target)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._said(b"ready")

    def order(self, *words: object) -> None:
        """Change the wire and wait until it has changed.

        `slow S` delays every piece by S seconds; `cut` lets nothing through and nobody in; `deaf` swallows what the
        caller says and `mute` what the other end says, with connections left open; `drop` ends every connection now;
        `lose N` swallows the next N answers and ends their connections; `to PORT` leads newcomers to another port;
        `heal` undoes all but `to`.
        """
        assert self._process.stdin is not None
        self._process.stdin.write((" ".join(map(str, words)) + "\n").encode())
        self._process.stdin.flush()
        self._said(b"done")

    def close(self) -> None:
        self._process.kill()
        self._process.wait()

    def _said(self, word: bytes) -> None:
        assert self._process.stdout is not None
        said = self._process.stdout.readline().strip()
        if said != word:
            raise RuntimeError(f"the wire said {said!r}")


class _Run:
    def __init__(self, target: int) -> None:
        self.target = target
        self.delay_s = 0.0
        self.deaf = self.mute = self.shut = False
        self.to_lose = 0
        self.healed = asyncio.Event()
        self.healed.set()
        self.ends: set[asyncio.StreamWriter] = set()

    def obey(self, verb: str, word: str) -> None:
        if verb in ("cut", "deaf", "mute"):
            self.deaf, self.mute = self.deaf or verb != "mute", self.mute or verb != "deaf"
            self.shut = self.shut or verb == "cut"
        elif verb == "slow":
            self.delay_s = float(word)
        elif verb == "lose":
            self.to_lose = int(word)
        elif verb == "to":
            self.target = int(word)
        elif verb == "drop":
            for end in self.ends:
                end.transport.abort()
        elif verb == "heal":
            self.delay_s, self.to_lose = 0.0, 0
            self.deaf = self.mute = self.shut = False
        if self.deaf or self.mute:
            self.healed.clear()
        else:
            self.healed.set()

    async def call(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.shut:
            await self.healed.wait()
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.transport.abort()
            return
        self.ends |= {writer, far_writer}
        try:
            await asyncio.gather(
                self._carry(reader, far_writer, lambda: self.deaf, answer=False),
                self._carry(far_reader, writer, lambda: self.mute, answer=True),
            )
        finally:
            self.ends -= {writer, far_writer}
            writer.transport.abort()
            far_writer.transport.abort()

    async def _carry(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        is_cut: Callable[[], bool],
        *,
        answer: bool,
    ) -> None:
        with contextlib.suppress(OSError):
            while piece := await reader.read(CHUNK):
                if is_cut():
                    # A network sends again what got no receipt, so nothing is missing once it is healed.
                    await self.healed.wait()
                if self.delay_s:
                    await asyncio.sleep(self.delay_s)
                if answer and self.to_lose > 0:
                    self.to_lose -= 1
                    break
                writer.write(piece)
                await writer.drain()
        writer.transport.abort()


async def _main(port: int, target: int) -> None:
    run, loop = _Run(target), asyncio.get_running_loop()
    server = await asyncio.start_server(run.call, "127.0.0.1", port, backlog=512)
    print("ready", flush=True)

    def obey(line: str) -> None:
        verb, _, word = line.strip().partition(" ")
        run.obey(verb, word)
        print("done", flush=True)

    def listen() -> None:
        for line in sys.stdin:
            loop.call_soon_threadsafe(obey, line)
        loop.call_soon_threadsafe(server.close)

    threading.Thread(target=listen, daemon=True).start()
    async with server:
        with contextlib.suppress(asyncio.CancelledError):
            await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main(int(sys.argv[1]), int(sys.argv[2])))
