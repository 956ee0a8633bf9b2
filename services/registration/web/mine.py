"""One's own place, by the personal link of the letters: no account, no password."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from flask import Blueprint, jsonify, make_response, request
from flask.typing import ResponseReturnValue
from markupsafe import Markup
from sqlalchemy import select
from sqlalchemy.orm import Session

from services.chassis import auth, doorkeeper
from services.chassis.i18n import gettext as _
from services.chassis.pages import Form, render, tell
from services.chassis.web import now, reading, settings, transacted
from services.registration import (
    cancellations,
    codes,
    disclosures,
    erasures,
    hours,
    participants,
    registrations,
    stories,
    topics,
    transfers,
    waiting_list,
)
from services.registration.models import Gathering, Participant, State, Story, Topic
from services.registration.schemas.offers import NewPlan, NewStory, NewTopic, Wishes
from services.registration.schemas.people import Details, Heir
from services.registration.web.asked import answers_missing, known_answers, refuse_answers, typed
from services.registration.web.doors import attempt, links, see_other

web = Blueprint("mine", __name__, url_prefix="/moi/<token>")
doorkeeper.guard(web)

REMEMBERED = timedelta(days=30)
ANSWERING = (State.pending_email, State.registered, State.waiting, State.offered)


@web.get("")
@reading
def place(session: Session, token: str) -> ResponseReturnValue:
    participant, gathering = _whose(session, token)
    if participant.state == State.erased:
        return see_other(f"/moi/{token}/effacer")
    response = make_response(_page(session, token, participant, gathering))
    name = f"{participant.given} {participant.family}".strip()
    who = auth.Actor("participant", participant.id, participant.email, name, gathering.id)
    lasts = max(REMEMBERED, gathering.ends_at + REMEMBERED - now())
    auth.set_participant(response, auth.issue(settings(), who, int(lasts.total_seconds()), now=now()))
    return response


@web.post("/confirmer")
@transacted
def confirm(session: Session, token: str) -> ResponseReturnValue:
    participant = registrations.by_token(session, token)
    confirmed = registrations.confirm(session, participant.id, links=links(), now=now())
    if confirmed.state == State.registered:
        tell(_("Your address is confirmed. Your seat is yours."))
    return see_other(f"/moi/{token}")


@web.post("/accepter")
@transacted
def accept(session: Session, token: str) -> ResponseReturnValue:
    participant = registrations.by_token(session, token)
    waiting_list.accept(session, participant.id, links=links(), now=now())
    tell(_("The seat is yours. We look forward to seeing you."))
    return see_other(f"/moi/{token}")


@web.post("/decliner")
@transacted
def decline(session: Session, token: str) -> ResponseReturnValue:
    participant = registrations.by_token(session, token)
    waiting_list.decline(session, participant.id, links=links(), now=now())
    tell(_("Thank you for telling us. The seat goes to the next person."))
    return see_other(f"/moi/{token}")


@web.get("/annuler")
@reading
def before_cancelling(session: Session, token: str) -> ResponseReturnValue:
    participant, gathering = _whose(session, token)
    return render("registration/cancel.html", token=token, participant=participant, gathering=gathering)


@web.post("/annuler")
@transacted
def cancel(session: Session, token: str) -> ResponseReturnValue:
    participant = registrations.by_token(session, token)
    cancellations.cancel(session, participant.id, links=links(), now=now())
    return see_other(f"/moi/{token}")


@web.post("/revenir")
@transacted
def restore(session: Session, token: str) -> ResponseReturnValue:
    participant = registrations.by_token(session, token)
    cancellations.restore(session, participant.id, links=links(), now=now())
    tell(_("Welcome back: your seat is yours again."))
    return see_other(f"/moi/{token}")


@web.post("/toujours")
@transacted
def still_come(session: Session, token: str) -> ResponseReturnValue:
    participant = registrations.by_token(session, token)
    registrations.still_come(session, participant.id, now=now())
    tell(_("Thank you: you come on the new day."))
    return see_other(f"/moi/{token}")


@web.get("/ceder")
@reading
def before_handing_over(session: Session, token: str) -> ResponseReturnValue:
    participant, gathering = _whose(session, token)
    kept = {name: getattr(participant, name) for name in ("territory", "trade", "structure", "language")}
    return _hand_over_page(token, participant, gathering, Form(kept))


@web.post("/ceder")
@transacted
def hand_over(session: Session, token: str) -> ResponseReturnValue:
    participant, gathering = _whose(session, token)

    def deed(**wanted: Any) -> ResponseReturnValue:
        heir = transfers.hand_over(session, participant.id, **wanted, links=links(), now=now())
        tell(_("The seat is held for %(given)s, who receives a letter to confirm it.", given=heir.given))
        return see_other(f"/moi/{token}")

    def again(form: Form) -> str:
        return _hand_over_page(token, participant, gathering, form)

    return attempt(Form(request.form), Heir, deed, again)


@web.get("/modifier")
@reading
def before_changing(session: Session, token: str) -> ResponseReturnValue:
    participant, gathering = _whose(session, token)
    names = ("given", "family", "territory", "trade", "structure", "language")
    form = Form({name: getattr(participant, name) for name in names} | known_answers(participant))
    return render("registration/change.html", token=token, gathering=gathering, form=form)


@web.post("/modifier")
@transacted
def change(session: Session, token: str) -> ResponseReturnValue:
    participant, gathering = _whose(session, token)
    sent = Form(request.form)

    def deed(**wanted: Any) -> ResponseReturnValue:
        wanted["answers"] = typed(gathering, sent)
        registrations.change(session, participant.id, **wanted, links=links(), now=now())
        tell(_("Your answers have been changed."))
        return see_other(f"/moi/{token}")

    def again(form: Form) -> str:
        refuse_answers(gathering, form)
        return render("registration/change.html", token=token, gathering=gathering, form=form)

    return attempt(sent, Details, deed, again)


@web.get("/donnees")
@reading
def copy(session: Session, token: str) -> ResponseReturnValue:
    participant, gathering = _whose(session, token)
    parts = disclosures.of_person(session, participant.id)
    return render(
        "registration/copy.html", token=token, participant=participant, gathering=gathering, parts=parts
    )


@web.post("/donnees")
@transacted
def ask_for_a_copy(session: Session, token: str) -> ResponseReturnValue:
    participant = registrations.by_token(session, token)
    disclosures.ask(session, participant.id, now=now())
    return see_other(f"/moi/{token}/donnees")


@web.get("/donnees.json")
@reading
def copy_to_take_away(session: Session, token: str) -> ResponseReturnValue:
    participant, gathering = _whose(session, token)
    parts = disclosures.of_person(session, participant.id)
    told = {
        name: {"told_at": part.told_at.isoformat(), "holds": part.holdings} if part else None
        for name, part in parts.items()
    }
    answer = jsonify({"gathering": gathering.title, "person": str(participant.id), "services": told})
    answer.headers["Content-Disposition"] = f'attachment; filename="{gathering.slug}.json"'
    return answer


@web.get("/effacer")
@reading
def before_erasing(session: Session, token: str) -> ResponseReturnValue:
    participant, gathering = _whose(session, token)
    return render(
        "registration/erase.html",
        token=token,
        participant=participant,
        gathering=gathering,
        services=erasures.progress(session, participant.id) if participant.state == State.erased else (),
        brought=[
            one.title for one in session.scalars(select(Story).where(Story.participant_id == participant.id))
        ],
        is_over=now() >= gathering.ends_at,
        kept_until=hours.kept_until(gathering.ends_at, gathering.zone, gathering.keep_days),
    )


@web.post("/effacer")
@transacted
def erase(session: Session, token: str) -> ResponseReturnValue:
    participant = registrations.by_token(session, token)
    erasures.erase(session, participant.id, links=links(), now=now())
    answer = make_response(see_other(f"/moi/{token}/effacer"))
    answer.delete_cookie(auth.PARTICIPANT_COOKIE, httponly=True, samesite="Lax")
    return answer


@web.post("/voeux")
@transacted
def rank(session: Session, token: str) -> ResponseReturnValue:
    participant, gathering = _whose(session, token)
    chosen = [request.form.get(f"wish{place}", "") for place in (1, 2, 3)]
    form = Form({"topic_ids": [one for one in chosen if one], **request.form.to_dict()})

    def deed(topic_ids: list[UUID]) -> ResponseReturnValue:
        topics.rank(session, participant.id, topic_ids=topic_ids, now=now())
        tell(_("Your wishes are noted."))
        return see_other(f"/moi/{token}#voeux")

    def again(form: Form) -> str:
        return _page(session, token, participant, gathering, wishes_form=form)

    if not form.given["topic_ids"]:
        return deed([])
    return attempt(form, Wishes, deed, again)


@web.post("/histoire")
@transacted
def propose_story(session: Session, token: str) -> ResponseReturnValue:
    participant, gathering = _whose(session, token)

    def deed(title: str, consents: bool) -> ResponseReturnValue:
        stories.propose(session, participant.id, title=title, consents=consents, now=now())
        tell(_("Thank you! The organisers will read your story and answer you."))
        return see_other(f"/moi/{token}#apporter")

    def again(form: Form) -> str:
        return _page(session, token, participant, gathering, story_form=form)

    return attempt(Form(request.form), NewStory, deed, again, beside=(stories.EnoughProposed,))


@web.post("/sujet")
@transacted
def propose_topic(session: Session, token: str) -> ResponseReturnValue:
    participant, gathering = _whose(session, token)

    def deed(question: str) -> ResponseReturnValue:
        topics.propose(session, participant.id, question=question, now=now())
        tell(_("Thank you! The organisers will read your topic and answer you."))
        return see_other(f"/moi/{token}#apporter")

    def again(form: Form) -> str:
        return _page(session, token, participant, gathering, topic_form=form)

    return attempt(Form(request.form), NewTopic, deed, again, beside=(stories.EnoughProposed,))


@web.post("/suite")
@transacted
def keep_plan(session: Session, token: str) -> ResponseReturnValue:
    participant, gathering = _whose(session, token)

    def deed(topic_id: UUID, plan: str) -> ResponseReturnValue:
        topics.keep_plan(session, participant.id, topic_id=topic_id, plan=plan, now=now())
        tell(_("Your plan is kept: it comes back to you in a letter.") if plan else _("No letter will come."))
        return see_other(f"/moi/{token}#suite")

    def again(form: Form) -> str:
        return _page(session, token, participant, gathering, plan_form=form)

    return attempt(Form(request.form), NewPlan, deed, again)


def _hand_over_page(token: str, participant: Participant, gathering: Gathering, form: Form) -> str:
    return render(
        "registration/hand_over.html", token=token, participant=participant, gathering=gathering, form=form
    )


def _carried(brought: Sequence[Any], sent: Form | None) -> list[tuple[Topic, Form]]:
    """The accepted topics of somebody with the form for each plan; `sent` is the one that was refused."""
    return [
        (topic, sent if sent and sent.value("topic_id") == str(topic.id) else Form({"plan": topic.plan}))
        for topic in brought
        if topic.state == "accepted"
    ]


def _whose(session: Session, token: str) -> tuple[Participant, Gathering]:
    participant = registrations.by_token(session, token)
    gathering = session.get(Gathering, participant.gathering_id)
    if gathering is None:
        raise registrations.LinkUnknown("This link leads to no place any more.")
    return participant, gathering


def _page(
    session: Session,
    token: str,
    participant: Participant,
    gathering: Gathering,
    *,
    wishes_form: Form | None = None,
    story_form: Form | None = None,
    topic_form: Form | None = None,
    plan_form: Form | None = None,
) -> str:
    comes = participant.state in (State.registered, State.present)
    brought = {
        kind.__name__: session.scalars(select(kind).where(kind.participant_id == participant.id)).all()
        for kind in ((Story, Topic) if comes else ())
    }
    over = now() >= gathering.ends_at
    form = next((one for one in (wishes_form, story_form, topic_form, plan_form) if one), Form())
    return render(
        "registration/mine.html",
        token=token,
        participant=participant,
        gathering=gathering,
        form=form,
        place=waiting_list.place(session, gathering, participant)
        if participant.state == State.waiting
        else None,
        choices=topics.accepted(session, gathering.id) if comes else (),
        stories=brought.get("Story", ()),
        topics=brought.get("Topic", ()),
        wishes_form=wishes_form or Form({f"wish{n}": wish for n, wish in enumerate(participant.wishes, 1)}),
        story_form=story_form or Form(),
        topic_form=topic_form or Form(),
        carried=_carried(brought.get("Topic", ()), plan_form) if now() >= gathering.starts_at else (),
        code=Markup(codes.svg(participant.id)) if participant.state == State.registered else "",  # noqa: S704
        asked_again=participants.is_asked_again(gathering, participant),
        unanswered=answers_missing(gathering, participant)
        if participant.state in ANSWERING and not over
        else 0,
        can_undo=cancellations.is_undoable(participant, now=now()),
        is_over=over,
    )
