"""The state of every service in sentences, and the same for machines."""

from __future__ import annotations

from dataclasses import asdict

from flask import Blueprint, Response, jsonify
from sqlalchemy.orm import Session

from services.chassis import health as backbone
from services.chassis import signs
from services.chassis.broker import client
from services.chassis.i18n import gettext as _
from services.chassis.i18n import ngettext, number
from services.chassis.pages import render
from services.chassis.signs import Sign
from services.chassis.web import now, reading, settings
from services.notifications import health as own
from services.notifications import mail_servers, returns
from services.notifications.lines import Server

health = Blueprint("health", __name__)

# A server that was away once or twice was restarted; after that, somebody should look.
OFTEN = 3
SERVICES = ("registration", "grouping", "feedback", "notifications")
# (mark, what is so, what follows from it); the mark is '', 'slow' or 'down'.
Sentence = tuple[str, str, str]


@health.get("/sante")
@reading
def sentences(session: Session) -> str:
    letters, found = own.of(session, now()), _signs()
    told = [*_services(found), _letters(letters), *_servers(session), *_returns(session), *_trouble(letters)]
    marks = {mark for mark, _what, _then in told}
    if "down" in marks:
        title = _("Something needs a person")
    elif "slow" in marks:
        title = _("Everything works, something is slow")
    else:
        title = _("Everything works")
    return render(
        "notifications/health.html", title=title, told=told, others=SERVICES, is_held=_is_held(), at=now()
    )


@health.get("/sante.json")
@reading
def figures(session: Session) -> Response:
    letters, facts, found = own.of(session, now()), backbone.of(session, now()), _signs()
    ready = found is not None and all(sign and not sign.is_silent(now()) for sign in found.values())
    answer = jsonify(
        {
            "ready": ready,
            "held": _is_held(),
            "letters": {**asdict(letters), "next_at": letters.next_at.isoformat() if letters.next_at else None},
            "facts": facts,
            "broker": found is not None,
            "services": {
                name: {**asdict(sign), "at": sign.at.isoformat(), "age_s": round(sign.age_s(now()), 1)}
                if sign
                else None
                for name, sign in (found or {}).items()
            },
            "others": {name: f"/api/{name}/health" for name in SERVICES},
        }
    )
    answer.status_code = 200 if ready else 503
    return answer


def _signs() -> dict[str, Sign | None] | None:
    """What each service last said of itself; None when the broker cannot be asked."""
    import redis  # noqa: PLC0415  for this page alone

    try:
        with client(settings(), timeout_s=1) as broker:
            return signs.seen(broker, SERVICES)
    except redis.RedisError:
        return None


def _services(found: dict[str, Sign | None] | None) -> list[Sentence]:
    if found is None:
        return [
            (
                "down",
                _("The broker does not answer: news does not go round."),
                _("It waits in the databases and goes on by itself as soon as the broker is back."),
            )
        ]
    told = [_service(who, found[name]) for name, who in _names().items()]
    return told + [
        _drift(who, sign) for name, who in _names().items() if (sign := found[name]) and sign.drifted
    ]


def _names() -> dict[str, str]:
    return {
        "registration": _("Registration"),
        "grouping": _("Groups"),
        "feedback": _("Questionnaire and account"),
        "notifications": _("Letters"),
    }


def _service(who: str, sign: Sign | None) -> Sentence:
    if sign is None:
        return (
            "down",
            _("%(who)s: no sign of life yet.", who=who),
            _("It may just be starting: look again in a minute."),
        )
    age = number(round(sign.age_s(now())))
    if sign.is_silent(now()):
        return (
            "down",
            _("%(who)s: news does not go round, for %(s)s s now.", who=who, s=age),
            _("What stands still is ended and started again by itself: look again in a minute."),
        )
    if sign.dead:
        what = ngettext(
            "%(who)s: one piece of news could not be understood.",
            "%(who)s: %(num)s pieces of news could not be understood.",
            sign.dead,
            who=who,
        )
        return "down", what, _("The operator sees them on a page of their own, or with: dead list.")
    if sign.oldest_s > own.SLOW_S:
        what = ngettext(
            "%(who)s: one piece of news waits to be heard.",
            "%(who)s: %(num)s pieces of news wait to be heard.",
            sign.waiting,
            who=who,
        )
        minutes = number(round(sign.oldest_s / 60))
        return "slow", what, _("The oldest has been waiting for %(minutes)s min.", minutes=minutes)
    return "", _("%(who)s: news goes round.", who=who), _("The last sign came %(s)s s ago.", s=age)


def _drift(who: str, sign: Sign) -> Sentence:
    what = ngettext(
        "%(who)s: one row was not as it had been told, and is again.",
        "%(who)s: %(num)s rows were not as they had been told, and are again.",
        sign.drifted,
        who=who,
    )
    return "slow", what, _("Somebody may have changed the database by hand: the operator's page says which.")


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


def _returns(session: Session) -> list[Sentence]:
    said = returns.trouble(session, settings().bounces)
    if not said:
        return []
    then = _("Letters that come back are not noticed. Its server said: %(said)s", said=said)
    return [("slow", _("The mailbox of returned letters cannot be read."), then)]


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
