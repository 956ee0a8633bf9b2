"""Who is asking, and what they may do here.

Registration signs a short token with its Ed25519 key; every service checks it with the public one and keeps its
own table of roles, filled by facts. A token says who someone is, never what they may do, so a role that is taken
back is gone at the next click.
"""

from __future__ import annotations

import hmac
from base64 import b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Literal, Protocol
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from flask import Response, current_app, g, request
from sqlalchemy import select
from sqlalchemy.orm import Session

from services.chassis.db import roles
from services.chassis.errors import Forbidden, SignInNeeded

Kind = Literal["organiser", "participant", "nobody"]

ORGANISER_COOKIE, PARTICIPANT_COOKIE = "palabre", "palabre_moi"
_ISSUER = "palabre"
_READS = frozenset({"GET", "HEAD", "OPTIONS"})


class Keys(Protocol):
    """The part of the settings that sign-in reads: keys are the raw 32 bytes in base64."""

    @property
    def signing_key(self) -> str: ...
    @property
    def verify_key(self) -> str: ...
    @property
    def public_url(self) -> str: ...


@dataclass(frozen=True)
class Actor:
    """Someone who asks. A participant is one at one gathering; nobody has neither id nor name."""

    kind: Kind
    id: UUID | None = None
    email: str | None = None
    name: str | None = None
    gathering_id: UUID | None = None


NOBODY = Actor("nobody")


def new_keys() -> tuple[str, str]:
    """A fresh (signing_key, verify_key): the raw Ed25519 keys in urlsafe base64."""
    private = Ed25519PrivateKey.generate()
    keys = (private.private_bytes_raw(), private.public_key().public_bytes_raw())
    signing, verify = (urlsafe_b64encode(key).decode() for key in keys)
    return signing, verify


def issue(settings: Keys, who: Actor, ttl_s: int, *, now: datetime | None = None) -> str:
    """A token that says `who` for `ttl_s` seconds. Only registration holds the key; raises ValueError without it."""
    if not settings.signing_key:
        raise ValueError("no signing key here: only registration issues tokens")
    if who.kind == "nobody" or who.id is None:
        raise ValueError("a token speaks of somebody")
    begins = now or datetime.now(UTC)
    claims: dict[str, Any] = {
        "iss": _ISSUER,
        "aud": who.kind,
        "sub": str(who.id),
        "iat": begins,
        "exp": begins + timedelta(seconds=ttl_s),
        "email": who.email,
        "name": who.name,
        "gathering": str(who.gathering_id) if who.gathering_id else None,
    }
    return jwt.encode(
        {name: value for name, value in claims.items() if value}, _private(settings.signing_key), "EdDSA"
    )


def read(settings: Keys, token: str, *kinds: Kind) -> Actor:
    """Who the token speaks of: nobody when it is forged, over, from another key or of another kind."""
    try:
        claims = jwt.decode(
            token,
            _public(settings.verify_key),
            algorithms=["EdDSA"],
            audience=list(kinds or ("organiser", "participant")),
            issuer=_ISSUER,
            # `iat` is not compared: the clocks of two machines differ, and one may be set back. `exp` ends every token.
            options={"require": ["exp", "iat", "sub", "aud"], "verify_iat": False},
        )
        gathering = claims.get("gathering")
        return Actor(
            claims["aud"],
            UUID(claims["sub"]),
            claims.get("email"),
            claims.get("name"),
            UUID(gathering) if gathering else None,
        )
    except (jwt.InvalidTokenError, ValueError):
        return NOBODY


def actor() -> Actor:
    """Who sent this request: the bearer of a token (API only), else the organiser, else the participant.

    A cookie never writes through the API: another site could make a browser send it.
    """
    if "actor" not in g:
        g.actor = _bearer() or _from_cookie(ORGANISER_COOKIE, "organiser") or participant()
    found: Actor = g.actor
    return found


def participant() -> Actor:
    """The participant whose personal link was opened in this browser, even when an organiser is signed in too."""
    return _from_cookie(PARTICIPANT_COOKIE, "participant") or NOBODY


def shows(setting: str) -> bool:
    """Whether this request shows the key that stands in `setting`, as a token or a password; never while it is empty.

    Hooks of mail providers can often only be given an address with a name and a password in it.
    """
    key: str = getattr(_settings(), setting)
    sent = request.authorization
    shown = (sent.token or sent.password or "") if sent is not None else ""
    return bool(key) and hmac.compare_digest(shown.encode(), key.encode())


def sign_in(response: Response, token: str) -> None:
    _set_cookie(response, ORGANISER_COOKIE, token)


def sign_out(response: Response) -> None:
    for name in (ORGANISER_COOKIE, PARTICIPANT_COOKIE):
        response.delete_cookie(name, httponly=True, samesite="Lax", secure=_is_https())


def set_participant(response: Response, token: str) -> None:
    _set_cookie(response, PARTICIPANT_COOKIE, token)


def require(session: Session, gathering_id: UUID, *wanted: str) -> Actor:
    """The organiser who asks, when they hold one of the `wanted` roles here (owner or organiser, when none is named).

    Raises SignInNeeded when nobody is signed in, Forbidden when the role is missing.
    """
    who = actor()
    if who.kind != "organiser":
        raise SignInNeeded("Sign in to open this page.")
    here = (roles.c.gathering_id == gathering_id) & (roles.c.organiser_id == who.id)
    held = select(roles.c.role_id).where(here, roles.c.role.in_(wanted or ("owner", "organiser"))).limit(1)
    if session.execute(held).first() is None:
        raise Forbidden("Your role at this gathering does not open this page.")
    return who


def roles_held(session: Session, gathering_id: UUID, organiser_id: UUID) -> set[str]:
    here = (roles.c.gathering_id == gathering_id) & (roles.c.organiser_id == organiser_id)
    return set(session.scalars(select(roles.c.role).where(here)))


def _bearer() -> Actor | None:
    if not request.path.startswith("/api/"):
        return None
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token:
        return read(_settings(), token.strip())
    return None


def _from_cookie(name: str, kind: Kind) -> Actor | None:
    token = request.cookies.get(name)
    if not token or (request.path.startswith("/api/") and request.method not in _READS):
        return None
    who = read(_settings(), token, kind)
    return who if who.kind == kind else None


def _set_cookie(response: Response, name: str, token: str) -> None:
    """The cookie lives as long as the browser is open; the token inside ends by itself."""
    response.set_cookie(name, token, httponly=True, samesite="Lax", secure=_is_https())


def _is_https() -> bool:
    return _settings().public_url.startswith("https:")


def _settings() -> Keys:
    found: Keys = current_app.extensions["settings"]
    return found


@cache
def _private(key: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(_raw(key))


@cache
def _public(key: str) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(_raw(key))


def _raw(key: str) -> bytes:
    return b64decode(key.replace("-", "+").replace("_", "/"))
