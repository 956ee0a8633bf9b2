"""The page of dead facts, for operators: see, try again, discard.

What a fact says of people is only shown on the page of that one fact, and that it was looked at is logged.
"""

from __future__ import annotations

import json
from http import HTTPStatus
from uuid import UUID

import structlog
from flask import Flask, redirect, request
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as Answer

from services.chassis import dead, operators
from services.chassis.db import drifts
from services.chassis.dead import DeadFact
from services.chassis.errors import NotFound, Refused
from services.chassis.i18n import gettext as _
from services.chassis.i18n import ngettext
from services.chassis.pages import render, tell
from services.chassis.service import Service
from services.chassis.web import database, now, reading

log = structlog.get_logger()


class OtherNumber(Refused):
    code, status = "other-number", HTTPStatus.CONFLICT


def install(app: Flask, service: Service) -> None:
    """Give the service's app its pages under /faits/<service>."""
    home = f"/faits/{service.name}"

    @reading
    def listed(session: Session) -> str:
        operators.signed_in()
        found = session.execute(select(drifts).order_by(drifts.c.found_at.desc()).limit(dead.LISTED)).all()
        facts = dead.every(session, limit=dead.LISTED)
        return render(
            "chassis/dead_facts.html", facts=facts, count=dead.count(session), drifts=found, home=home
        )

    @reading
    def shown(session: Session, event_id: UUID) -> str:
        who, fact = operators.signed_in(), _found(session, event_id)
        log.info("dead_fact_shown", fact=str(event_id), by=str(who.id))
        said = json.dumps(fact.envelope.get("data", {}), ensure_ascii=False, indent=2)
        waiting = dead.behind(session, fact)
        return render("chassis/dead_fact.html", fact=fact, said=said, waiting=waiting, home=home)

    def retry(event_id: UUID) -> Answer:
        who = operators.signed_in()
        try:
            became = service.inbox.retry(database(), event_id)
        except LookupError:
            raise _gone() from None
        log.info("dead_fact_retried", fact=str(event_id), by=str(who.id), became=became)
        tell(
            _("It is heard now.")
            if became in ("heard", "again")
            else _("It could not be heard this time either.")
        )
        return redirect(home, HTTPStatus.SEE_OTHER)

    def discard(event_id: UUID) -> Answer:
        who = operators.signed_in()
        with database().reading() as session:
            fact = _found(session, event_id)
        if request.form.get("behind") != str(fact.behind):
            # Somebody must have seen what they let go on.
            raise OtherNumber("Meanwhile other news waits behind this one. Look at it again, then decide.")
        try:
            service.inbox.discard(database(), event_id, now=now())
        except LookupError:
            raise _gone() from None
        log.info("dead_fact_discarded", fact=str(event_id), by=str(who.id), behind=fact.behind)
        tell(
            ngettext(
                "It is left out for good. One piece of news that waited behind it went on.",
                "It is left out for good. %(num)s pieces of news that waited behind it went on.",
                fact.behind,
            )
            if fact.behind
            else _("It is left out for good.")
        )
        return redirect(home, HTTPStatus.SEE_OTHER)

    app.add_url_rule(home, "dead_facts", listed)
    app.add_url_rule(f"{home}/<uuid:event_id>", "dead_fact", shown)
    app.add_url_rule(f"{home}/<uuid:event_id>/encore", "dead_fact_retry", retry, methods=["POST"])
    app.add_url_rule(f"{home}/<uuid:event_id>/ecarter", "dead_fact_discard", discard, methods=["POST"])


def _found(session: Session, event_id: UUID) -> DeadFact:
    fact = dead.one(session, event_id)
    if fact is None:
        raise _gone()
    return fact


def _gone() -> NotFound:
    return NotFound("This piece of news is no longer among those that could not be heard.")
