"""What an operator may set, read once at start from the environment; a wrong or unknown setting is refused by name."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from services.chassis import parsing

PREFIX = "PALABRE_"
# PALABRE_<NAME>_FILE names a file that holds the value, as container engines hand over secrets.
IN_A_FILE = "_FILE"
MODES = ("embedded", "production", "test")
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
# What production refuses unless PALABRE_ALLOW names it.
ALLOWABLE = ("sqlite", "held", "development-secrets")
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


class WrongSetting(Exception):
    """A setting is missing, unknown or cannot be what it is; the message is one line for the operator."""


def _setting(says: str, *, default: Any = None, secret: bool = False, read: Callable[[str], Any] = str) -> Any:
    return field(default=default, metadata={"says": says, "secret": secret, "read": read})


@dataclass(frozen=True)
class Settings:
    """One service's settings. Each is the environment variable PALABRE_<NAME>; REDIS_URL may stand for its own."""

    mode: str = _setting(
        "embedded (one machine), production (refuses SQLite, held letters and development secrets) or test",
        default="embedded",
        read=parsing.one_of(*MODES),
    )
    public_url: str = _setting(
        "the address people type, without a path",
        default="http://127.0.0.1:8000",
        read=parsing.url("http", "https"),
    )
    proxies: int | None = _setting(
        "how many proxies stand between people and the services, each of which adds to X-Forwarded-For; "
        "unset: 1 in production (the gateway), else 0 (people are answered directly, and the header is not believed)",
        read=parsing.whole,
    )
    crowd: int = _setting(
        "how many people may come from one network at once, such as a hall behind one address; the public forms let "
        "each network in as often as such a crowd needs. 0: no limits",
        default=200,
        read=parsing.whole,
    )
    passkey_domain: str = _setting(
        "the domain that organisers' passkeys belong to: the host of PALABRE_PUBLIC_URL or a domain above it; "
        "empty: the host. Changing it makes every passkey useless",
        default="",
        read=lambda value: value.strip().lower(),
    )
    oidc_issuer: str = _setting(
        "the OpenID provider whose accounts open the door to organisers, by its issuer: https://accounts.example.org; "
        "empty: none. Its client must send people back to /entrer/ailleurs/retour",
        default="",
        read=parsing.issuer,
    )
    oidc_client: str = _setting("what that provider calls us (client_id)", default="")
    oidc_secret: str = _setting(
        "what proves to it that we are that client (client_secret)", default="", secret=True
    )
    oidc_name: str = _setting("what people call that provider; empty: the host of its issuer", default="")
    host: str = _setting("the address the platform listens on", default="127.0.0.1")
    port: int = _setting("the port the platform listens on", default=8000, read=parsing.port)
    data: Path = _setting("the folder of keys, databases, logs (embedded)", default=Path("var"), read=Path)
    database_url: str = _setting(
        "the database; {service} is filled with the service's name",
        default="sqlite:///var/db/{service}.db",
        secret=True,
        read=parsing.database,
    )
    redis_url: str = _setting(
        "the broker: Redis or Valkey",
        default="redis://127.0.0.1:6379/0",
        secret=True,
        read=parsing.url("redis", "rediss", "unix", "redis+socket"),
    )
    secret_key: str = _setting("signs forms, flash messages and personal links", default="", secret=True)
    secret_key_before: tuple[str, ...] = _setting(
        "secret keys it had before, with spaces between: links and codes in letters already sent stay good",
        default=(),
        secret=True,
        read=lambda value: tuple(value.split()),
    )
    signing_key: str = _setting(
        "Ed25519 private key, urlsafe base64; registration only", default="", secret=True, read=parsing.key
    )
    verify_key: str = _setting(
        "Ed25519 public key, urlsafe base64; every service", default="", read=parsing.key
    )
    smtp_url: str = _setting(
        "where letters go: smtp://user:password@host:port?rate=600/min, smtps://…; several, parted by spaces, "
        "in order of preference; or held: (kept in the local mailbox)",
        default="held:",
        secret=True,
        read=parsing.mail_servers,
    )
    sender: str = _setting(
        "the address letters come from", default="palabre@localhost.localdomain", read=parsing.sender
    )
    dkim: tuple[tuple[str, str], ...] = _setting(
        "the keys that sign letters, with spaces between: selector._domainkey.example.org=/path/of/key.pem, each RSA "
        "or Ed25519; `python -m services.notifications.signatures` prints their DNS records; empty: unsigned",
        default=(),
        read=parsing.signing_keys,
    )
    bounces: str = _setting(
        "the mailbox that letters come back to, PALABRE_SENDER's own: imaps://user:password@host/INBOX; "
        "empty: letters that come back are not noticed",
        default="",
        secret=True,
        read=parsing.mailbox,
    )
    returns_key: str = _setting(
        "the key with which a mail provider's hook may say which letters came back, at /api/notifications/returns; "
        "empty: nobody may",
        default="",
        secret=True,
        read=parsing.returns_key,
    )
    resolver: str = _setting(
        "the DNS server asked about the sender's domain, as 192.0.2.1 or 192.0.2.1:53; empty: this machine's own",
        default="",
        read=parsing.resolver,
    )
    mailbox_key: str = _setting(
        "opens the local mailbox page /boite/<key>; empty closes it", default="", secret=True
    )
    operators: tuple[str, ...] = _setting(
        "e-mail addresses of the organisers who run the platform, with commas between; they may open /faits/<service>",
        default=(),
        read=parsing.addresses,
    )
    web_workers: int = _setting(
        "web processes; one answers a hall, a server has a core for each", default=1, read=parsing.count
    )
    web_threads: int = _setting("threads of each web process", default=8, read=parsing.count)
    alive: str = _setting("a file that is touched while the process does its work; empty: none", default="")
    log_level: str = _setting("DEBUG, INFO, WARNING or ERROR", default="INFO", read=parsing.one_of(*LEVELS))
    allow: tuple[str, ...] = _setting(
        "what production would refuse and shall do all the same, with commas between: " + ", ".join(ALLOWABLE),
        default=(),
        read=parsing.some_of(*ALLOWABLE),
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
    _refuse_half_a_provider(settings)
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


def _refuse_half_a_provider(settings: Settings) -> None:
    wanted = ("oidc_issuer", "oidc_client", "oidc_secret")
    missing = [name for name in wanted if not getattr(settings, name)]
    if missing and len(missing) < len(wanted):
        raise WrongSetting(
            f"{PREFIX}{missing[0].upper()} is missing: an OpenID provider needs all three, or none."
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
