"""What may stand in braces in the words of a letter, by kind and language, and what takes its place."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from services.chassis.catalogues import N_
from services.notifications.writing.kinds import WITHOUT_GATHERING

_BRACES = re.compile(r"\{([^{}\n]{1,40})\}")


@dataclass(frozen=True, slots=True)
class Placeholder:
    """`fr` and `en` are its names, `says` what takes its place.

    `value` is an expression of the template language; without one the part `_<key>.txt` takes its place.
    """

    key: str
    fr: str
    en: str
    says: str
    value: str = ""

    def name(self, language: str) -> str:
        return self.fr if language == "fr" else self.en


class UnknownPlaceholder(ValueError):
    """Names in braces that this kind of letter does not know; `names` as they were typed."""

    def __init__(self, names: list[str]) -> None:
        super().__init__(", ".join(names))
        self.names = names


_P = Placeholder
_EVERYWHERE = (
    _P("hello", "bonjour", "hello", N_("“Hello” and the given name.")),
    _P("given", "prénom", "given", N_("The given name."), "{{ given }}"),
    _P("family", "nom", "family", N_("The family name."), "{{ family }}"),
    _P(
        "link",
        "lien",
        "link",
        N_("The link of this letter; below a line that ends with a colon, a button."),
        "{{ link }}",
    ),
)
_ABOUT_GATHERING = (
    _P("title", "rencontre", "gathering", N_("The name of the gathering."), "{{ title }}"),
    _P("purpose", "intention", "purpose", N_("What the gathering is for, set apart.")),
    _P("when", "quand", "when", N_("Two lines: when and where.")),
    _P("day", "jour", "day", N_("The day of the gathering."), "{{ starts_at|day }}"),
    _P("place", "lieu", "place", N_("The place."), "{{ place }}"),
    _P("organiser", "organisation", "organiser", N_("Who organises."), "{{ organiser }}"),
    _P("welcome", "accueil", "welcome", N_("A word of welcome, in the gathering’s inclusive writing.")),
    _P("foot", "pied", "foot", N_("Who organises, and what this letter is about.")),
)
_CODE = _P("code", "code", "code", N_("The code, if the page asks for it."), "{{ code }}")
_DEADLINE = _P("deadline", "échéance", "deadline", N_("Until when, in words."), "{{ expires_at|instant }}")
_CLOSING = _P("closing", "clôture", "closing", N_("Until when one can answer."))
_GROUP = _P("group", "groupe", "group", N_("The name of the group or angle."), "{{ group_name }}")
_OF_KIND: dict[str, tuple[Placeholder, ...]] = {
    "sign-in": (_CODE, _DEADLINE),
    "passkey": (_P("passkey", "clé", "passkey", N_("What they call their new passkey."), "{{ passkey }}"),),
    "identity": (
        _P("provider", "fournisseur", "provider", N_("Whose account it is."), "{{ provider }}"),
        _P("account", "compte", "account", N_("Their address there."), "{{ account }}"),
    ),
    "colleague": (
        _P("host", "hôte", "host", N_("Who asks them to help."), "{{ invited_by }}"),
        _P("helps-as", "rôle", "role", N_("What they may do at the gathering.")),
        _DEADLINE,
    ),
    "confirm-address": (
        _CODE,
        _DEADLINE,
        _P("request", "demande", "request", N_("What was asked for, or who hands their seat over.")),
    ),
    "waiting": (
        _P("why-waiting", "raison", "reason", N_("Why they wait, and their rank.")),
        _P("rank", "rang", "rank", N_("Their rank in the line."), "{{ rank }}"),
    ),
    "offer": (_DEADLINE,),
    "changed": (_P("changes", "changements", "changes", N_("The list of what changed, before and after.")),),
    "cancelled": (
        _P("cancellation", "annulation", "cancellation", N_("What became of their seat.")),
        _P("undo", "retour", "undo", N_("How to undo it, with its button, while that is possible.")),
    ),
    "gathering-changed": (
        _P("before", "avant", "before", N_("When and where it was before.")),
        _P("seat-after-change", "suite", "next", N_("What this means for their seat or their rank.")),
    ),
    "gathering-cancelled": (
        _P("seat-after-end", "suite", "next", N_("What this means for their seat or their rank.")),
    ),
    "placement": (
        _GROUP,
        _P("headline", "annonce", "headline", N_("“Your group” or “Your listening angle”, and its name.")),
        _P(
            "your-group",
            "votre groupe",
            "your group",
            N_("Where their place is, and the question of the group."),
        ),
        _P("role", "rôle", "role", N_("What carriers and tellers should know.")),
        _P("company", "compagnie", "company", N_("How many others will be there.")),
        _P("reasons", "raisons", "reasons", N_("Why this group.")),
    ),
    "moved": (
        _GROUP,
        _P("move", "déplacement", "move", N_("From which group to which, and its question.")),
        _P("reasons-to-move", "raisons", "reasons", N_("Why this change.")),
    ),
    "pack": (
        _P("asked-role", "rôle", "role", N_("What they are asked to do, in a few words.")),
        _P("task", "demande", "request", N_("What they are asked to do, and for which group.")),
        _P("method-card", "méthode", "method", N_("How one does it, step by step.")),
        _P("people", "personnes", "people", N_("Who is in their group.")),
        _P("note-sheet", "notes", "notes", N_("What is to be written down, under headings.")),
    ),
    "relieved": (_P("relief", "relais", "relief", N_("What they are no longer asked to do.")),),
    "follow-up": (_P("plan", "plan", "plan", N_("What they wrote themselves, set apart.")),),
    "erasing": (
        _P("last-day", "échéance", "deadline", N_("The day on which everything goes."), "{{ kept_until|day }}"),
        _P("what-stays", "reste", "stays", N_("What stays as a count.")),
    ),
    "erased": (
        _P("erasure", "effacement", "erasure", N_("That they are forgotten, and why.")),
        _P("what-stays", "reste", "stays", N_("What stays as a count.")),
    ),
    "loss": (_P("loss", "perte", "loss", N_("What the day has lost, and what can be done.")),),
    "digest": (
        _P("failures", "échecs", "failures", N_("Letters that did not arrive, each by name.")),
        _P("drafts", "à relire", "drafts", N_("How many letters wait for a review.")),
    ),
    "questionnaire": (_CLOSING,),
    "questionnaire-reminder": (_CLOSING,),
}
# A letter that leads nowhere without its link must keep it; these do not need one.
_WITHOUT_LINK = ("cancelled", "gathering-cancelled")


def of(kind: str) -> tuple[Placeholder, ...]:
    """What may stand in braces in this kind of letter."""
    about = () if kind in WITHOUT_GATHERING else _ABOUT_GATHERING
    return (*_EVERYWHERE, *about, *_OF_KIND.get(kind, ()))


def found(text: str) -> list[str]:
    """The names in braces, as typed, in their order."""
    return _BRACES.findall(text)


def read(kind: str, language: str, name: str) -> Placeholder | None:
    """The placeholder of this name; accents, case and spaces around it do not matter."""
    wanted = _plain(name)
    return next((one for one in of(kind) if _plain(one.name(language)) == wanted), None)


def check(kind: str, language: str, *texts: str) -> None:
    """Raise UnknownPlaceholder with every name in braces that this kind of letter does not know."""
    names = [name for text in texts for name in found(text) if read(kind, language, name) is None]
    if names:
        raise UnknownPlaceholder(list(dict.fromkeys(names)))


def lacks_link(kind: str, language: str, text: str) -> bool:
    """Whether the letter would lead nowhere."""
    if kind in _WITHOUT_LINK:
        return False
    keys = {one.key for name in found(text) if (one := read(kind, language, name)) is not None}
    return "link" not in keys


def split(text: str) -> list[str]:
    """The text in turns: words, a name in braces, words, a name…"""
    return _BRACES.split(text)


def _plain(name: str) -> str:
    apart = unicodedata.normalize("NFD", name.strip().casefold())
    return "".join(sign for sign in apart if not unicodedata.combining(sign))
