"""Names as people type them: cleaned for keeping, folded for comparing."""

from __future__ import annotations

import re
import unicodedata
from uuid import UUID

LONGEST = 120

# Joiners that some scripts and emoji need; every other control or format character goes.
_KEPT = "\u200c\u200d"
_APOSTROPHES = re.compile("['’ʼ`´]")
_FOLDED = re.compile(r"[^\w]+", re.UNICODE)
# What stands before a French family name and is not looked for: de La Tour is found at L, du Parc at D.
_PARTICLE = re.compile(r"(?:de\s+|d['’ʼ]\s*)(?=\S)")
_INCLUSIVE = re.compile(r"[·⸱•‧∙]|(?<=\w)\((?=\w{1,5}\))|(?<=\w)\)(?!\w)")


def clean(text: str) -> str:
    """One line of text without control, direction or invisible characters, spaces made single and ends
    trimmed.

    Accents, apostrophes, emoji and letters of every script stay as typed (in their composed form, NFC). A
    joiner stays only between two other characters. An empty text gives an empty text.
    """
    text = unicodedata.normalize("NFC", text)
    kept = []
    for letter in text:
        kind = unicodedata.category(letter)
        if letter.isspace():
            kept.append(" ")
        elif letter in _KEPT or kind not in ("Cc", "Cf", "Cs", "Co", "Cn"):
            kept.append(letter)
    return " ".join("".join(kept).split()).strip(_KEPT + " ")


def alone(folded: str, of: UUID) -> str:
    """What tells someone without an address from all others of their name: nothing but who they are.

    `folded` holds no sign, so no name ever reads like such a key.
    """
    return f"{folded}#{of}"


def searchable(*texts: str) -> str:
    """What a search looks through: folded, and once more without apostrophes (`oconnor` finds O’Connor)."""
    text = " ".join(texts)
    folded, joined = fold(text), fold(_APOSTROPHES.sub("", text))
    return folded if folded == joined else f"{folded} {joined}"


def fold(text: str) -> str:
    """What two spellings of one name have in common: no case, no accents, no signs, single spaces.

    `É` and `E`, composed and decomposed forms, `·`, `⸱`, `•` and `(e)`, straight and curly apostrophes, and
    every kind of space compare equal. A text of signs only (an emoji) folds to itself, so that it still has a
    key.
    """
    bare = unicodedata.normalize("NFKD", _INCLUSIVE.sub("", clean(text)))
    bare = "".join(letter for letter in bare if not unicodedata.combining(letter)).casefold()
    bare = bare.replace("œ", "oe").replace("æ", "ae").replace("ø", "o").replace("ł", "l").replace("đ", "d")
    folded = " ".join(_FOLDED.sub(" ", bare).split())
    return folded or " ".join(text.casefold().split())


def filed_under(given: str, family: str) -> tuple[str, str]:
    """By what a person is found on a printed list: the family name without its particle, then the given one, folded.

    Somebody of one name is found by that name.
    """
    family = clean(family)
    particle = _PARTICLE.match(family)
    first = fold(family[particle.end() :] if particle else family) if family else ""
    return first or fold(given), fold(given) if first else ""
