"""A real mail server that does what a test tells it.

python -m tests.unit.notifications.sink PORT FILE [MS]
    accepts all, writes each Message-ID to FILE, and answers after MS (5) milliseconds
"""

from __future__ import annotations

import asyncio
import email
import re
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.postgres import free_port


class Sink:
    """Accepts letters; `rcpt` and `data` may answer otherwise, `cut` leaves without a word after the final dot.

    With `takes_together` it announces PIPELINING, as the servers of providers do.
    """

    def __init__(self) -> None:
        self.messages: list[bytes] = []
        self.recipients: list[str] = []
        self.connections = 0
        self.rcpt: Callable[[str], str] = lambda address: "250 OK"
        self.data: Callable[[int], str] = lambda number: "250 2.0.0 taken"
        self.cut = False
        self.takes_together = False
        self.port = 0
        self._controller: Controller | None = None

    async def handle_EHLO(  # noqa: N802 - aiosmtpd calls it so
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        self.connections += 1
        session.host_name = hostname
        return [responses[0], "250-PIPELINING", *responses[1:]] if self.takes_together else responses

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        answer = self.rcpt(address)
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: Any, session: Session, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.content
        assert isinstance(content, bytes)
        answer = self.data(len(self.messages) + 1)
        if answer.startswith("250"):
            self.messages.append(content)
            self.recipients += envelope.rcpt_tos
        if self.cut:
            server.transport.abort()
            await asyncio.sleep(0.05)
        return answer

    def start(self, port: int = 0, **options: Any) -> str:
        """Listen; the address to post to."""
        self.port = port or free_port()
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port, **options)
        self._controller.start()
        return f"smtp://127.0.0.1:{self.port}"

    def stop(self) -> None:
        if self._controller is not None:
            self._controller.stop(no_assert=True)
            self._controller = None

    def ids(self) -> list[str]:
        return [str(email.message_from_bytes(message)["Message-ID"]) for message in self.messages]


class _Writing(Sink):
    def __init__(self, path: Path, answers_after_s: float) -> None:
        super().__init__()
        self._answers_after_s = answers_after_s
        self.takes_together = True
        self._file = path.open("ab", buffering=0)

    async def handle_DATA(self, server: Any, session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.content, bytes)
        found = re.search(rb"^Message-ID: (<[^>]+>)", envelope.content, re.MULTILINE)
        assert found is not None
        self._file.write(found[1] + b"\n")  # from here on it is accepted
        if self._answers_after_s:
            await asyncio.sleep(self._answers_after_s)  # a relay takes its time to answer
        return "250 2.0.0 taken"


if __name__ == "__main__":
    wait_ms = float(sys.argv[3]) if len(sys.argv) > 3 else 5
    _Writing(Path(sys.argv[2]), wait_ms / 1000).start(int(sys.argv[1]))
    print("ready", flush=True)  # noqa: T201
    threading.Event().wait()
