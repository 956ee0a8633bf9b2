"""Personal links: 128 bits that only the house can make again, and whose hash is all that is kept."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlencode
from uuid import UUID

from services.chassis.settings import Settings


def hashed(token: str) -> str:
    """What is kept of a token: enough to know it again, too little to make it."""
    return hashlib.sha256(token.encode()).hexdigest()


@dataclass(frozen=True)
class Links:
    """Makes every address that leaves in a letter.

    A person's token is drawn from the house's `secret` and their id, so that each letter can carry the same
    link while the database knows the hash alone. `before` holds the secrets that the house had before: who was
    written to with one of them (`kept` is the hash that the database knows) keeps that link in every letter.
    """

    public_url: str
    secret: str = field(repr=False)
    before: tuple[str, ...] = field(default=(), repr=False)

    @classmethod
    def of(cls, settings: Settings) -> Links:
        return cls(settings.public_url, settings.secret_key, settings.secret_key_before)

    def mine(self, participant_id: UUID, kept: str = "") -> str:
        """Where one participant finds their place."""
        return f"{self.public_url}/moi/{self.participant_token(participant_id, kept)}"

    def invitation(self, slug: str, invitation_id: UUID, kept: str = "") -> str:
        """The public page, with the form filled in for one invited person."""
        return f"{self.public_url}/r/{slug}?i={self.invitation_token(invitation_id, kept)}"

    def gathering(self, slug: str) -> str:
        return f"{self.public_url}/r/{slug}"

    def sign_in(self, token: str, *, onward: str = "") -> str:
        """The door, and `onward` the page of this house that is behind it."""
        door = f"{self.public_url}/entrer/{token}"
        return f"{door}?{urlencode({'suite': onward}, safe='/')}" if onward else door

    def participant_token(self, participant_id: UUID, kept: str = "") -> str:
        return self._token("participant", participant_id, kept)

    def invitation_token(self, invitation_id: UUID, kept: str = "") -> str:
        return self._token("invitation", invitation_id, kept)

    def code(self, about: UUID, until: datetime) -> str:
        """Six digits that stand for the link, for who reads letters on another machine; new with each
        deadline.
        """
        return self._code(self.secret, about, until)

    def is_code(self, said: str, about: UUID, until: datetime) -> bool:
        """Whether somebody said the code of `about`, be it of a letter written with a secret of before."""
        known = [self._code(secret, about, until) for secret in (self.secret, *self.before)]
        return any([secrets.compare_digest(said.encode(), code.encode()) for code in known])

    def _code(self, secret: str, about: UUID, until: datetime) -> str:
        digest = _digest(secret, f"code:{until.timestamp():.0f}", about)
        return f"{int.from_bytes(digest[:8], 'big') % 1_000_000:06d}"

    def _token(self, kind: str, about: UUID, kept: str) -> str:
        newest = _drawn(self.secret, kind, about)
        if not kept or not self.before:
            return newest
        olden = (_drawn(secret, kind, about) for secret in self.before)
        return next((token for token in olden if hashed(token) == kept), newest)


def _drawn(secret: str, kind: str, about: UUID) -> str:
    return urlsafe_b64encode(_digest(secret, kind, about)[:16]).decode().rstrip("=")


def _digest(secret: str, kind: str, about: UUID) -> bytes:
    return hmac.new(secret.encode(), kind.encode() + b"\0" + about.bytes, hashlib.sha256).digest()
