"""What an operator may set, read once at start from the environment; a wrong or unknown setting is refused by name."""

from __future__ import annotations

import binascii
import os
from base64 import urlsafe_b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

PREFIX = "PALABRE_"
# PALABRE_<NAME>_FILE names a file that holds the value, as container engines hand over secrets.
IN_A_FILE = "_FILE"
MODES = ("embedded", "production", "test")
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
# What production refuses unless PALABRE_ALLOW names it.
ALLOWABLE = ("sqlite", "held", "development-secrets")
DATABASES = ("sqlite", "postgresql", "postgresql+psycopg")
# Words that stand where somebody meant to put a password.
NO_PASSWORDS = {
    "",
    "changeme",
    "change-me",
    "password",
    "secret",
    "postgres",
    "palabre",
    "admin",
    "test",
    "example",
    "in-a-file",
}
SECRET_CHARACTERS, DIFFERENT_CHARACTERS = 32, 10
KEY_CHARACTERS = 16


class WrongSetting(Exception):
    """A setting is missing, unknown or cannot be what it is; the message is one line for the operator."""


def _setting(says: str, *, default: Any = None, secret: bool = False, read: Callable[[str], Any] = str) -> Any:
    return field(default=default, metadata={"says": says, "secret": secret, "read": read})


def _port(value: str) -> int:
    number = int(value)
    if not 0 <= number <= 65535:
        raise ValueError("a port is between 0 and 65535")
    return number


def _count(value: str) -> int:
    number = int(value)
    if number < 1:
        raise ValueError("at least 1")
    return number


def _whole(value: str) -> int:
    number = int(value)
    if number < 0:
        raise ValueError("0 or more")
    return number


def _url(*schemes: str) -> Callable[[str], str]:
    def read(value: str) -> str:
        if value != "held:" and urlsplit(value).scheme not in schemes:
            raise ValueError(f"an address that begins with {' or '.join(s + '://' for s in schemes)}")
        return value.rstrip("/") if schemes[0].startswith("http") else value

    return read


def _mail_servers(value: str) -> str:
    one = _url("smtp", "smtps", "held")
    if value != "held:" and "held:" in value.split():
        raise ValueError("held: stands alone")
    return " ".join(one(url) for url in value.split()) or "held:"


def _mailbox(value: str) -> str:
    return _url("imaps", "imap")(value.strip()) if value.strip() else ""


def _returns_key(value: str) -> str:
    if value and len(value) < KEY_CHARACTERS:
        raise ValueError(f"a key needs {KEY_CHARACTERS} characters or more")
    return value


def _resolver(value: str) -> str:
    there = urlsplit(f"//{value}")
    try:
        is_good = not value or (ip_address(there.hostname or "") is not None and there.port != 0)
    except ValueError:
        is_good = False
    if not is_good:
        raise ValueError("an IP address, with :port if it is not 53")
    return value


def _addresses(value: str) -> tuple[str, ...]:
    found = tuple(address.strip().lower() for address in value.split(",") if address.strip())
    if wrong := [address for address in found if "@" not in address]:
        raise ValueError(f"e-mail addresses; {wrong[0]} is none")
    return found


def _one_of(*known: str) -> Callable[[str], str]:
    def read(value: str) -> str:
        if value not in known:
            raise ValueError(f"one of {', '.join(known)}")
        return value

    return read


def _some_of(*known: str) -> Callable[[str], tuple[str, ...]]:
    def read(value: str) -> tuple[str, ...]:
        found = tuple(word.strip() for word in value.split(",") if word.strip())
        if wrong := [word for word in found if word not in known]:
            raise ValueError(f"{', '.join(known)}, with commas between; {wrong[0]} is none of them")
        return found

    return read


def _sender(value: str) -> str:
    name, at, host = value.strip().rpartition("@")
    if not (name and at and host) or any(sign.isspace() for sign in value.strip()):
        raise ValueError("an e-mail address alone, such as palabre@example.org")
    return value.strip()


def _signing_keys(value: str) -> tuple[tuple[str, str], ...]:
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


def _database(value: str) -> str:
    if urlsplit(value).scheme not in DATABASES:
        raise ValueError("an address that begins with sqlite:/// or postgresql+psycopg://")
    return value


def _key(value: str) -> str:
    try:
        raw = urlsafe_b64decode(value)
    except (ValueError, binascii.Error):
        raw = b""
    if value and len(raw) != 32:  # noqa: PLR2004 what Ed25519 has
        raise ValueError("32 bytes in urlsafe base64, as `python -m infra.embedded keys` prints them")
    return value


