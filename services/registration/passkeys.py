"""Passkeys: a key in an organiser's own device opens the door beside the letter (WebAuthn, level 2)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import webauthn
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from services.chassis.catalogues import N_
from services.chassis.errors import NotFound, Refused
from services.chassis.outbox import publish
from services.chassis.settings import Settings
from services.registration import challenges, telling
from services.registration.events import PasskeyAdded
from services.registration.models import Organiser, Passkey

MOST = 20


class PasskeyRefused(Refused):
    """The door stays closed; the message says what else opens it."""

    code = "passkey-refused"


class TooManyPasskeys(Refused):
    code = "too-many-passkeys"


@dataclass(frozen=True)
class Site:
    """What browsers bind a key to: `domain` (the relying party's id) and the one `origin` that may ask for it."""

    domain: str
    origin: str

    @classmethod
    def of(cls, settings: Settings) -> Site | None:
        """None where browsers have no passkeys: at a number instead of a name, and without https."""
        there = urlsplit(settings.public_url)
        host = there.hostname or ""
        is_safe = there.scheme == "https" or host == "localhost"
        if not is_safe or ":" in host or host.rpartition(".")[2].isdigit():
            return None
        port = f":{there.port}" if there.port not in (None, {"http": 80, "https": 443}[there.scheme]) else ""
        return cls(settings.passkey_domain or host, f"{there.scheme}://{host}{port}")


def offer(session: Session, organiser: Organiser, site: Site, *, now: datetime) -> dict[str, Any]:
    """What the organiser's browser needs to make a passkey (`PublicKeyCredentialCreationOptions` in JSON)."""
    known = session.scalars(select(Passkey.credential).where(Passkey.organiser_id == organiser.id))
    options = webauthn.generate_registration_options(
        rp_id=site.domain,
        rp_name="Palabre",
        user_id=organiser.id.bytes,
        user_name=organiser.email,
        user_display_name=organiser.name or organiser.email,
        challenge=challenges.make(session, organiser.id, now=now),
        timeout=_milliseconds(challenges.VALID),
        exclude_credentials=[PublicKeyCredentialDescriptor(id=base64url_to_bytes(one)) for one in known],
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED,
            user_verification=UserVerificationRequirement.PREFERRED,
        ),
    )
    return _plain(options)


def add(
    session: Session,
    organiser: Organiser,
    answer: str,
    site: Site,
    *,
    name: str,
    language: str,
    link: str,
    now: datetime,
) -> Passkey:
    """Keep the passkey that a browser made, and write to its owner.

    `answer` is the credential in JSON; `link` is where passkeys are removed. Whatever comes of it, its challenge is
    spent: commit also when it is refused. Raises PasskeyRefused, TooManyPasskeys.
    """
    challenge = _spend(session, answer, organiser.id, now=now)
    try:
        made = webauthn.verify_registration_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=site.domain,
            expected_origin=site.origin,
        )
    except _WRONG as error:
        raise PasskeyRefused("This passkey could not be checked, and was not added. Try again.") from error
    credential = bytes_to_base64url(made.credential_id)
    mine = select(func.count()).where(Passkey.organiser_id == organiser.id)
    if (session.scalar(mine) or 0) >= MOST:
        raise TooManyPasskeys("You have %(most)s passkeys. Remove one first.", most=MOST)
    if session.scalar(select(Passkey.id).where(Passkey.credential == credential)) is not None:
        raise PasskeyRefused("This passkey is here already. Look for it in the list.")
    passkey = Passkey(
        id=uuid4(),
        organiser_id=organiser.id,
        credential=credential,
        public_key=bytes_to_base64url(made.credential_public_key),
        uses=made.sign_count,
        is_synced=made.credential_backed_up,
        name=name,
        added_at=now,
    )
    session.add(passkey)
    session.flush()
    about = {
        "passkey_id": passkey.id,
        "organiser_id": organiser.id,
        "email": organiser.email,
        "name": organiser.name,
        "passkey": name,
        "link": link,
        "language": language,
    }
    publish(session, PasskeyAdded, about=about, now=now)
    telling.note(session, "passkey added", organiser.id, gathering_id=None, by=organiser.id, now=now)
    return passkey


def ask(session: Session, site: Site, *, now: datetime) -> dict[str, Any]:
    """What any browser needs to look for a passkey (`PublicKeyCredentialRequestOptions` in JSON); it names nobody."""
    options = webauthn.generate_authentication_options(
        rp_id=site.domain,
        challenge=challenges.make(session, None, now=now),
        timeout=_milliseconds(challenges.VALID),
        user_verification=UserVerificationRequirement.PREFERRED,
    )
    return _plain(options)


