"""The kinds of letters, and what is true of each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Kind:
    """`is_private`: only its reader is shown what it says.

    `is_solicitation`: it can be refused; all others are service letters. `is_draft`: it waits for a person.

    `is_asked`: its reader did something just now and waits for it, or needs it this very morning, so it leaves at night
    too. `settles`: for this long later news may join it before it leaves. `calendar` is the iTIP method of the calendar
    part it carries, if any.
    """

    name: str
    is_solicitation: bool = False
    is_draft: bool = False
    is_private: bool = False
    is_asked: bool = False
    settles: timedelta = timedelta(0)
    calendar: str | None = None


KINDS = {
    kind.name: kind
    for kind in (
        Kind("sign-in", is_asked=True),
        Kind("passkey", is_asked=True),
        Kind("identity", is_asked=True),
        Kind("colleague"),
        Kind("invitation", is_solicitation=True, is_draft=True),
        Kind("reminder", is_solicitation=True),
        Kind("confirm-address", is_asked=True),
        Kind("hold-expired"),
        Kind("link", is_asked=True),
        Kind("registered", is_asked=True, calendar="REQUEST"),
        Kind("waiting", is_asked=True),
        Kind("offer"),
        Kind("offer-expired"),
        Kind("changed", is_asked=True, settles=timedelta(minutes=1), calendar="REQUEST"),
        Kind("cancelled", is_asked=True, calendar="CANCEL"),
        Kind("restored", is_asked=True, calendar="REQUEST"),
        Kind("gathering-changed", settles=timedelta(minutes=1), calendar="REQUEST"),
        Kind("gathering-cancelled", calendar="CANCEL"),
        Kind("stories"),
        Kind("wishes"),
        Kind("practical"),
        Kind("day", is_asked=True),
        Kind("placement"),
        Kind("moved", settles=timedelta(seconds=20)),
        Kind("pack"),
        Kind("relieved"),
        Kind("questionnaire", is_solicitation=True),
        Kind("questionnaire-reminder", is_solicitation=True),
        Kind("account"),
        Kind("follow-up", is_private=True),
        Kind("erasing"),
        Kind("erased", is_asked=True),
        Kind("loss"),
        Kind("digest"),
    )
}
# Letters to who organises, about their own way in: no gathering stands behind them.
WITHOUT_GATHERING = frozenset({"sign-in", "passkey", "identity"})
