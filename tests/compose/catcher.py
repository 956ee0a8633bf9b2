"""A mail server that keeps what it is given, and tells it to programs in the words of the local mailbox.

It is the only proof of what left: letters are counted here, not in the sender's own tables.
"""

from __future__ import annotations

import email
import json
import re
import threading
from email.message import EmailMessage
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

_LINK = re.compile(r"https?://[^\s<>\"]+")
PAGE = 200


class Catcher:
    """`smtp_port` takes letters on every address of this machine, `url` tells them. Usable in a `with` block.

    `raw` are the letters as they came over the line, in the same order.
    """

    def __init__(self) -> None:
        self.letters: list[dict[str, Any]] = []
        self.raw: list[bytes] = []
        self.refuses = ""
        self._lock = threading.Lock()
        self._controller = Controller(self, hostname="0.0.0.0", port=0, enable_SMTPUTF8=True)  # noqa: S104
        self._web = ThreadingHTTPServer(("127.0.0.1", 0), self._door())
        self._web.daemon_threads = True

    def __enter__(self) -> Catcher:
        self._controller.port = _free_port()
        self._controller.start()
        threading.Thread(target=self._web.serve_forever, name="catcher", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._web.shutdown()
        self._web.server_close()
        self._controller.stop(no_assert=True)

    @property
    def smtp_port(self) -> int:
        return int(self._controller.port)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._web.server_address[1]}/letters.json"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.refuses:
            return self.refuses
        content = envelope.content
        assert isinstance(content, bytes)
        letter = read(content, str(envelope.rcpt_tos[0]))
        with self._lock:
            self.raw.append(content)
            self.letters.append({**letter, "number": len(self.letters) + 1})
        return "250 2.0.0 taken"

    def after(self, number: int) -> list[dict[str, Any]]:
        with self._lock:
            return self.letters[number : number + PAGE]

    def _door(self) -> type[BaseHTTPRequestHandler]:
        catcher = self

        class Door(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:  # noqa: N802
                asked = parse_qs(urlsplit(self.path).query)
                told = json.dumps({"letters": catcher.after(int(asked.get("after", ["0"])[0]))}).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(told)))
                self.end_headers()
                self.wfile.write(told)

            def log_message(self, *_: object) -> None:
                """Nobody reads it."""

        return Door


def read(content: bytes, to: str) -> dict[str, Any]:
    """One letter as it came over the line."""
    message = cast(EmailMessage, email.message_from_bytes(content, policy=default))
    parts = {part.get_content_type(): part for part in message.walk() if not part.is_multipart()}
    text = str(parts["text/plain"].get_content()).replace("\r\n", "\n")
    calendar = parts.get("text/calendar")
    return {
        "to": to,
        "kind": str(message["X-Palabre-Kind"] or ""),
        "trace": str(message["X-Palabre-Trace"] or ""),
        "subject": str(message["Subject"]),
        "text": text,
        "ics": str(calendar.get_content()) if calendar else None,
        "links": list(dict.fromkeys(_LINK.findall(text))),
        "message_id": str(message["Message-ID"]),
    }


def _free_port() -> int:
    from tests.postgres import free_port  # noqa: PLC0415  psycopg is large

    return free_port()
