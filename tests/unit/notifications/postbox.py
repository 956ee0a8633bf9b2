"""A mailbox that speaks IMAP4rev1 (RFC 3501) as far as a reader of returned letters needs."""

from __future__ import annotations

import re
import socketserver
import ssl
import threading


class Postbox:
    """Messages on a real port; `seen` are the numbers marked as read. It is reached as `host`, from there alone."""

    def __init__(
        self,
        *messages: bytes,
        opens: str = "pass word",
        tls: ssl.SSLContext | None = None,
        host: str = "127.0.0.1",
    ) -> None:
        self.messages, self.opens = list(messages), opens
        self.seen: set[int] = set()
        self._server = socketserver.ThreadingTCPServer((host, 0), self._line())
        self._server.daemon_threads = True
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        scheme = "imap" if tls is None else "imaps"
        self.url = f"{scheme}://palabre:pass%20word@{host}:{self._server.server_address[1]}/INBOX"

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, verb: str, rest: str) -> tuple[bytes, str]:
        """What is said before the last line, and the last line."""
        if verb == "CAPABILITY":
            return b"* CAPABILITY IMAP4rev1\r\n", "OK"
        if verb == "LOGIN":
            return b"", "OK" if rest.endswith(f'"{self.opens}"') else "NO wrong password"
        if verb == "SELECT":
            if rest.strip('"') != "INBOX":
                return b"", "NO there is no such folder"
            return b"* %d EXISTS\r\n" % len(self.messages), "OK [READ-WRITE]"
        if verb == "LOGOUT":
            return b"* BYE\r\n", "OK"
        if verb == "UID":
            return self._by_number(rest)
        return b"", "BAD"

    def _by_number(self, rest: str) -> tuple[bytes, str]:
        what, _, more = rest.partition(" ")
        if what == "SEARCH":
            unread = [str(n) for n in range(1, len(self.messages) + 1) if n not in self.seen]
            return f"* SEARCH {' '.join(unread)}\r\n".encode(), "OK"
        number = int(more.split()[0])
        if what == "STORE":
            assert "\\Seen" in more
            self.seen.add(number)
            return b"", "OK"
        limit = int(re.search(r"<0\.(\d+)>", more)[1])
        raw = self.messages[number - 1][:limit]
        return b"* %d FETCH (UID %d BODY[]<0> {%d}\r\n" % (number, number, len(raw)) + raw + b")\r\n", "OK"

    def _line(self) -> type[socketserver.StreamRequestHandler]:
        box = self

        class Line(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                self.wfile.write(b"* OK ready\r\n")
                for raw in self.rfile:
                    tag, verb, *rest = raw.decode().strip().split(" ", 2)
                    told, word = box.answer(verb.upper(), rest[0] if rest else "")
                    self.wfile.write(told + f"{tag} {word} done\r\n".encode())
                    if verb.upper() == "LOGOUT":
                        return

        return Line
