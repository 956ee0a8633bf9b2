"""A line to one mail server: a connection that is kept, and the exact moment from which a letter may have left."""

from __future__ import annotations

import re
import smtplib
import ssl
import time
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote, urlsplit

from services.chassis.catalogues import N_

# RFC 5321 grants servers ten minutes to answer the end of DATA; a letter that waits longer than this is `unknown`,
# which a person can settle, and the line is free again.
ANSWER_S = 60
TIMEOUT_S = 30
IDLE_S = 15.0
# What we say in the server's place.
UNREACHABLE = N_("The server cannot be reached.")
UNANSWERED = N_("The connection ended before the server answered.")
NO_ACCENTS = N_("The server cannot carry an address with accents.")
_DOT = re.compile(rb"(?m)^\.")
# The answers to MAIL, RCPT and DATA with which a letter may begin.
_WANTED = (250, 250, 354)


class Unreachable(Exception):
    """No connection, or it broke before the letter was whole: the server cannot have taken it."""


class Later(Exception):
    """The server said 4xx: the same letter may be accepted another time."""


class Never(Exception):
    """The server said 5xx: the same letter will not be accepted."""


class Lost(Exception):
    """The letter was given whole and no answer came: the server may have taken it."""


@dataclass(frozen=True, slots=True)
class Server:
    """Where letters go: smtp://user:password@host:port, smtps://… ; `?starttls=yes`, `&ca=/path`, `&rate=` may follow.

    A password never travels in the clear: with a user, smtp:// starts TLS or fails. Certificates are verified.
    `rate` is in letters a second, over all posters; 0 means that the server sets no limit.
    """

    host: str
    port: int
    user: str
    password: str
    tls: str
    ca: str | None
    rate: float

    @property
    def name(self) -> str:
        """What the server is called in our tables and on pages: never with its password."""
        return f"{self.user}@{self.host}:{self.port}" if self.user else f"{self.host}:{self.port}"

    @classmethod
    def all_at(cls, urls: str) -> tuple[Server, ...]:
        """The servers of the setting, the preferred one first; spaces part them."""
        return tuple(cls.at(url) for url in urls.split())

    @classmethod
    def at(cls, url: str) -> Server:
        parts = urlsplit(url)
        asked = parse_qs(parts.query)
        user = unquote(parts.username or "")
        tls = "tls" if parts.scheme == "smtps" else "starttls" if user or "starttls" in asked else ""
        return cls(
            host=parts.hostname or "localhost",
            port=parts.port or {"tls": 465, "starttls": 587}.get(tls, 25),
            user=user,
            password=unquote(parts.password or ""),
            tls=tls,
            ca=asked.get("ca", [None])[0],
            rate=_rate(asked.get("rate", ["0"])[0]),
        )


