"""Where the person a letter solicits says no: an address of the letter's own that only the house can make."""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NoBase64
from dataclasses import dataclass, field
from uuid import UUID

from services.chassis.settings import Settings

_SIGNED = 16


@dataclass(frozen=True, slots=True)
class Doors:
    """Makes and knows these addresses; `before` holds the secrets the house had before, which stay good.

    The address names its letter and nobody: whom it was for is looked up when the door opens.
    """

    public_url: str
    secret: str = field(repr=False)
    before: tuple[str, ...] = field(default=(), repr=False)

    @classmethod
    def of(cls, settings: Settings) -> Doors:
        return cls(settings.public_url, settings.secret_key, settings.secret_key_before)

    def refusal(self, letter_id: UUID) -> str:
        """The whole address of this letter's door; empty while the house has no secret to sign it with."""
        if not self.secret:
            return ""
        signed = urlsafe_b64encode(letter_id.bytes + _signature(self.secret, letter_id))
        return f"{self.public_url}/refus/{signed.decode().rstrip('=')}"

    def letter(self, token: str) -> UUID | None:
        """Which letter this door belongs to; None when nobody of ours made it."""
        try:
            raw = urlsafe_b64decode(token + "=" * (-len(token) % 4))
        except (ValueError, NoBase64):
            return None
        if len(raw) != 16 + _SIGNED:
            return None
        letter_id = UUID(bytes=raw[:16])
        known = [_signature(secret, letter_id) for secret in (self.secret, *self.before) if secret]
        return letter_id if any([hmac.compare_digest(raw[16:], good) for good in known]) else None


def _signature(secret: str, letter_id: UUID) -> bytes:
    return hmac.digest(secret.encode(), b"refusal\0" + letter_id.bytes, hashlib.sha256)[:_SIGNED]
