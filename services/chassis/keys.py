"""The key pair that registration signs sign-ins with and every service verifies them by."""

from __future__ import annotations

import base64

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat


def new_key_pair() -> tuple[str, str]:
    """A fresh (signing_key, verify_key), base64 of the raw Ed25519 keys."""
    private = Ed25519PrivateKey.generate()
    signing = private.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    verify = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return base64.b64encode(signing).decode(), base64.b64encode(verify).decode()
