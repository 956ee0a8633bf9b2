"""The secrets of a deployment, as lines for .env."""

from __future__ import annotations

import secrets

from services.chassis.auth import new_keys

PASSWORDS = (
    *("REGISTRATION_DB_PASSWORD", "GROUPING_DB_PASSWORD", "FEEDBACK_DB_PASSWORD", "NOTIFICATIONS_DB_PASSWORD"),
    *("POSTGRES_PASSWORD", "BROKER_PASSWORD"),
)


def lines() -> str:
    """Every secret that docker-compose.yml asks for, made anew."""
    signing, verify = new_keys()
    made = {
        "PALABRE_SECRET_KEY": secrets.token_urlsafe(48),
        "PALABRE_SIGNING_KEY": signing,
        "PALABRE_VERIFY_KEY": verify,
        **{name: secrets.token_urlsafe(24) for name in PASSWORDS},
    }
    return "".join(f"{name}={value}\n" for name, value in made.items())
