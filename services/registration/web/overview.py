"""A gathering for its organisers: the dashboard, the people, one person."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote, urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from services.chassis import auth
from services.chassis.i18n import gettext as _
from services.chassis.i18n import ngettext
from services.chassis.pages import render, tell
from services.chassis.web import now, reading, transacted
from services.registration import (
    cancellations,
    kit,
    merges,
    participants,
    preparing,
    questions,
    waiting_list,
)
from services.registration.asking.questions import Question, of
from services.registration.models import Gathering, State
from services.registration.web.asked import tallied
from services.registration.web.doors import CHANGES, DESK, guarded, links, see_other

web = Blueprint("overview", __name__, url_prefix="/o")


@web.get("/<slug>")
@reading
def dashboard(session: Session, slug: str) -> ResponseReturnValue:
    gathering, by = guarded(session, slug, *DESK, "reader", "facilitator")
    held = auth.roles_held(session, gathering.id, by)
    if not held & {*CHANGES, "reader"}:
        return see_other(f"/o/{slug}/accueil" if "desk" in held else f"/g/{slug}")
    view = participants.overview(session, gathering)
    silent = preparing.silence(session, gathering.id) if view.invited else []
    today = now().astimezone(ZoneInfo(gathering.zone)).date()
    return render(
        "registration/dashboard.html",
        gathering=gathering,
        view=view,
        steps=preparing.steps(gathering, today=today, done=_done(view, silent)),
        silence=silent,
        draft=_draft,
        may_change=bool(held & CHANGES),
        now=now(),
        days=(gathering.starts_at.date() - now().date()).days,
    )


@web.get("/<slug>/personnes")
@reading
def people(session: Session, slug: str) -> ResponseReturnValue:
    gathering, by = guarded(session, slug, *DESK, "reader")
    wanted = {name: request.args.get(name, "") for name in ("q", "territory", "state")}
    q, territory, state = wanted.values()
    may_change = _may_change(session, gathering, by)
    question = _chosen(gathering, request.args.get("question", "")) if may_change else None
    page = request.args.get("page", 1, type=int)
    listing = participants.listing(session, gathering.id, q=q, territory=territory, state=state, page=page)
    return render(
        "registration/people.html",
        gathering=gathering,
        wanted=wanted,
        listing=listing,
        states=participants.states(session, gathering.id),
        all_states=list(State),
        may_change=may_change,
        question=question,
        questions=of(gathering.questions) if may_change else [],
        tally=tallied(question, questions.tally(session, gathering.id, question)) if question else [],
        doubled=participants.doubled(session, gathering.id, listing.people) if may_change else set(),
        shown_pages=participants.pages_around(listing),
    )


@web.get("/<slug>/personnes/<uuid:participant_id>")
@reading
def person(session: Session, slug: str, participant_id: UUID) -> ResponseReturnValue:
    gathering, by = guarded(session, slug, *DESK, "reader")
    participant = participants.find(session, gathering.id, participant_id)
    if participant.state == State.merged:
        return see_other(f"/o/{slug}/personnes/{waiting_list.survivor(session, participant).id}")
    held = auth.roles_held(session, gathering.id, by)
    return render(
        "registration/person.html",
        gathering=gathering,
        participant=participant,
        may_change=bool(held & CHANGES),
        may_print=bool(held & {*DESK}) and participant.state in kit.ON_PAPER,
        akin=participants.akin(session, participant),
        joined=[
            (one, merges.foresee(session, gathering, participant, one, now=now()).waits)
            for one in waiting_list.joined(session, participant.id)
            if one.merged_into == participant.id
        ],
        deeds=participants.deeds(session, gathering.id, participant_id),
    )


@web.post("/<slug>/personnes/<uuid:participant_id>/annuler")
@transacted
def cancel(session: Session, slug: str, participant_id: UUID) -> ResponseReturnValue:
    gathering, by = guarded(session, slug)
    participants.find(session, gathering.id, participant_id)
    cancellations.cancel(session, participant_id, by=by, links=links(), now=now())
    tell(_("The seat is given back and the person is told."))
    return see_other(f"/o/{slug}/personnes/{participant_id}")


@web.get("/<slug>/personnes/<uuid:participant_id>/joindre/<uuid:other_id>")
@reading
def before_joining(session: Session, slug: str, participant_id: UUID, other_id: UUID) -> ResponseReturnValue:
    gathering, _by = guarded(session, slug)
    both = [participants.find(session, gathering.id, one) for one in (participant_id, other_id)]
    return render(
        "registration/join.html",
        gathering=gathering,
        both=both,
        refused=merges.refusal(session, *both),
        becomes=[merges.goes_on(both[0], both[1]), merges.goes_on(both[1], both[0])],
    )


@web.post("/<slug>/personnes/<uuid:participant_id>/joindre/<uuid:other_id>")
@transacted
def join(session: Session, slug: str, participant_id: UUID, other_id: UUID) -> ResponseReturnValue:
    """Join the other to the first; the form's button says who stays."""
    gathering, by = guarded(session, slug)
    merges.merge(session, gathering.id, participant_id, other_id, by=by, links=links(), now=now())
    tell(_("The two are one person now. You can take this back on this page."))
    return see_other(f"/o/{slug}/personnes/{participant_id}")


@web.post("/<slug>/personnes/<uuid:participant_id>/separer")
@transacted
def part(session: Session, slug: str, participant_id: UUID) -> ResponseReturnValue:
    gathering, by = guarded(session, slug)
    back = merges.part(session, gathering.id, participant_id, by=by, links=links(), now=now())
    tell(_("They are two people again."))
    return see_other(f"/o/{slug}/personnes/{back.id}")


def _done(view: participants.Overview, silent: Sequence[preparing.Silence]) -> set[str]:
    """Which steps need nobody any more, as far as this service can tell."""
    done = {
        "invite": bool(view.invited or view.room.taken),
        "nudge": bool(view.invited or view.room.taken) and not sum(one.silent for one in silent),
        "stories": bool(view.stories.get("accepted")) and not view.stories.get("proposed"),
        "topics": bool(view.topics.get("accepted")) and not view.topics.get("proposed"),
        "roll": bool(view.states.get(State.present)),
    }
    return {name for name, is_done in done.items() if is_done}


def _draft(gathering: Gathering, one: preparing.Silence) -> str:
    """A letter to who coordinates a territory, ready in the reader's own mail program."""
    place = {row["letter"]: row["name"] for row in gathering.territories}.get(one.territory, one.territory)
    subject = _("%(title)s: who is still missing in %(territory)s", title=gathering.title, territory=place)
    body = ngettext(
        "Hello,\n\nof the people of %(territory)s whom we invited to “%(title)s”, one has not answered yet. Could "
        "you say a word to them? They find everything here: %(link)s\n\nThank you!",
        "Hello,\n\nof the people of %(territory)s whom we invited to “%(title)s”, %(num)s have not answered yet. "
        "Could you say a word to them? They find everything here: %(link)s\n\nThank you!",
        one.silent,
        territory=place,
        title=gathering.title,
        link=links().gathering(gathering.slug),
    )
    to = ",".join(quote(who.email, safe="@") for who in one.coordinators)
    return f"mailto:{to}?{urlencode({'subject': subject, 'body': body}, quote_via=quote)}"


def _chosen(gathering: Gathering, key: str) -> Question | None:
    """The question whose answers stand in the list."""
    return next((one for one in of(gathering.questions) if one.key == key), None)


def _may_change(session: Session, gathering: Gathering, by: UUID) -> bool:
    return bool(auth.roles_held(session, gathering.id, by) & CHANGES)
