"""The secrets of a deployment, as lines for .env or as files of one secret each."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path

from services.chassis.auth import new_keys

PASSWORDS = (
    *("REGISTRATION_DB_PASSWORD", "GROUPING_DB_PASSWORD", "FEEDBACK_DB_PASSWORD", "NOTIFICATIONS_DB_PASSWORD"),
    *("POSTGRES_PASSWORD", "BROKER_PASSWORD"),
)


SERVICES = ("registration", "grouping", "feedback", "notifications")
# What stands in .env instead of a secret that is in a file; production refuses to start with it.
ELSEWHERE = "in-a-file"


def lines() -> str:
    """Every secret that docker-compose.yml asks for, made anew."""
    return _as_lines(made())


def into(folder: Path, told: Mapping[str, str]) -> str:
    """Write the secrets among `told` as the files that infra/compose/secrets.yml names; the lines left for .env.

    A mail server's address that is there already is kept, since nobody can make it anew.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    files = {
        "secret_key": told["PALABRE_SECRET_KEY"],
        "signing_key": told["PALABRE_SIGNING_KEY"],
        "smtp_url": told.get("PALABRE_SMTP_URL", ""),
        "broker": f"requirepass {told['BROKER_PASSWORD']}",
        "broker_url": f"redis://:{told['BROKER_PASSWORD']}@broker:6379/0",
        "postgres_password": told["POSTGRES_PASSWORD"],
    }
    for name in SERVICES:
        password = told[f"{name.upper()}_DB_PASSWORD"]
        files[f"{name}_password"] = password
        files[f"{name}_url"] = f"postgresql+psycopg://{name}:{password}@postgres/{name}"
    for name, content in files.items():
        if content or not (folder / name).exists():
            (folder / name).unlink(missing_ok=True)
            (folder / name).write_text(content + "\n", encoding="utf-8")
            # Each container has an account of its own; the folder keeps everybody else out.
            (folder / name).chmod(0o444)
    left = {name: ELSEWHERE for name in made()}
    return _as_lines({**left, "PALABRE_SMTP_URL": ELSEWHERE, "PALABRE_VERIFY_KEY": told["PALABRE_VERIFY_KEY"]})


def made() -> dict[str, str]:
    """Every secret by its name, made anew."""
    signing, verify = new_keys()
    return {
        "PALABRE_SECRET_KEY": secrets.token_urlsafe(48),
        "PALABRE_SIGNING_KEY": signing,
        "PALABRE_VERIFY_KEY": verify,
        **{name: secrets.token_urlsafe(24) for name in PASSWORDS},
    }


def _as_lines(told: Mapping[str, str]) -> str:
    return "".join(f"{name}={value}\n" for name, value in told.items())
