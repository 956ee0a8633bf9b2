"""A DNS server on a real port, with the records a test gives it."""

from __future__ import annotations

import socketserver
import threading

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset


class Nameserver:
    """`records` are {(name, type): [text, …]}; names in `silent` get no answer at all, those in `broken` a failure."""

    def __init__(self, records=(), *, silent=(), broken=()):
        self.records, self.silent, self.broken = dict(records), set(silent), set(broken)
        self.asked: list[tuple[str, str]] = []
        self._server = socketserver.ThreadingUDPServer(("127.0.0.1", 0), self._line())
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.address = f"127.0.0.1:{self._server.server_address[1]}"

    def stop(self):
        self._server.shutdown()
        self._server.server_close()

    def answer(self, asked):
        question = asked.question[0]
        name, kind = question.name.to_text(omit_final_dot=True), dns.rdatatype.to_text(question.rdtype)
        self.asked.append((name, kind))
        told = dns.message.make_response(asked)
        told.flags |= dns.flags.RA
        if name in self.broken:
            told.set_rcode(dns.rcode.SERVFAIL)
        elif found := self.records.get((name, kind)):
            texts = [_quoted(one) if kind == "TXT" else one for one in found]
            told.answer.append(dns.rrset.from_text(question.name, 60, "IN", kind, *texts))
        elif not any(known == name for known, _ in self.records):
            told.set_rcode(dns.rcode.NXDOMAIN)
        return name, told

    def _line(self):
        server = self

        class Line(socketserver.BaseRequestHandler):
            def handle(self):
                raw, socket = self.request
                name, told = server.answer(dns.message.from_wire(raw))
                if name not in server.silent:
                    socket.sendto(told.to_wire(), self.client_address)

        return Line


def _quoted(text):
    """As strings of 255 at most, which a reader joins."""
    parts = [text[at : at + 255] for at in range(0, len(text), 255)]
    return " ".join('"' + part.replace('"', '\\"').replace(";", "\\;") + '"' for part in parts)