@dataclass(frozen=True)
class Settings:
    """One service's settings. Each is the environment variable PALABRE_<NAME>; REDIS_URL may stand for its own."""

    mode: str = _setting(
        "embedded (one machine), production (refuses SQLite, held letters and development secrets) or test",
        default="embedded",
        read=_one_of(*MODES),
    )
    public_url: str = _setting(
        "the address people type, without a path",
        default="http://127.0.0.1:8000",
        read=_url("http", "https"),
    )
    proxies: int | None = _setting(
        "how many proxies stand between people and the services, each of which adds to X-Forwarded-For; "
        "unset: 1 in production (the gateway), else 0 (people are answered directly, and the header is not believed)",
        read=_whole,
    )
    crowd: int = _setting(
        "how many people may come from one network at once, such as a hall behind one address; the public forms let "
        "each network in as often as such a crowd needs. 0: no limits",
        default=200,
        read=_whole,
    )
    passkey_domain: str = _setting(
        "the domain that organisers' passkeys belong to: the host of PALABRE_PUBLIC_URL or a domain above it; "
        "empty: the host. Changing it makes every passkey useless",
        default="",
        read=lambda value: value.strip().lower(),
    )
    host: str = _setting("the address the platform listens on", default="127.0.0.1")
    port: int = _setting("the port the platform listens on", default=8000, read=_port)
    data: Path = _setting("the folder of keys, databases, logs (embedded)", default=Path("var"), read=Path)
    database_url: str = _setting(
        "the database; {service} is filled with the service's name",
        default="sqlite:///var/db/{service}.db",
        secret=True,
        read=_database,
    )
    redis_url: str = _setting(
        "the broker: Redis or Valkey",
        default="redis://127.0.0.1:6379/0",
        secret=True,
        read=_url("redis", "rediss", "unix", "redis+socket"),
    )
    secret_key: str = _setting("signs forms, flash messages and personal links", default="", secret=True)
    secret_key_before: tuple[str, ...] = _setting(
        "secret keys it had before, with spaces between: links and codes in letters already sent stay good",
        default=(),
        secret=True,
        read=lambda value: tuple(value.split()),
    )
    signing_key: str = _setting(
        "Ed25519 private key, urlsafe base64; registration only", default="", secret=True, read=_key
    )
    verify_key: str = _setting("Ed25519 public key, urlsafe base64; every service", default="", read=_key)
    smtp_url: str = _setting(
        "where letters go: smtp://user:password@host:port?rate=600/min, smtps://…; several, parted by spaces, "
        "in order of preference; or held: (kept in the local mailbox)",
        default="held:",
        secret=True,
        read=_mail_servers,
    )
    sender: str = _setting(
        "the address letters come from", default="palabre@localhost.localdomain", read=_sender
    )
    dkim: tuple[tuple[str, str], ...] = _setting(
        "the keys that sign letters, with spaces between: selector._domainkey.example.org=/path/of/key.pem, each RSA "
        "or Ed25519; `python -m services.notifications.signatures` prints their DNS records; empty: unsigned",
        default=(),
        read=_signing_keys,
    )
    bounces: str = _setting(
        "the mailbox that letters come back to, PALABRE_SENDER's own: imaps://user:password@host/INBOX; "
        "empty: letters that come back are not noticed",
        default="",
        secret=True,
        read=_mailbox,
    )
    returns_key: str = _setting(
        "the key with which a mail provider's hook may say which letters came back, at /api/notifications/returns; "
        "empty: nobody may",
        default="",
        secret=True,
        read=_returns_key,
    )
    resolver: str = _setting(
        "the DNS server asked about the sender's domain, as 192.0.2.1 or 192.0.2.1:53; empty: this machine's own",
        default="",
        read=_resolver,
    )
    mailbox_key: str = _setting(
        "opens the local mailbox page /boite/<key>; empty closes it", default="", secret=True
    )
    operators: tuple[str, ...] = _setting(
        "e-mail addresses of the organisers who run the platform, with commas between; they may open /faits/<service>",
        default=(),
        read=_addresses,
    )
    web_workers: int = _setting(
        "web processes; one answers a hall, a server has a core for each", default=1, read=_count
    )
    web_threads: int = _setting("threads of each web process", default=8, read=_count)
    alive: str = _setting("a file that is touched while the process does its work; empty: none", default="")
    log_level: str = _setting("DEBUG, INFO, WARNING or ERROR", default="INFO", read=_one_of(*LEVELS))
    allow: tuple[str, ...] = _setting(
        "what production would refuse and shall do all the same, with commas between: " + ", ".join(ALLOWABLE),
        default=(),
        read=_some_of(*ALLOWABLE),
    )

    @property
    def proxies_before_us(self) -> int:
        """How many of the last entries of X-Forwarded-For our own proxies wrote."""
        return int(self.mode == "production") if self.proxies is None else self.proxies

    def database_of(self, service: str) -> str:
        """The address of one service's database."""
        return self.database_url.replace("{service}", service)


