"""A passkey made of nothing but software: what a browser and an authenticator would answer, byte by byte.

After W3C Web Authentication level 2, §6.1 (authenticator data), §6.5.4 (attestation object) and §5.8.1 (client data).
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from hashlib import sha256
from struct import pack
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url

PRESENT, VERIFIED, SYNCED, ATTESTED = 0x01, 0x04, 0x18, 0x40


@dataclass
class Key:
    """One key for one owner at one domain; `uses` goes up with each use, unless it `counts` nothing."""

    origin: str = "https://palabre.example"
    counts: bool = True
    flags: int = PRESENT | VERIFIED
    uses: int = 0
    id: bytes = field(default_factory=lambda: os.urandom(32))
    owner: bytes = b""
    _private: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )

    def make(self, options: dict[str, Any]) -> str:
        """What `navigator.credentials.create` answers to these options."""
        self.owner = base64url_to_bytes(options["user"]["id"])
        point = self._private.public_key().public_numbers()
        cose = {1: 2, 3: -7, -1: 1, -2: point.x.to_bytes(32, "big"), -3: point.y.to_bytes(32, "big")}
        attested = bytes(16) + pack(">H", len(self.id)) + self.id + cbor2.dumps(cose)
        told = self._told(options["rp"]["id"], ATTESTED) + attested
        return self._answer(
            clientDataJSON=self._client("webauthn.create", options["challenge"]),
            attestationObject=cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": told}),
        )

    def use(self, options: dict[str, Any]) -> str:
        """What `navigator.credentials.get` answers to these options."""
        self.uses += self.counts
        client, told = self._client("webauthn.get", options["challenge"]), self._told(options["rpId"], 0)
        signed = self._private.sign(told + sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        return self._answer(
            clientDataJSON=client, authenticatorData=told, signature=signed, userHandle=self.owner
        )

    def _told(self, domain: str, more: int) -> bytes:
        return sha256(domain.encode()).digest() + bytes([self.flags | more]) + pack(">I", self.uses)

    def _client(self, kind: str, challenge: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin}).encode()

    def _answer(self, **response: bytes) -> str:
        name = bytes_to_base64url(self.id)
        parts = {part: bytes_to_base64url(value) for part, value in response.items()}
        return json.dumps({"id": name, "rawId": name, "type": "public-key", "response": parts})
