"""Finding people's names in what is about to be published."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

# Shorter names ("Li", "Ba") are words of the language as often as names.
SHORTEST = 3


def folded(text: str) -> str:
    """The text without case, accents and punctuation, words parted by single spaces."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))
    return " ".join(re.findall(r"[^\W_]+", bare))


def names_in(text: str, families: Iterable[str]) -> list[str]:
    """The folded family names that stand in `text` as whole words, sorted.

    "de La Tour" is found as "De la Tour" and "de-la-tour". Names under three letters are not looked for.
    """
    within = f" {folded(text)} "
    looked_for = {folded(family) for family in families}
    return sorted(name for name in looked_for if len(name) >= SHORTEST and f" {name} " in within)