class Line:
    """One kept connection. `offer` asks for permission, `hand` gives the letter; between them nothing has left."""

    def __init__(
        self, server: Server, *, name: str = "localhost.localdomain", timeout_s: float = TIMEOUT_S
    ) -> None:
        """`name` is how we greet the server; left to itself, smtplib asks the DNS for it and may wait for seconds."""
        self.server = server
        self._name = name
        self._timeout_s = timeout_s
        self._smtp: smtplib.SMTP | None = None
        self._used_at = 0.0

    def offer(self, sender: str, to: str) -> None:
        """Say from whom and to whom, up to the server's 354: addresses as envelopes.address gives them.

        Raises Unreachable, Later, Never.
        """
        kept = self._is_open()
        try:
            self._offer(sender, to)
        except (_Closing, smtplib.SMTPServerDisconnected, OSError) as trouble:
            self.close()
            if not kept:
                raise self._unreachable(trouble) from trouble
            try:  # servers close lines that were used long or idle; a fresh one decides
                self._offer(sender, to)
            except (_Closing, smtplib.SMTPServerDisconnected, OSError) as again:
                self.close()
                raise self._unreachable(again) from again

    def hand(self, message: bytes) -> str:
        """Give the letter after `offer`; the server's words when it took it.

        Raises Unreachable when the end of the letter never left, Later or Never when it was refused, Lost when
        the answer did not come.
        """
        smtp = self._open()
        # Looked for first: most letters have no such line, and that is seen twenty times sooner.
        stuffed = _DOT.sub(b"..", message) if message[:1] == b"." or b"\n." in message else message
        if not stuffed.endswith(b"\r\n"):
            stuffed += b"\r\n"
        try:
            smtp.send(stuffed + b".\r\n")
        except (smtplib.SMTPServerDisconnected, OSError) as trouble:
            # The final dot is the last thing written, so what raised here was not a whole letter.
            self.close()
            raise self._unreachable(trouble) from trouble
        if smtp.sock is not None:
            smtp.sock.settimeout(max(self._timeout_s, ANSWER_S))
        try:
            code, reply = smtp.getreply()
        except (smtplib.SMTPException, OSError) as trouble:
            self.close()
            raise Lost(UNANSWERED) from trouble
        if smtp.sock is not None:
            smtp.sock.settimeout(self._timeout_s)
        self._used_at = time.monotonic()
        self._judge(code, reply, wanted=250)
        return _words(code, reply)

    def probe(self, message_id: str) -> bool | None:
        """Whether the server took this letter; None where it cannot be asked. Plain SMTP cannot."""
        return None

    def close(self) -> None:
        """Leave at once; nothing is waited for."""
        if self._smtp is not None:
            self._smtp.close()
            self._smtp = None

    def _offer(self, sender: str, to: str) -> None:
        smtp = self._open()
        options = ""
        if not (sender + to).isascii():
            if not smtp.has_extn("smtputf8"):
                raise Never(NO_ACCENTS)
            options = " SMTPUTF8 BODY=8BITMIME"
            smtp.command_encoding = "utf-8"
        said = (f"MAIL FROM:<{sender}>{options}", f"RCPT TO:<{to}>", "DATA")
        try:
            if smtp.has_extn("pipelining"):
                self._say_together(smtp, said)
            else:
                for command, wanted in zip(said, _WANTED, strict=True):
                    self._judge(*smtp.docmd(command), wanted=wanted)
        finally:
            smtp.command_encoding = "ascii"

    def _say_together(self, smtp: smtplib.SMTP, said: tuple[str, ...]) -> None:
        """Say all and then hear all: one way there and back instead of three (RFC 2920)."""
        smtp.send("".join(f"{command}\r\n" for command in said))
        refusal: Later | Never | None = None
        code = 0
        for wanted in _WANTED:
            try:
                code, reply = smtp.getreply()
                # What follows a refusal only repeats it.
                refusal = refusal or _refusal(code, reply, wanted)
            except (_Closing, smtplib.SMTPException, OSError):
                if refusal is None:
                    raise
                self.close()
                raise refusal from None
        if refusal is None:
            return
        if code == _WANTED[-1]:
            # It waits for a letter all the same. Whatever came now, a dot too, might be taken for one.
            self.close()
        else:
            self._forget()
        raise refusal

    def _judge(self, code: int, reply: bytes, *, wanted: int) -> None:
        refusal = _refusal(code, reply, wanted)
        if refusal is not None:
            self._forget()
            raise refusal

    def _forget(self) -> None:
        """Have the server forget what was offered, so that the line is good for the next letter."""
        if self._smtp is not None:
            try:
                self._smtp.rset()
            except (smtplib.SMTPException, OSError):
                self.close()

    def _is_open(self) -> bool:
        if self._smtp is None:
            return False
        if time.monotonic() - self._used_at > IDLE_S:
            try:
                if self._smtp.noop()[0] == 250:
                    return True
            except (smtplib.SMTPException, OSError):
                pass
            self.close()
            return False
        return True

    def _open(self) -> smtplib.SMTP:
        if self._smtp is not None:
            return self._smtp
        server = self.server
        context = ssl.create_default_context(cafile=server.ca) if server.tls else None
        smtp: smtplib.SMTP
        try:
            if server.tls == "tls":
                smtp = smtplib.SMTP_SSL(
                    server.host, server.port, self._name, timeout=self._timeout_s, context=context
                )
            else:
                smtp = smtplib.SMTP(server.host, server.port, self._name, timeout=self._timeout_s)
            self._smtp = smtp
            if server.tls == "starttls":
                smtp.starttls(context=context)
            smtp.ehlo_or_helo_if_needed()
            if server.user:
                smtp.login(server.user, server.password)
        except (smtplib.SMTPException, OSError) as trouble:
            self.close()
            raise self._unreachable(trouble) from trouble
        self._used_at = time.monotonic()
        return smtp

    def _unreachable(self, trouble: Exception) -> Unreachable:
        if isinstance(trouble, smtplib.SMTPResponseException):
            return Unreachable(f"{UNREACHABLE} ({_words(trouble.smtp_code, trouble.smtp_error)})")
        return Unreachable(f"{UNREACHABLE} ({str(trouble) or type(trouble).__name__})")


class _Closing(Exception):
    """421: the server closes this line."""


def _refusal(code: int, reply: bytes, wanted: int) -> Later | Never | None:
    """What an answer refuses; None when it is the wanted one. Raises _Closing."""
    if code == wanted or (wanted == 250 and code == 251):
        return None
    if code in (-1, 421):
        raise _Closing(_words(code, reply))
    return (Later if 400 <= code < 500 else Never)(_words(code, reply))


def _rate(said: str) -> float:
    """Letters a second out of `10`, `10/s`, `600/min` or `2000/h`; 2/h at least, or 0 for no limit."""
    count, _slash, unit = said.partition("/")
    rate = float(count) / {"": 1, "s": 1, "min": 60, "h": 3600}[unit]
    if rate and rate < 2 / 3600:
        raise ValueError("a rate below 2/h would never send a day's letters")
    return rate


def _words(code: int, reply: bytes | str) -> str:
    spoken = reply.decode("utf-8", "replace") if isinstance(reply, bytes) else reply
    # No database takes a zero byte in a text.
    return f"{code} {' '.join(spoken.replace(chr(0), ' ').split())}"[:500]
