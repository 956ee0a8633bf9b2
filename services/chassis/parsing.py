"""How an operator's words are read: each reader takes one setting as text; ValueError says what it should have been."""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode
from collections.abc import Callable
from ipaddress import ip_address
from urllib.parse import urlsplit

KEY_CHARACTERS = 16
DATABASES = ("sqlite", "postgresql", "postgresql+psycopg")


def port(value: str) -> int:
    number = int(value)
    if not 0 <= number <= 65535:
        raise ValueError("a port is between 0 and 65535")
    return number


def count(value: str) -> int:
    number = int(value)
    if number < 1:
        raise ValueError("at least 1")
    return number


def whole(value: str) -> int:
    number = int(value)
    if number < 0:
        raise ValueError("0 or more")
    return number


def url(*schemes: str) -> Callable[[str], str]:
    def read(value: str) -> str:
        if value != "held:" and urlsplit(value).scheme not in schemes:
            raise ValueError(f"an address that begins with {' or '.join(s + '://' for s in schemes)}")
        return value.rstrip("/") if schemes[0].startswith("http") else value

    return read


def issuer(value: str) -> str:
    there = urlsplit(value.strip())
    is_safe = there.scheme == "https" or there.hostname in ("localhost", "127.0.0.1", "::1")
    if value.strip() and (not there.hostname or not is_safe or there.query or there.fragment):
        raise ValueError("an address that begins with https://, as its own configuration names it")
    return value.strip()


def mail_servers(value: str) -> str:
    one = url("smtp", "smtps", "held")
    if value != "held:" and "held:" in value.split():
        raise ValueError("held: stands alone")
    return " ".join(one(url) for url in value.split()) or "held:"


def mailbox(value: str) -> str:
    return url("imaps", "imap")(value.strip()) if value.strip() else ""


def returns_key(value: str) -> str:
    if value and len(value) < KEY_CHARACTERS:
        raise ValueError(f"a key needs {KEY_CHARACTERS} characters or more")
    return value


def resolver(value: str) -> str:
    there = urlsplit(f"//{value}")
    try:
        is_good = not value or (ip_address(there.hostname or "") is not None and there.port != 0)
    except ValueError:
        is_good = False
    if not is_good:
        raise ValueError("an IP address, with :port if it is not 53")
    return value


def addresses(value: str) -> tuple[str, ...]:
    found = tuple(address.strip().lower() for address in value.split(",") if address.strip())
    if wrong := [address for address in found if "@" not in address]:
        raise ValueError(f"e-mail addresses; {wrong[0]} is none")
    return found


def one_of(*known: str) -> Callable[[str], str]:
    def read(value: str) -> str:
        if value not in known:
            raise ValueError(f"one of {', '.join(known)}")
        return value

    return read


def some_of(*known: str) -> Callable[[str], tuple[str, ...]]:
    def read(value: str) -> tuple[str, ...]:
        found = tuple(word.strip() for word in value.split(",") if word.strip())
        if wrong := [word for word in found if word not in known]:
            raise ValueError(f"{', '.join(known)}, with commas between; {wrong[0]} is none of them")
        return found

    return read


def sender(value: str) -> str:
    name, at, host = value.strip().rpartition("@")
    if not (name and at and host) or any(sign.isspace() for sign in value.strip()):
        raise ValueError("an e-mail address alone, such as palabre@example.org")
    return value.strip()


def signing_keys(value: str) -> tuple[tuple[str, str], ...]:
    found = []
    for word in value.split():
        name, _, path = word.partition("=")
        selector, is_name, domain = name.partition("._domainkey.")
        if not (selector and is_name and domain and path) or any(
            not (sign.isalnum() or sign in "-._") or not sign.isascii() for sign in name
        ):
            raise ValueError("such as s1._domainkey.example.org=/path/of/key.pem, with spaces between several")
        found.append((name.lower(), path))
    return tuple(found)


def database(value: str) -> str:
    if urlsplit(value).scheme not in DATABASES:
        raise ValueError("an address that begins with sqlite:/// or postgresql+psycopg://")
    return value


def key(value: str) -> str:
    try:
        raw = urlsafe_b64decode(value)
    except (ValueError, binascii.Error):
        raw = b""
    if value and len(raw) != 32:  # noqa: PLR2004 what Ed25519 has
        raise ValueError("32 bytes in urlsafe base64, as `python -m infra.embedded keys` prints them")
    return value
