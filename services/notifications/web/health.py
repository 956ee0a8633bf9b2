"""The state of the service in sentences, and the same for machines."""

from __future__ import annotations

from dataclasses import asdict

from flask import Blueprint, Response, jsonify
from sqlalchemy.orm import Session

from services.chassis import health as backbone
from services.chassis.i18n import gettext as _
from services.chassis.i18n import ngettext, number
from services.chassis.pages import render
from services.chassis.web import now, reading, settings
from services.notifications import health as own
from services.notifications import mail_servers
from services.notifications.lines import Server

health = Blueprint("health", __name__)

# A server that was away once or twice was restarted; after that, somebody should look.
OFTEN = 3
OTHERS = ("registration", "grouping", "feedback", "notifications")
# (sign, what is so, what follows from it); the sign is '', 'slow' or 'down'.
Sentence = tuple[str, str, str]


@health.get("/sante")
@reading
def sentences(session: Session) -> str:
    letters, facts = own.of(session, now()), backbone.of(session, now())
    told = [_facts(facts), _letters(letters), *_servers(session), *_trouble(letters)]
    signs = {sign for sign, _what, _then in told}
    if "down" in signs:
        title = _("Something needs a person")
    elif "slow" in signs:
        title = _("Everything works, something is slow")
    else:
        title = _("Everything works")
    return render(
        "notifications/health.html", title=title, told=told, others=OTHERS, is_held=_is_held(), at=now()
    )


@health.get("/sante.json")
@reading
def figures(session: Session) -> Response:
    letters, facts = own.of(session, now()), backbone.of(session, now())
    answer = jsonify(
        {
            "ready": facts["ready"],
            "held": _is_held(),
            "letters": {**asdict(letters), "next_at": letters.next_at.isoformat() if letters.next_at else None},
            "facts": facts,
            "others": {name: f"/api/{name}/health" for name in OTHERS},
        }
    )
    answer.status_code = 200 if facts["ready"] else 503
    return answer


def _facts(facts: dict[str, object]) -> Sentence:
    if not facts["ready"]:
        return "down", _("News does not go round."), _("The worker or the broker of letters does not answer.")
    inbox = facts["inbox"]
    dead = inbox["dead"] if isinstance(inbox, dict) else 0
    if dead:
        what = ngettext(
            "One piece of news could not be understood.",
            "%(num)s pieces of news could not be understood.",
            dead,
        )
        return "down", what, _("The operator sees them with: dead list.")
    return "", _("News goes round."), _("The last sign came %(s)s s ago.", s=number(round(_age(facts))))


def _age(facts: dict[str, object]) -> float:
    age = facts["canary_age_s"]
    return float(age) if isinstance(age, (int, float)) else 0.0


def _letters(letters: own.Letters) -> Sentence:
    if letters.are_slow:
        what = ngettext("One letter waits.", "%(num)s letters wait.", letters.waiting)
        minutes = number(round(letters.oldest_s / 60))
        return "slow", what, _("The oldest has been waiting for %(minutes)s min.", minutes=minutes)
    if letters.deferred:
        what = ngettext(
            "The mail server asks to be patient with one letter.",
            "The mail server asks to be patient with %(num)s letters.",
            letters.deferred,
        )
        return "slow", what, _("There is nothing to do: they are tried again by themselves.")
    sent = ngettext("One letter has left so far.", "%(num)s letters have left so far.", letters.sent)
    return "", _("The letters leave."), sent


def _servers(session: Session) -> list[Sentence]:
    """The mail servers that do not answer; those that are no longer in the settings are not spoken of."""
    if _is_held():
        return []
    names = [server.name for server in Server.all_at(settings().smtp_url)]
    away = [
        row
        for row in mail_servers.all_of(session)
        if row.name in names and row.failures >= OFTEN and row.rests_until is not None
    ]
    sign = "down" if len(away) == len(names) else "slow"
    then = (
        _("Letters wait and leave when it is back.") if sign == "down" else _("Letters leave by the next one.")
    )
    return [(sign, _("The mail server %(name)s does not answer.", name=row.name), then) for row in away]


def _trouble(letters: own.Letters) -> list[Sentence]:
    told = []
    if letters.unknown:
        what = ngettext(
            "Of one letter we do not know whether it arrived.",
            "Of %(num)s letters we do not know whether they arrived.",
            letters.unknown,
        )
        told.append(
            (
                "down",
                what,
                _("They are never sent twice by themselves; the team sees them on its letters page."),
            )
        )
    if letters.failed:
        what = ngettext("One letter was refused.", "%(num)s letters were refused.", letters.failed)
        told.append(("slow", what, _("The team sees them, with the server's words, on its letters page.")))
    return told


def _is_held() -> bool:
    return settings().smtp_url == "held:"
