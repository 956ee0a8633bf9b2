"""A line to a mail server that asks for TLS and a password."""

from __future__ import annotations

import socket
import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from threading import Thread

import pytest
from aiosmtpd.smtp import AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from services.notifications.lines import Later, Line, Never, Server, Unreachable

MESSAGE = b"Subject: x\r\n\r\nBonjour\r\n"


def a_certificate(folder, *, host="127.0.0.1", days=1):
    """A certificate that only itself vouches for: (context of the server, path of the file)."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    until = datetime.now(UTC) + timedelta(days=days)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(until - timedelta(days=2))
        .not_valid_after(until)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(host))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(secret + signed.public_bytes(serialization.Encoding.PEM))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(path)
    return context, path


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A good one for 127.0.0.1."""
    return a_certificate(tmp_path_factory.mktemp("tls"))


def guarded(seen):
    def check(server, session, envelope, mechanism, login):
        seen.append((login.login, login.password, session.ssl is not None))
        return AuthResult(success=True)

    return {"authenticator": check, "auth_require_tls": False}


def test_a_password_travels_only_inside_tls(sink, certificate):
    context, path = certificate
    seen = []
    sink.start(tls_context=context, **guarded(seen))
    line = Line(Server.at(f"smtp://palabre:secr%40t@127.0.0.1:{sink.port}?ca={path}"), timeout_s=5)

    line.offer("a@example.org", "b@example.org")
    assert line.hand(MESSAGE) == "250 2.0.0 taken"

    line.close()
    assert seen == [(b"palabre", b"secr@t", True)]


def test_a_server_without_tls_never_hears_the_password(sink):
    seen = []
    sink.start(**guarded(seen))
    line = Line(Server.at(f"smtp://palabre:secret@127.0.0.1:{sink.port}"), timeout_s=5)

    with pytest.raises(Unreachable):
        line.offer("a@example.org", "b@example.org")

    assert (seen, sink.messages) == ([], [])


def test_a_server_whose_certificate_nobody_vouches_for_gets_nothing(sink, certificate):
    sink.start(tls_context=certificate[0])
    line = Line(Server.at(f"smtp://127.0.0.1:{sink.port}?starttls=yes"), timeout_s=5)

    with pytest.raises(Unreachable, match="certificate"):
        line.offer("a@example.org", "b@example.org")

    assert sink.messages == []


def test_a_server_that_speaks_tls_from_the_first_byte_is_verified_too(sink, certificate):
    context, path = certificate
    sink.start(ssl_context=context)
    line = Line(Server.at(f"smtps://127.0.0.1:{sink.port}?ca={path}"), timeout_s=5)

    line.offer("a@example.org", "b@example.org")
    assert line.hand(MESSAGE) == "250 2.0.0 taken"
    line.close()

    doubting = Line(Server.at(f"smtps://127.0.0.1:{sink.port}"), timeout_s=5)
    with pytest.raises(Unreachable, match="certificate"):
        doubting.offer("a@example.org", "b@example.org")
    assert len(sink.messages) == 1


@pytest.mark.parametrize("wrong", [{"host": "127.0.0.2"}, {"days": -1}], ids=["another host", "expired"])
def test_a_known_certificate_that_is_not_this_server_s_or_over_gets_nothing(sink, tmp_path, wrong):
    context, path = a_certificate(tmp_path, **wrong)
    sink.start(tls_context=context)
    line = Line(Server.at(f"smtp://127.0.0.1:{sink.port}?starttls=yes&ca={path}"), timeout_s=5)

    with pytest.raises(Unreachable, match="certificate"):
        line.offer("a@example.org", "b@example.org")

    assert sink.messages == []


@pytest.mark.parametrize(
    "url, host, port, tls",
    [
        ("smtp://mail.example", "mail.example", 25, ""),
        ("smtp://mail.example?starttls=yes", "mail.example", 587, "starttls"),
        ("smtp://u:p@mail.example:2525", "mail.example", 2525, "starttls"),
        ("smtps://u:p@mail.example", "mail.example", 465, "tls"),
    ],
)
def test_an_address_says_how_the_server_is_reached(url, host, port, tls):
    server = Server.at(url)

    assert (server.host, server.port, server.tls) == (host, port, tls)


END, SILENT = "end", "silent"


class Scripted:
    """A server that takes commands together and says, line after line, what its script has for each connection.

    `END` leaves, `SILENT` hears a line and says nothing. `heard` is all that each connection was told.
    """

    def __init__(self, *scripts) -> None:
        self.scripts = scripts
        self.heard = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        for script in self.scripts:
            with self._listening.accept()[0] as line, line.makefile("rb") as said:
                line.sendall(b"220 here\r\n")
                heard = said.readline()
                line.sendall(b"250-here\r\n250 PIPELINING\r\n")
                for answer in script:
                    heard += said.readline()
                    if answer == END:
                        break
                    if answer != SILENT:
                        line.sendall(answer.encode() + b"\r\n")
                else:
                    heard += said.read()
                self.heard.append(heard)
        self._listening.close()


def offered(line, to="ada@example.org"):
    """What became of an offer."""
    try:
        line.offer("palabre@example.org", to)
    except (Later, Never, Unreachable) as refusal:
        return f"{type(refusal).__name__}: {refusal}"
    return "taken"


def a_line(port):
    return Line(Server.at(f"smtp://127.0.0.1:{port}"), timeout_s=5)


def test_a_refused_letter_does_not_touch_the_next_where_commands_travel_together(sink):
    sink.takes_together = True
    sink.rcpt = lambda address: "550 5.1.1 nobody here" if address.startswith("bo") else "250 OK"
    sink.start()
    line = a_line(sink.port)
    outcomes = []
    for to in ("ada@example.org", "bo@example.org", "cy@example.org"):
        outcomes.append(offered(line, to))
        if outcomes[-1] == "taken":
            line.hand(MESSAGE)
    line.close()

    assert outcomes == ["taken", "Never: 550 5.1.1 nobody here", "taken"]
    assert (len(sink.messages), sink.connections) == (2, 1)


def test_a_server_that_waits_for_a_letter_it_refused_gets_none():
    server = Scripted(["250 ok", "550 nobody here", "354 go on"], ["250 ok", "250 ok", "354 go on"])
    line = a_line(server.port)

    outcomes = [offered(line), offered(line)]
    line.close()

    assert outcomes == ["Never: 550 nobody here", "taken"]
    assert server.heard[0].endswith(b"DATA\r\n")


def test_a_refusal_counts_though_the_server_leaves_after_it():
    server = Scripted(["250 ok", "450 later", END])

    assert offered(a_line(server.port)) == "Later: 450 later"


@pytest.mark.parametrize("last", ["421 closing", END])
def test_a_line_that_ends_between_the_answers_is_opened_anew_when_it_was_kept(last):
    taken = ["250 ok", "250 ok", "354 go on"]
    line = a_line(Scripted([*taken, SILENT, "250 taken", "250 ok", last], taken).port)
    outcomes = [offered(line)]
    line.hand(b"x\r\n")

    outcomes.append(offered(line))
    line.close()

    assert outcomes == ["taken", "taken"]


@pytest.mark.parametrize("last", ["421 closing", END])
def test_a_line_that_ends_between_the_answers_reaches_nobody_when_it_was_fresh(last):
    assert offered(a_line(Scripted(["250 ok", last]).port)).startswith("Unreachable")


def test_a_reply_with_a_zero_byte_is_kept_without_it():
    server = Scripted(["250 ok", "550 no\0body", "503 no"])

    assert offered(a_line(server.port)) == "Never: 550 no body"
