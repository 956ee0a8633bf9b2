"""DKIM: each letter signed for the sender's domain, so that its reader's server can believe it (RFC 6376, RFC 8463)."""

from __future__ import annotations

import hashlib
import re
import sys
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from services.chassis import settings as house

# What RFC 8301 lets a verifier believe at all.
LEAST_BITS = 1024
IN_DNS = "._domainkey."
# Whoever changes or adds one of these breaks the signature. RFC 8058, 4 asks it of the last two.
SIGNED = (
    *("from", "reply-to", "to", "subject", "date", "message-id", "content-language", "auto-submitted"),
    *("mime-version", "content-type", "precedence", "list-unsubscribe", "list-unsubscribe-post"),
)
# Named once more than they stand in the letter: a second one, which some programs would show instead, breaks it too.
ALONE = ("from", "reply-to", "to", "subject", "date", "content-type")


class UnusableKey(ValueError):
    """A key that cannot sign letters; the message is for the operator and follows the setting's name."""


@dataclass(frozen=True, slots=True)
class Key:
    """A private key and where its public half stands in the DNS: `selector`._domainkey.`domain`."""

    selector: str
    domain: str
    private: RSAPrivateKey | Ed25519PrivateKey = field(repr=False)

    @property
    def kind(self) -> str:
        return "rsa" if isinstance(self.private, RSAPrivateKey) else "ed25519"

    @property
    def name(self) -> str:
        """Where the record stands."""
        return f"{self.selector}{IN_DNS}{self.domain}"

    @property
    def record(self) -> str:
        """What has to be written there, as TXT."""
        public = self.private.public_key()
        if isinstance(self.private, RSAPrivateKey):
            raw = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        else:
            raw = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
        return f"v=DKIM1; k={self.kind}; p={b64encode(raw).decode()}"

    def sign(self, told: bytes) -> bytes:
        if isinstance(self.private, RSAPrivateKey):
            return self.private.sign(told, PKCS1v15(), SHA256())
        return self.private.sign(hashlib.sha256(told).digest())


def keys(wanted: Sequence[tuple[str, str]], sender: str) -> tuple[Key, ...]:
    """The keys at these (name in the DNS, file) for letters of `sender`; none is no signature. Raises UnusableKey.

    A key of another domain would sign for somebody whom no reader compares with the sender (DMARC's alignment).
    """
    host = sender.rpartition("@")[2].lower()
    found = []
    for name, path in wanted:
        selector, _, domain = name.partition(IN_DNS)
        if host != domain and not host.endswith(f".{domain}"):
            raise UnusableKey(f"{name} is not of the domain of PALABRE_SENDER, {host}, or one above it.")
        found.append(Key(selector, domain, _read(path)))
    return tuple(found)


def _read(path: str) -> RSAPrivateKey | Ed25519PrivateKey:
    try:
        key = load_pem_private_key(Path(path).read_bytes(), password=None)
    except OSError as error:
        raise UnusableKey(f"the file {path} cannot be read: {error.strerror}.") from None
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise UnusableKey(f"the file {path} holds no private key in PEM without a password.") from None
    if isinstance(key, RSAPrivateKey):
        if key.key_size < LEAST_BITS:
            raise UnusableKey(f"the RSA key in {path} has {key.key_size} bits; nobody believes less than 1024.")
        return key
    if isinstance(key, Ed25519PrivateKey):
        return key
    raise UnusableKey(f"the key in {path} is neither RSA nor Ed25519.")


def signed(message: bytes, keys: Sequence[Key]) -> bytes:
    """The message with a signature of each key before it; the same message when there is none.

    `message` has CRLF line ends and is signed as it is handed over, its parts in their encoding. Signed are the body
    and the headers of SIGNED that it has, both as relaxed as RFC 6376, 3.4 allows: blanks may change on the way.
    """
    if not keys:
        return message
    head, _, body = message.partition(b"\r\n\r\n")
    lines = _unfolded(head + b"\r\n")
    names = [name for name in SIGNED if name in lines]
    chosen = b"".join(lines[name] + b"\r\n" for name in names)
    # A header that is named and is not there adds nothing to what is signed (RFC 6376, 5.4.2).
    listed = ":".join((*names, *ALONE))
    digest = b64encode(hashlib.sha256(_relaxed(body)).digest()).decode()
    return b"".join(_signature(key, listed, digest, chosen) for key in keys) + message


def _signature(key: Key, listed: str, digest: str, chosen: bytes) -> bytes:
    value = (
        f"v=1; a={key.kind}-sha256; c=relaxed/relaxed;\r\n d={key.domain}; s={key.selector};\r\n"
        f" h={_folded(listed)};\r\n bh={digest};\r\n b="
    )
    own = b"dkim-signature:" + _BLANKS.sub(b" ", value.replace("\r\n", "").encode()).strip()
    drawn = b64encode(key.sign(chosen + own)).decode()
    return f"DKIM-Signature: {value}{_folded(drawn, every=72)}\r\n".encode()


def _folded(text: str, every: int = 0) -> str:
    if every:
        return "\r\n ".join(text[at : at + every] for at in range(0, len(text), every))
    lines, line = [], ""
    for name in text.split(":"):
        if len(line) + len(name) > 68:  # noqa: PLR2004 what fits a line of 78
            lines.append(line)
            line = ""
        line += f"{name}:"
    return "\r\n ".join((*lines, line))[:-1]


def _unfolded(head: bytes) -> dict[str, bytes]:
    """The headers by their names in small letters, each as one relaxed line."""
    found: dict[str, bytes] = {}
    for line in re.sub(rb"\r\n(?=[ \t])", b"", head).split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name:
            small = name.strip().lower()
            found[small.decode("latin-1")] = small + b":" + _BLANKS.sub(b" ", value).strip()
    return found


def _relaxed(body: bytes) -> bytes:
    kept = _AT_END.sub(b"\r\n", _BLANKS.sub(b" ", body)).rstrip(b"\r\n")
    return kept + b"\r\n" if kept else b""


_BLANKS = re.compile(rb"[ \t]+")
_AT_END = re.compile(rb" \r\n")


def main() -> int:
    """Prints what has to stand in the DNS for the keys of PALABRE_DKIM."""
    try:
        chosen = house.read()
        for key in keys(chosen.dkim, chosen.sender):
            print(f'{key.name}. TXT "{key.record}"')  # noqa: T201
    except (house.WrongSetting, UnusableKey) as trouble:
        print(f"PALABRE_DKIM: {trouble}" if isinstance(trouble, UnusableKey) else trouble, file=sys.stderr)  # noqa: T201
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
