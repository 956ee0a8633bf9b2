"""What every page of letters stands in: its gathering, its tabs, and its words."""

from __future__ import annotations

from datetime import timedelta

from flask import url_for
from sqlalchemy.orm import Session

from services.chassis.auth import require
from services.chassis.i18n import gettext as _
from services.chassis.i18n import ngettext
from services.chassis.web import now
from services.notifications import letters, people
from services.notifications.models import Gathering
from services.notifications.web import words

# Who waits for longer than this waits for the morning, not for further news.
SOON = timedelta(minutes=2)
TROUBLE = ("failed", "bounced", "unknown")
GONE = ("queued", "claimed", "handed", "sent", "deferred", "suppressed", *TROUBLE)


def ours(session: Session, slug: str) -> Gathering:
    """The gathering at this address, to whom it is open."""
    gathering = people.gathering_named(session, slug)
    require(session, gathering.id)
    return gathering


def around(session: Session, gathering: Gathering) -> dict[str, object]:
    """What every page of letters shows: the gathering, and how many letters wait, left and failed."""
    counted = letters.counts(session, gathering.id)

    def sum_of(*states: str) -> int:
        return sum(row.get(state, 0) for row in counted.values() for state in states)

    slug = gathering.slug
    sent, failed = sum_of(*GONE), sum_of(*TROUBLE)
    drafted = sum_of("draft")
    tabs = [
        (url_for("letters.review", slug=slug), ngettext("To review (%(num)s)", "To review (%(num)s)", drafted)),
        (url_for("letters.sendings", slug=slug), ngettext("Sendings (%(num)s)", "Sendings (%(num)s)", sent)),
        (
            url_for("letters.trouble", slug=slug),
            ngettext("To look at (%(num)s)", "To look at (%(num)s)", failed),
        ),
        (url_for("suppressions.listed", slug=slug), _("Addresses")),
        (url_for("domain.page", slug=slug), _("Sender")),
        (url_for("wordings.listed", slug=slug), _("Wordings")),
        (url_for("schedule.lines", slug=slug), _("Schedule")),
        (url_for("digest.page", slug=slug), _("Digest")),
    ]
    return {
        "gathering": gathering,
        "counts": counted,
        "drafted": drafted,
        "tabs": tabs,
        "kind_of": words.kind,
        "about_of": words.about,
        "state_of": lambda letter: words.state(letter.state),
        "outcome_of": words.outcome,
        "words_of": words.reply,
        "in_a_while": lambda: now() + SOON,
        "kinds": [(name, words.kind(name)) for name in counted],
        "states": [(name, words.state(name)[0]) for name in words.STATES if sum_of(name)],
    }
