"""Codes of other services in words: the fields a person changed, the reasons for a place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from services.chassis.typography import typo

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


# What grouping's codes mean: one, several. "carrier" and "teller" are said in a paragraph of their own.
REASONS = {
    "fr": {
        "wish:1": ("C'était votre premier choix.",),
        "wish:2": ("C'était votre deuxième choix.",),
        "wish:3": ("C'était votre troisième choix.",),
        "alone_of_structure": ("Personne d'autre n'y vient de votre structure.",),
        "territories": ("Il réunit des personnes d'un territoire.", "Il réunit {n} territoires."),
        "trades": ("Il réunit un métier.", "Il réunit {n} métiers."),
        "new_people": (
            "Vous n'avez pas encore travaillé avec l'une de ces personnes.",
            "Vous n'avez pas encore travaillé avec {n} de ces personnes.",
        ),
        "new_seat": ("Ce groupe avait une place pour vous.",),
        "walk_in": ("Ce groupe avait une place pour vous.",),
        "table_too_small": ("Ce groupe manquait de monde.", "Ce groupe manquait de monde."),
        "table_too_large": ("Votre groupe était trop nombreux.", "Votre groupe était trop nombreux."),
        "brings_territory": ("Personne d'autre n'y vient de votre territoire : {value}.",),
        "brings_trade": ("Personne d'autre n'y fait votre métier : {value}.",),
        "evened_mix": ("Les territoires et les métiers sont ainsi mieux mêlés.",),
        "evened_sizes": ("Les groupes sont ainsi de taille égale.",),
    },
    "en": {
        "wish:1": ("It was your first wish.",),
        "wish:2": ("It was your second wish.",),
        "wish:3": ("It was your third wish.",),
        "alone_of_structure": ("Nobody else in it comes from your structure.",),
        "territories": ("It brings people of one territory together.", "It brings {n} territories together."),
        "trades": ("It brings one trade together.", "It brings {n} trades together."),
        "new_people": (
            "You have not worked with one of these people yet.",
            "You have not worked with {n} of these people yet.",
        ),
        "new_seat": ("This group had a seat for you.",),
        "walk_in": ("This group had a seat for you.",),
        "table_too_small": ("This group was short of people.", "This group was short of people."),
        "table_too_large": ("Your group was too large.", "Your group was too large."),
        "brings_territory": ("Nobody else in it comes from your territory: {value}.",),
        "brings_trade": ("Nobody else in it has your trade: {value}.",),
        "evened_mix": ("Territories and trades are mixed better this way.",),
        "evened_sizes": ("The groups are of even size this way.",),
    },
}


def reasons(codes: Sequence[Any], language: str, territories: Mapping[str, str]) -> list[str]:
    """Grouping's reasons in words, in their order; a code we have no words for is not shown."""
    french = language == "fr"
    known, found = REASONS["fr" if french else "en"], []
    for code in map(str, codes):
        name, _colon, value = code.partition(":")
        forms = known.get(code) or known.get(name)
        if forms is None:
            continue
        count = int(value) if value.isdigit() else 1
        said = forms[-1] if count > 1 else forms[0]
        value = territories.get(value, value) if name == "brings_territory" else value
        # What we say is set here: to the template it is a value, which it prints as it comes.
        found.append((typo(said) if french else said).replace("{n}", str(count)).replace("{value}", value))
    return found
