"""What codes mean, said to people in the language of the request."""

from __future__ import annotations

from collections.abc import Sequence

from services.chassis.catalogues import N_, catalogue
from services.chassis.i18n import _, ngettext

_NAMES = {"angles": N_("Listening angles"), "topics": N_("Peer groups")}
_STATES = {
    "registered": N_("expected"),
    "present": N_("here"),
    "absent": N_("did not come"),
    "cancelled": N_("gave their seat back"),
}

_DUTIES = {
    "facilitator": (N_("Facilitator"), N_("facilitates"), N_("You facilitate this group.")),
    "rapporteur": (N_("Rapporteur"), N_("takes notes"), N_("You take notes for this group.")),
    "timekeeper": (N_("Timekeeper"), N_("keeps time"), N_("You keep the time of this group.")),
}


def duties() -> list[tuple[str, str]]:
    """The roles of a group, each with what it is called."""
    return [(code, _(words[0])) for code, words in _DUTIES.items()]


def does(duty: str) -> str:
    """What somebody with this role does, in a word or two; empty without one."""
    return _(_DUTIES[duty][1]) if duty in _DUTIES else ""


def asked(duty: str) -> str:
    """What is asked of who has this role, to themselves; empty without one."""
    return _(_DUTIES[duty][2]) if duty in _DUTIES else ""


def usual_name(kind: str, language: str) -> str:
    """What a round is called when nobody named it, in the language of its gathering."""
    known = language if language in ("fr", "en") else "fr"
    return str(catalogue("grouping", known).gettext(_NAMES[kind]))


def state_word(state: str) -> str:
    return _(_STATES[state])


def why(code: str) -> str:
    """One reason for a seat, to the person who has it."""
    kind, _colon, value = code.partition(":")
    count = int(value) if value.isdigit() else 0
    match kind:
        case "carrier":
            return _("You carry its topic.")
        case "teller":
            return _("You tell one of the stories: while you tell it, the others listen for you.")
        case "wish":
            return [_("It was your first wish."), _("It was your second wish."), _("It was your third wish.")][
                min(max(count, 1), 3) - 1
            ]
        case "alone_of_structure":
            return _("You are the only person of your structure in it.")
        case "territories":
            return ngettext(
                "It brings together one territory.", "It brings together %(num)s territories.", count
            )
        case "trades":
            return ngettext("It brings together one trade.", "It brings together %(num)s trades.", count)
        case "new_people":
            return ngettext(
                "You have not worked yet with one of these people today.",
                "You have not worked yet with %(num)s of these people today.",
                count,
            )
    return code


def why_move(code: str, after: int, territories: dict[str, str]) -> str:
    """Why a re-balance moves somebody to group `after`, to the organiser."""
    kind, _colon, value = code.partition(":")
    match kind:
        case "new_seat":
            return _("Has no seat yet. Group %(group)s has room.", group=after)
        case "table_too_small":
            return ngettext(
                "Group %(group)s is left with one person.",
                "Group %(group)s is left with %(num)s people.",
                int(value),
                group=after,
            )
        case "table_too_large":
            return ngettext(
                "Their group has one person too many for even tables.",
                "Their group has %(num)s people, more than the others.",
                int(value),
            )
        case "brings_territory":
            return _(
                "Group %(group)s has nobody else from %(territory)s.",
                group=after,
                territory=territories.get(value, value),
            )
        case "brings_trade":
            return _("Group %(group)s has nobody else in this trade: %(trade)s.", group=after, trade=value)
        case "wish":
            return [
                _("It was their first wish."),
                _("It was their second wish."),
                _("It was their third wish."),
            ][min(max(int(value), 1), 3) - 1]
    return _("It evens out territories, trades and structures.")


def choice(codes: Sequence[str], territories: dict[str, str]) -> str:
    """What moving somebody to a group would change, in a few words."""
    said = []
    for code in codes:
        kind, _colon, value = code.partition(":")
        if kind == "colleague":
            said.append(_("same structure as %(name)s", name=value))
        elif kind == "wish":
            said.append([_("their first wish"), _("their second wish"), _("their third wish")][int(value) - 1])
        elif kind == "brings_territory":
            said.append(_("nobody else from %(territory)s", territory=territories.get(value, value)))
    return ", ".join(said)


def conflict(rules: Sequence[Sequence[object]]) -> list[str]:
    """The rules that cannot be kept at once, a sentence each."""
    said = []
    for kind, one, other in rules:
        match kind:
            case "together":
                said.append(_("%(one)s and %(other)s sit together.", one=one, other=other))
            case "apart":
                said.append(_("%(one)s and %(other)s do not sit together.", one=one, other=other))
            case "carrier":
                said.append(_("%(one)s carries the topic of group %(group)s.", one=one, group=other))
            case "locked":
                said.append(_("%(one)s is kept in group %(group)s.", one=one, group=other))
    return said
