"""The world's mail server: takes letters, writes each down before it answers, and can be told to behave badly.

python -m tests.faults.sink PORT FOLDER     what was taken stands in FOLDER/taken, one JSON line a letter
"""

from __future__ import annotations

import asyncio
import email
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from email import policy
from pathlib import Path
from typing import Any

import psutil
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.postgres import free_port

LINK = re.compile(r"https?://[^/\s]+/moi/([A-Za-z0-9_-]+)")


class Sink:
    """The server as the harness sees it: a process to be killed, and the letters it took."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.taken = folder / "taken"
        folder.mkdir(parents=True, exist_ok=True)
        self.taken.touch()
        self._process: subprocess.Popen[bytes] | None = None
        self._read = 0

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    def start(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.sink", str(self.port), str(self.folder)],
            stdout=subprocess.PIPE,
        )
        assert self._process.stdout is not None
        self._process.stdout.readline()

    def send(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)
        if number in (signal.SIGKILL, signal.SIGTERM):
            self._process.wait()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def size(self) -> int:
        """How much was taken so far, in bytes of its file."""
        return self.taken.stat().st_size

    def is_alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            psutil.Process(self._process.pid).resume()
            self._process.kill()
            self._process.wait()

    def behave(self, how: str) -> None:
        """take | slow (0.5 s a letter) | later (4xx) | die (killed when a letter is taken, before the answer) |
        hold (as `slow`, for as long as it is told so).
        """
        aside = self.folder / "how.new"
        aside.write_text(how)
        aside.replace(self.folder / "how")

    def fresh(self) -> list[dict[str, Any]]:
        """The letters taken since this was last asked: {message_id, to, subject, token, at}."""
        with self.taken.open("rb") as file:
            file.seek(self._read)
            whole, _, _ = file.read().rpartition(b"\n")
        self._read += len(whole) + 1 if whole else 0
        return [json.loads(line) for line in whole.splitlines()]


class _Server:
    def __init__(self, folder: Path) -> None:
        self._how = folder / "how"
        self._file = (folder / "taken").open("ab", buffering=0)

    def how(self) -> str:
        return self._how.read_text() if self._how.exists() else "take"

    async def handle_RCPT(  # noqa: N802 aiosmtpd calls it so
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.how() == "later":
            return "451 4.7.1 Greylisted, try again later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.content, bytes)
        letter = email.message_from_bytes(envelope.content, policy=policy.default)
        body = letter.get_body(("plain",))
        found = LINK.search(str(body.get_content()) if body is not None else "")
        taken = {
            "message_id": str(letter["Message-ID"]),
            "to": envelope.rcpt_tos[0].lower(),
            "subject": str(letter["Subject"]),
            "token": found[1] if found else "",
            "at": time.time(),
        }
        how = self.how()
        if how == "slow":
            await asyncio.sleep(0.5)
        self._file.write(json.dumps(taken).encode() + b"\n")  # from here on it is accepted
        if how == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        while self.how() == "hold":
            await asyncio.sleep(0.02)
        return "250 2.0.0 taken"


if __name__ == "__main__":
    Controller(_Server(Path(sys.argv[2])), hostname="127.0.0.1", port=int(sys.argv[1])).start()
    print("ready", flush=True)
    threading.Event().wait()
