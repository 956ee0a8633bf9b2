"""E-mail addresses: what is one, and which look like a slip of the finger."""

from __future__ import annotations

import unicodedata

from email_validator import EmailNotValidError, validate_email
from rapidfuzz.distance import OSA

LONGEST = 254

WELL_KNOWN = (
    "gmail.com", "orange.fr", "wanadoo.fr", "free.fr", "laposte.net", "hotmail.fr", "hotmail.com", "outlook.fr",
    "outlook.com", "yahoo.fr", "yahoo.com", "sfr.fr", "neuf.fr", "live.fr", "live.com", "icloud.com", "gmx.fr",
    "gmx.com", "gmx.net", "bbox.fr", "proton.me", "protonmail.com", "msn.com", "numericable.fr", "aol.com",
    "googlemail.com", "mail.com", "posteo.net", "mailo.com", "ymail.com", "web.de",
)  # fmt: skip


class NotAnAddress(ValueError):
    """No letter can reach this."""


def read(text: str) -> str:
    """The address in `text`, in lower case and composed form (NFC), as it is kept and compared.

    Spaces around it and a `mailto:` before it are forgiven. No network is asked. Raises NotAnAddress.
    """
    typed = unicodedata.normalize("NFC", text).strip().strip("<>;,").removeprefix("mailto:").lower()
    if len(typed) > LONGEST:
        raise NotAnAddress(typed[:40])
    try:
        address = validate_email(typed, check_deliverability=False).normalized
    except EmailNotValidError as error:
        raise NotAnAddress(typed) from error
    return address.lower()


def meant(address: str) -> str | None:
    """The address its owner probably meant, or None when nothing looks wrong.

    Two slips are known: a domain one or two keys away from a well-known one (`gmial.com`), and accents before
    the `@`, which very few mailboxes have. It is a question to ask, never a correction to make.
    """
    local, _, domain = address.rpartition("@")
    plain = "".join(
        letter for letter in unicodedata.normalize("NFKD", local) if not unicodedata.combining(letter)
    )
    near = _nearest(domain)
    if near is None and plain == local:
        return None
    return f"{plain}@{near or domain}"


def _nearest(domain: str) -> str | None:
    if domain in WELL_KNOWN:
        return None
    reach = 1 if len(domain) < 9 else 2
    best = min(WELL_KNOWN, key=lambda known: OSA.distance(domain, known, score_cutoff=reach))
    return best if OSA.distance(domain, best, score_cutoff=reach) <= reach else None
