"""The operator's OpenID provider: the way there, and what it says of who comes back (authorization code with PKCE).

What was begun is kept in the browser's own signed session, so only that browser can end it.
"""

from __future__ import annotations

import logging
from typing import Any
from urllib.parse import urlsplit

import structlog
from flask import Flask, current_app
from flask import session as browser

from services.chassis.errors import NotFound
from services.chassis.settings import Settings
from services.chassis.web import now, settings
from services.registration.identities import IdentityRefused, Told

log = structlog.get_logger()

CLIENT = "elsewhere"
WITHIN_S = 5
# Ways that somebody went and may still come back on; each is a third of a kilobyte in a cookie.
PENDING = 3
_KEPT = f"_state_{CLIENT}_"


def install(app: Flask, settings: Settings) -> None:
    """Make the client, where the operator named a provider, which is asked only when somebody goes there."""
    if not settings.oidc_issuer:
        return
    # Here, because few platforms have a provider, and the client and what it asks with are 9 MB.
    from authlib.integrations.flask_client import OAuth  # noqa: PLC0415

    # In its debug lines stands what proves an answer to be ours.
    logging.getLogger("authlib").setLevel(logging.INFO)
    OAuth(app).register(
        CLIENT,
        client_id=settings.oidc_client,
        client_secret=settings.oidc_secret,
        server_metadata_url=f"{settings.oidc_issuer.rstrip('/')}/.well-known/openid-configuration",
        client_kwargs={
            "scope": "openid email",
            "code_challenge_method": "S256",
            "default_timeout": WITHIN_S,
        },
    )


def name(settings: Settings) -> str:
    """What people call the provider; empty where there is none."""
    return settings.oidc_name or urlsplit(settings.oidc_issuer).hostname or ""


def way(back: str, **kept: str) -> str:
    """The address at the provider that sends people on to `back`; `kept` waits in this browser until then.

    Raises IdentityRefused when the provider does not answer, NotFound where there is none.
    """
    client = _client()
    try:
        _known(client)
        begun = client.create_authorization_url(back)
    except _wrong() as error:
        raise _away(error) from error
    for older in sorted((key for key in browser if key.startswith(_KEPT)), key=lambda key: browser[key]["exp"]):
        if sum(key.startswith(_KEPT) for key in browser) >= PENDING:
            browser.pop(older)
    address: str = begun.pop("url")
    client.save_authorize_data(redirect_uri=back, **kept, **begun)
    return address


def begun(state: str) -> dict[str, Any]:
    """What was kept when this browser went to the provider. Raises IdentityRefused when it never did, or long ago."""
    client = _client()
    kept: dict[str, Any] | None = client.framework.get_state_data(browser, state)
    # The library forgets old ways only when it ends another.
    if kept is None or browser[f"{_KEPT}{state}"]["exp"] < now().timestamp():
        raise IdentityRefused("This took too long, or it was begun in another browser. Try again.")
    return kept


def told() -> Told:
    """What the provider says of the person it sent back with the `code` and `state` of this request's form.

    Asks the provider; what was begun is over whatever comes of it. Raises IdentityRefused.
    """
    client = _client()
    wanted = settings().oidc_issuer
    try:
        _known(client)
        token = client.authorize_access_token(claims_options={"iss": {"essential": True, "values": [wanted]}})
        claims = token["userinfo"]
        said = claims if claims.get("email") else {**_asked(client, token, claims["sub"]), **claims}
    except _wrong() as error:
        raise _away(error) from error
    return Told(
        issuer=wanted,
        subject=str(claims["sub"]),
        provider=name(settings()),
        email=str(said.get("email") or ""),
        # Some say it as a word.
        is_verified=said.get("email_verified") in (True, "true"),
    )


def _asked(client: Any, token: dict[str, Any], subject: str) -> dict[str, Any]:
    """What the provider says beside the token, where it says more; about the same person or nobody (OpenID Connect
    Core 1.0, 5.3.2). Some sign it, as ProConnect does."""
    place = _known(client).get("userinfo_endpoint")
    if place is None:
        return {}
    answer = client.get(place, token=token)
    answer.raise_for_status()
    is_signed = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower() == "application/jwt"
    more: dict[str, Any] = _signed(client, answer.text.strip()) if is_signed else answer.json()
    return more if more.get("sub") == subject else {}


def _signed(client: Any, text: str) -> dict[str, Any]:
    """What a provider signed for us. Raises JoseError, or ValueError when it was for somebody else."""
    from joserfc import jwt  # noqa: PLC0415  as above
    from joserfc.errors import InvalidKeyIdError  # noqa: PLC0415
    from joserfc.jwk import KeySet  # noqa: PLC0415
    from joserfc.jws import JWSRegistry  # noqa: PLC0415

    offered = _known(client).get("userinfo_signing_alg_values_supported") or ["RS256"]
    registry = JWSRegistry(algorithms=[one for one in offered if one != "none"], strict_check_header=False)
    try:
        said = jwt.decode(text, KeySet.import_key_set(client.fetch_jwk_set()), registry=registry).claims
    except InvalidKeyIdError:
        keys = KeySet.import_key_set(client.fetch_jwk_set(force=True))
        said = jwt.decode(text, keys, registry=registry).claims
    to = said.get("aud", client.client_id)
    if said.get("iss", settings().oidc_issuer) != settings().oidc_issuer or client.client_id not in (
        to if isinstance(to, list) else [to]
    ):
        raise ValueError("what the provider said was not for us")
    return said


def _client() -> Any:
    made = current_app.extensions.get("authlib.integrations.flask_client")
    if made is None:
        raise NotFound("There is no page at this address.")
    return made.create_client(CLIENT)


def _known(client: Any) -> dict[str, Any]:
    """What the provider says of itself, asked once. Raises ValueError when it is not the one that was named."""
    said: dict[str, Any] = client.load_server_metadata()
    if said.get("issuer") != settings().oidc_issuer:
        raise ValueError("the provider calls itself otherwise than PALABRE_OIDC_ISSUER")
    # What is not signed proves nothing, even where the provider could leave it so; RS256 is every provider's.
    offered = said.get("id_token_signing_alg_values_supported") or ["RS256"]
    said["id_token_signing_alg_values_supported"] = [one for one in offered if one != "none"]
    return said


def _away(error: Exception) -> IdentityRefused:
    # Only what kind of error it is: its words may hold a code or an address.
    log.warning("provider_refused", error=type(error).__name__, why=getattr(error, "error", ""))
    return IdentityRefused(
        "%(provider)s could not tell us who you are. Try again in a moment, or come in by e-mail.",
        provider=name(settings()),
    )


def _wrong() -> tuple[type[Exception], ...]:
    """What goes wrong at the provider or on the way to it."""
    from authlib.common.errors import AuthlibBaseError  # noqa: PLC0415  as above
    from joserfc.errors import JoseError  # noqa: PLC0415
    from requests import RequestException  # noqa: PLC0415

    return (AuthlibBaseError, JoseError, RequestException, RuntimeError, ValueError, TypeError, LookupError)
