"""Personal links: 128 bits that only the house can make again, and whose hash is all that is kept."""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlencode
from uuid import UUID


def hashed(token: str) -> str:
    """What is kept of a token: enough to know it again, too little to make it."""
    return hashlib.sha256(token.encode()).hexdigest()


@dataclass(frozen=True)
class Links:
    """Makes every address that leaves in a letter.

    A person's token is drawn from the house's `secret` and their id, so that each letter can carry the same
    link while the database knows the hash alone.
    """

    public_url: str
    secret: str = field(repr=False)

    def mine(self, participant_id: UUID) -> str:
        """Where one participant finds their place."""
        return f"{self.public_url}/moi/{self.participant_token(participant_id)}"

    def invitation(self, slug: str, invitation_id: UUID) -> str:
        """The public page, with the form filled in for one invited person."""
        return f"{self.public_url}/r/{slug}?i={self.invitation_token(invitation_id)}"

    def gathering(self, slug: str) -> str:
        return f"{self.public_url}/r/{slug}"

    def sign_in(self, token: str, *, onward: str = "") -> str:
        """The door, and `onward` the page of this house that is behind it."""
        door = f"{self.public_url}/entrer/{token}"
        return f"{door}?{urlencode({'suite': onward}, safe='/')}" if onward else door

    def participant_token(self, participant_id: UUID) -> str:
        return self._token("participant", participant_id)

    def invitation_token(self, invitation_id: UUID) -> str:
        return self._token("invitation", invitation_id)

    def code(self, about: UUID, until: datetime) -> str:
        """Six digits that stand for the link, for who reads letters on another machine; new with each
        deadline.
        """
        digest = self._digest(f"code:{until.timestamp():.0f}", about)
        return f"{int.from_bytes(digest[:8], 'big') % 1_000_000:06d}"

    def _token(self, kind: str, about: UUID) -> str:
        return urlsafe_b64encode(self._digest(kind, about)[:16]).decode().rstrip("=")

    def _digest(self, kind: str, about: UUID) -> bytes:
        return hmac.new(self.secret.encode(), kind.encode() + b"\0" + about.bytes, hashlib.sha256).digest()
