"""The kinds of letters, and what is true of each."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """`is_solicitation`: it can be refused; all others are service letters. `is_draft`: it waits for a person.

    `calendar` is the iTIP method of the calendar part it carries, if any.
    """

    name: str
    is_solicitation: bool = False
    is_draft: bool = False
    calendar: str | None = None


KINDS = {
    kind.name: kind
    for kind in (
        Kind("sign-in"),
        Kind("invitation", is_solicitation=True, is_draft=True),
        Kind("confirm-address"),
        Kind("link"),
        Kind("registered", calendar="REQUEST"),
        Kind("waiting"),
        Kind("offer"),
        Kind("offer-expired"),
        Kind("changed", calendar="REQUEST"),
        Kind("cancelled", calendar="CANCEL"),
        Kind("restored", calendar="REQUEST"),
        Kind("gathering-changed", calendar="REQUEST"),
        Kind("gathering-cancelled", calendar="CANCEL"),
        Kind("placement"),
        Kind("moved"),
        Kind("questionnaire", is_solicitation=True),
        Kind("account"),
    )
}