def read(environ: Mapping[str, str] = os.environ, **given: Any) -> Settings:
    """The settings of this process; keywords win over the environment. Raises WrongSetting, one line each.

    A setting that is not there by itself is read from the file that PALABRE_<NAME>_FILE names.
    """
    known = {PREFIX + f.name.upper(): f for f in fields(Settings)}
    values: dict[str, Any] = {}
    for name, text in environ.items():
        if not name.startswith(PREFIX):
            continue
        plain = name.removesuffix(IN_A_FILE)
        if plain not in known:
            near = get_close_matches(name, known, n=1)
            hint = f" Did you mean {near[0]}?" if near else " infra/SETTINGS.md lists them all."
            raise WrongSetting(f"Unknown setting {name}.{hint}")
        if plain != name:
            if environ.get(plain):
                raise WrongSetting(f"{plain} and {name} are both set; leave one of them out.")
            text = _content(name, text)
        elif not text and environ.get(name + IN_A_FILE):
            continue
        setting = known[plain]
        try:
            values[setting.name] = setting.metadata["read"](text)
        except ValueError as error:
            raise WrongSetting(f"{name} cannot be {_shown(setting.metadata, text)}: {error}.") from None
    if "redis_url" not in values and environ.get("REDIS_URL"):
        values["redis_url"] = environ["REDIS_URL"]
    settings = Settings(**{**values, **given})
    _refuse_strange_domain(settings)
    if settings.mode == "production":
        _refuse_development(settings)
    return settings


def _content(name: str, path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not text"
        raise WrongSetting(f"{name}: the file {path} cannot be read: {why}.") from None


def _refuse_strange_domain(settings: Settings) -> None:
    host, domain = urlsplit(settings.public_url).hostname or "", settings.passkey_domain
    is_above = host == domain or (host.endswith(f".{domain}") and "." in domain)
    if domain and not is_above:
        raise WrongSetting(
            f"PALABRE_PASSKEY_DOMAIN cannot be {domain!r}: PALABRE_PUBLIC_URL's host, {host}, or a domain above."
        )


def _refuse_development(settings: Settings) -> None:
    if settings.database_url.startswith("sqlite") and "sqlite" not in settings.allow:
        raise WrongSetting(
            "PALABRE_DATABASE_URL: production needs PostgreSQL, not SQLite, unless PALABRE_ALLOW=sqlite."
        )
    if settings.smtp_url == "held:" and "held" not in settings.allow:
        raise WrongSetting(
            "PALABRE_SMTP_URL: production needs a mail server; held: keeps every letter here. "
            "PALABRE_ALLOW=held lets it."
        )
    if settings.mailbox_key and "held" not in settings.allow:
        raise WrongSetting("PALABRE_MAILBOX_KEY: production has no local mailbox; leave it empty.")
    for name in ("secret_key", "verify_key"):
        if not getattr(settings, name):
            raise WrongSetting(f"{PREFIX}{name.upper()} is missing; `python -m infra.embedded keys` makes one.")
    if "development-secrets" not in settings.allow:
        _refuse_development_secrets(settings)


def _refuse_development_secrets(settings: Settings) -> None:
    hint = "`python -m infra.embedded keys` makes good ones."
    if len(settings.secret_key) < SECRET_CHARACTERS:
        raise WrongSetting(f"PALABRE_SECRET_KEY is too short; it needs {SECRET_CHARACTERS} characters or more.")
    if len(set(settings.secret_key)) < DIFFERENT_CHARACTERS:
        raise WrongSetting(f"PALABRE_SECRET_KEY can be guessed; {hint}")
    for name in ("database_url", "redis_url"):
        there = urlsplit(getattr(settings, name))
        # Without a password the server lets in whom it knows otherwise: by a certificate, a socket or its network.
        if there.password is not None and there.password.lower() in {
            *NO_PASSWORDS,
            (there.username or "").lower(),
        }:
            raise WrongSetting(f"{PREFIX}{name.upper()}: its password can be guessed; {hint}")


def _shown(metadata: Mapping[str, Any], text: str) -> str:
    return "what it is set to" if metadata["secret"] else repr(text)


def table() -> str:
    """infra/SETTINGS.md, written from the settings themselves."""
    lines = [
        "# Settings",
        "",
        "Written by `python -m services.chassis.settings`; `make check` holds it against the code.",
        "",
        "| setting | default | what it is |",
        "|---|---|---|",
    ]
    for setting in fields(Settings):
        default = "" if setting.default in ("", None, ()) else f"`{setting.default}`"
        lines.append(f"| `{PREFIX}{setting.name.upper()}` | {default} | {setting.metadata['says']} |")
    lines += [
        "",
        "Each may be read from a file instead, `PALABRE_SECRET_KEY_FILE=/run/secrets/secret_key` and the like;",
        "spaces and ends of lines around it are no part of it. `REDIS_URL` is read too when `PALABRE_REDIS_URL` is",
        "not set. Make keys with `python -m infra.embedded keys`. A setting that is wrong or unknown is refused at",
        "start by its name.",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(table(), end="")  # noqa: T201