def use(session: Session, answer: str, site: Site, *, now: datetime) -> Organiser:
    """Open the door with a passkey. Its challenge is spent whatever comes of it: commit also when it is refused.

    Raises PasskeyRefused.
    """
    challenge = _spend(session, answer, None, now=now)
    try:
        presented = webauthn.helpers.parse_authentication_credential_json(answer)
        credential = bytes_to_base64url(presented.raw_id)
    except _WRONG as error:
        raise PasskeyRefused(_UNREADABLE) from error
    # Locked: of two answers with one count, the second must see what the first left.
    passkey = session.scalar(select(Passkey).where(Passkey.credential == credential).with_for_update())
    if passkey is None:
        raise PasskeyRefused(
            "We do not know this passkey any more. Come in by e-mail, then add it again on the page “My account”."
        )
    try:
        found = webauthn.verify_authentication_response(
            credential=presented,
            expected_challenge=challenge,
            expected_rp_id=site.domain,
            expected_origin=site.origin,
            credential_public_key=base64url_to_bytes(passkey.public_key),
            # The count is compared below, where it has a sentence of its own.
            credential_current_sign_count=0,
        )
    except _WRONG as error:
        raise PasskeyRefused("This passkey could not be checked. Try again, or come in by e-mail.") from error
    # A discoverable key names its owner; a browser that leaves it out has proved the key all the same.
    if presented.response.user_handle not in (None, passkey.organiser_id.bytes):
        raise PasskeyRefused("This passkey could not be checked. Try again, or come in by e-mail.")
    if passkey.uses and found.new_sign_count <= passkey.uses:
        telling.note(session, "passkey counted back", passkey.organiser_id, gathering_id=None, by=None, now=now)
        raise PasskeyRefused(
            "This passkey may have been copied: it counts its uses, and the count went back. "
            "Come in by e-mail, remove it and add a new one."
        )
    passkey.uses, passkey.used_at = found.new_sign_count, now
    passkey.is_synced = found.credential_backed_up
    telling.note(
        session, "signed in", passkey.organiser_id, gathering_id=None, by=passkey.organiser_id, now=now
    )
    return session.get_one(Organiser, passkey.organiser_id)


def of_organiser(session: Session, organiser_id: UUID) -> Sequence[Passkey]:
    """The organiser's passkeys, the oldest first."""
    mine = select(Passkey).where(Passkey.organiser_id == organiser_id)
    return session.scalars(mine.order_by(Passkey.added_at, Passkey.id)).all()


def get(session: Session, organiser_id: UUID, passkey_id: UUID) -> Passkey:
    """One of the organiser's passkeys. Raises NotFound, for another's too."""
    passkey = session.get(Passkey, passkey_id)
    if passkey is None or passkey.organiser_id != organiser_id:
        raise NotFound("This passkey is not here any more.")
    return passkey


def remove(session: Session, organiser_id: UUID, passkey_id: UUID, *, now: datetime) -> Passkey:
    """Close the door to one passkey. Raises NotFound."""
    passkey = get(session, organiser_id, passkey_id)
    session.delete(passkey)
    telling.note(session, "passkey removed", organiser_id, gathering_id=None, by=organiser_id, now=now)
    return passkey


# webauthn has words of its own for most of what is wrong with an answer; the rest is told by what it reads it with.
_WRONG = (WebAuthnException, ValueError, TypeError, LookupError, AttributeError, RecursionError)
_UNREADABLE = N_("Your browser sent something that we cannot read. Try again, or come in by e-mail.")


def _spend(session: Session, answer: str, organiser_id: UUID | None, *, now: datetime) -> bytes:
    """The challenge that was answered, which from now on nobody can answer again. Raises PasskeyRefused."""
    try:
        said = json.loads(base64url_to_bytes(json.loads(answer)["response"]["clientDataJSON"]))["challenge"]
        challenge = base64url_to_bytes(said)
    except _WRONG as error:
        raise PasskeyRefused(_UNREADABLE) from error
    if not challenges.spend(session, challenge, organiser_id, now=now):
        raise PasskeyRefused("This took too long, or was sent twice. Try again.")
    return challenge


def _plain(options: Any) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(webauthn.options_to_json(options))
    return plain


def _milliseconds(span: timedelta) -> int:
    return round(span.total_seconds() * 1000)
