"""Feedback for programs: open the questionnaire, read results, draft and publish the account."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from services.chassis import auth
from services.chassis.doors import Doors
from services.chassis.i18n import language
from services.chassis.web import now, reading, transacted
from services.feedback import accounts, gatherings, questionnaires, results
from services.feedback.schemas import (
    AccountView,
    EditedPart,
    NewTitle,
    Opening,
    Publication,
    ResultsView,
)

feedback = Doors(
    "feedback", __name__, url_prefix="/api/feedback/gatherings/<uuid:gathering_id>", description=__doc__
)

# `response` stands below the transaction: what it dumps is read while the session is open.


@feedback.post("/questionnaire/opening")
@transacted
@feedback.response(200, Opening)
def open_questionnaire(session: Session, gathering_id: UUID) -> Any:
    """Open the questionnaire and send a link to each person present who has none yet."""
    auth.require(session, gathering_id)
    return {"addressed": questionnaires.address(session, gathering_id, now=now())}


@feedback.get("/results")
@reading
@feedback.response(200, ResultsView)
def show_results(session: Session, gathering_id: UUID) -> Any:
    """What the answers add up to, as far as it may be told."""
    auth.require(session, gathering_id, "owner", "organiser", "reader")
    return results.of(session, gathering_id, language=language())


@feedback.post("/account/draft")
@transacted
@feedback.response(200, AccountView)
def write_account(session: Session, gathering_id: UUID) -> Any:
    """Write the draft from what is known now; edited paragraphs stay as they are."""
    auth.require(session, gathering_id)
    accounts.write(session, gathering_id, now=now())
    return _account(session, gathering_id)


@feedback.get("/account")
@reading
@feedback.response(200, AccountView)
def show_account(session: Session, gathering_id: UUID) -> Any:
    """The draft with its evidence, and the passages that hold names."""
    auth.require(session, gathering_id, "owner", "organiser", "reader")
    return _account(session, gathering_id)


@feedback.put("/account/title")
@feedback.arguments(NewTitle)
@transacted
@feedback.response(200, AccountView)
def retitle_account(session: Session, wanted: dict[str, Any], gathering_id: UUID) -> Any:
    """Change the title of the draft."""
    auth.require(session, gathering_id)
    accounts.retitle(session, gathering_id, **wanted)
    return _account(session, gathering_id)


@feedback.put("/account/parts/<uuid:part_id>")
@feedback.arguments(EditedPart)
@transacted
@feedback.response(200, AccountView)
def edit_part(session: Session, wanted: dict[str, Any], gathering_id: UUID, part_id: UUID) -> Any:
    """Replace the lines of one part; for words, the ids of the quotes that stay."""
    auth.require(session, gathering_id)
    accounts.edit(session, gathering_id, part_id, **wanted)
    return _account(session, gathering_id)


@feedback.post("/account/publication")
@feedback.arguments(Publication)
@transacted
@feedback.response(200, AccountView)
def publish_account(session: Session, wanted: dict[str, Any], gathering_id: UUID) -> Any:
    """Let everybody read the account as it stands."""
    auth.require(session, gathering_id)
    accounts.publish(session, gathering_id, confirmed=set(wanted["confirmed"]), now=now())
    return _account(session, gathering_id)


def _account(session: Session, gathering_id: UUID) -> dict[str, Any]:
    account = accounts.of(session, gathering_id)
    return {
        "title": account.title,
        "published_at": account.published_at,
        "link": accounts.link(gatherings.by_id(session, gathering_id)),
        "parts": [
            {
                "id": drafted.paragraph.id,
                "kind": drafted.paragraph.kind,
                "heading": drafted.paragraph.heading,
                "version": drafted.paragraph.version,
                "lines": [
                    {
                        "text": told.text,
                        "quote": told.line.quote or None,
                        "sources": told.line.sources,
                        "chosen": told.line.chosen,
                        "proven": told.doubt is None,
                    }
                    for told in drafted.lines
                ],
            }
            for drafted in accounts.shown(session, gathering_id)
        ],
        "names": [{"key": mark.key, "text": mark.text} for mark in accounts.marks(session, gathering_id)],
    }
