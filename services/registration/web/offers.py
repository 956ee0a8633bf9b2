"""The stories and topics that people bring, for the organisers who choose among them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from services.chassis.i18n import gettext as _
from services.chassis.pages import Form, render, tell
from services.chassis.web import now, reading, transacted
from services.registration import participants, stories, topics
from services.registration.models import Gathering, State, Story, Topic
from services.registration.schemas.offers import StoryEntry, TopicEntry, TopicWording
from services.registration.web.doors import attempt, guarded, see_other

web = Blueprint("offers", __name__, url_prefix="/o/<slug>/histoires")


@web.get("")
@reading
def listed(session: Session, slug: str) -> ResponseReturnValue:
    gathering, _by = guarded(session, slug)
    return _page(session, gathering)


@web.post("")
@transacted
def bring_story(session: Session, slug: str) -> ResponseReturnValue:
    gathering, by = guarded(session, slug)

    def deed(participant_id: UUID, title: str, consents: bool) -> ResponseReturnValue:
        teller = participants.find(session, gathering.id, participant_id)
        stories.propose(session, teller.id, title=title, consents=consents, by=by, now=now())
        tell(_("The story is in the list."))
        return see_other(f"/o/{slug}/histoires")

    def again(form: Form) -> str:
        return _page(session, gathering, story_form=form)

    return attempt(
        Form(request.form), StoryEntry, deed, again, beside=(stories.NotComing, stories.EnoughProposed)
    )


@web.post("/sujets")
@transacted
def bring_topic(session: Session, slug: str) -> ResponseReturnValue:
    gathering, by = guarded(session, slug)

    def deed(participant_id: UUID, question: str) -> ResponseReturnValue:
        carrier = participants.find(session, gathering.id, participant_id)
        topics.propose(session, carrier.id, question=question, by=by, now=now())
        tell(_("The topic is in the list."))
        return see_other(f"/o/{slug}/histoires#sujets")

    def again(form: Form) -> str:
        return _page(session, gathering, topic_form=form)

    return attempt(
        Form(request.form), TopicEntry, deed, again, beside=(stories.NotComing, stories.EnoughProposed)
    )


@web.post("/<uuid:story_id>/accepter")
@transacted
def accept_story(session: Session, slug: str, story_id: UUID) -> ResponseReturnValue:
    gathering, by = guarded(session, slug)
    stories.accept(session, gathering.id, story_id, by=by, now=now())
    tell(_("The story is part of the day."))
    return see_other(f"/o/{slug}/histoires")


@web.post("/<uuid:story_id>/decliner")
@transacted
def decline_story(session: Session, slug: str, story_id: UUID) -> ResponseReturnValue:
    gathering, by = guarded(session, slug)
    stories.decline(session, gathering.id, story_id, by=by, now=now())
    tell(_("The story is not part of the day."))
    return see_other(f"/o/{slug}/histoires")


@web.post("/sujets/<uuid:topic_id>/accepter")
@transacted
def accept_topic(session: Session, slug: str, topic_id: UUID) -> ResponseReturnValue:
    gathering, by = guarded(session, slug)

    def deed(question: str) -> ResponseReturnValue:
        topics.accept(session, gathering.id, topic_id, question=question, by=by, now=now())
        tell(_("The topic is part of the day."))
        return see_other(f"/o/{slug}/histoires#sujets")

    def again(form: Form) -> str:
        return _page(session, gathering, wording=(topic_id, form))

    return attempt(Form(request.form), TopicWording, deed, again)


@web.post("/sujets/<uuid:topic_id>/decliner")
@transacted
def decline_topic(session: Session, slug: str, topic_id: UUID) -> ResponseReturnValue:
    gathering, by = guarded(session, slug)
    topics.decline(session, gathering.id, topic_id, by=by, now=now())
    tell(_("The topic is not part of the day."))
    return see_other(f"/o/{slug}/histoires#sujets")


def _page(
    session: Session,
    gathering: Gathering,
    *,
    story_form: Form | None = None,
    topic_form: Form | None = None,
    wording: tuple[UUID, Form] | None = None,
) -> str:
    people: list[Any] = [
        (str(one.id), f"{one.given} {one.family}".strip())
        for one in participants.everybody(session, gathering.id)
        if one.state in (State.registered, State.present)
    ]
    form = next((one for one in (story_form, topic_form, wording and wording[1]) if one), Form())
    return render(
        "registration/offers.html",
        gathering=gathering,
        stories=participants.brought(session, Story, gathering.id),
        topics=participants.brought(session, Topic, gathering.id),
        people=people,
        form=form,
        story_form=story_form or Form(),
        topic_form=topic_form or Form(),
        wording=wording,
    )
