"""Codes of other services in words: the fields a person changed, the reasons for a place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

# Fields we name; the link and the like are nobody's news.
FIELDS = {
    "fr": {
        "given": "Prénom",
        "family": "Nom",
        "email": "Adresse",
        "territory": "Territoire",
        "trade": "Métier",
        "structure": "Structure",
        "language": "Langue",
        "phone": "Téléphone",
        "needs": "Besoins",
    },
    "en": {
        "given": "Given name",
        "family": "Family name",
        "email": "Address",
        "territory": "Territory",
        "trade": "Trade",
        "structure": "Structure",
        "language": "Language",
        "phone": "Phone",
        "needs": "Needs",
    },
}
LANGUAGES = {"fr": {"fr": "français", "en": "anglais"}, "en": {"fr": "French", "en": "English"}}


def changes(
    before: Mapping[str, Any], after: Mapping[str, Any], language: str, territories: Mapping[str, str]
) -> list[dict[str, str]]:
    """What changed, one entry a field with its label; fields that say the same or have no name are left out."""
    named = FIELDS["fr" if language == "fr" else "en"]
    found = []
    for name, label in named.items():
        if name not in before and name not in after:
            continue
        had = _spoken(name, before.get(name), language, territories)
        has = _spoken(name, after.get(name), language, territories)
        if had != has:
            found.append({"label": label, "before": had, "after": has})
    return found


def _spoken(name: str, value: Any, language: str, territories: Mapping[str, str]) -> str:
    if value is None:
        return ""
    if name == "territory":
        return territories.get(str(value), str(value))
    if name == "language":
        return LANGUAGES["fr" if language == "fr" else "en"].get(str(value), str(value))
    return str(value)


def reasons(codes: Sequence[Any], language: str, territories: Mapping[str, str]) -> list[str]:
    """Reasons in words; a code we have no words for is not shown."""
    return []
