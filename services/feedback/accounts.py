"""The account of a day: drafted from what is known, edited by organisers, read by everybody once published."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from services.chassis import moments
from services.chassis.catalogues import catalogue
from services.chassis.errors import NotFound, Refused
from services.chassis.outbox import publish as tell
from services.feedback import attendances, gatherings, questionnaires, quotes, results
from services.feedback.events import AccountPublished
from services.feedback.models import Account, Gathering, Name, Paragraph, Plan, Story, Synthesis, Topic
from services.feedback.telling.draft import Agreement, Asked, Day, Part, Round, Said, draft, title_of
from services.feedback.telling.evidence import Doubt, Line, doubt_of, line_of, one_line, reworded
from services.feedback.telling.markdown import Shown
from services.feedback.telling.names import names_in


class NoAccount(NotFound):
    code = "no-account"


class UnknownParagraph(NotFound):
    code = "unknown-paragraph"


class EditedMeanwhile(Refused):
    code = "edited-meanwhile"


class FiguresStand(Refused):
    code = "figures-stand"


class NothingToPublish(Refused):
    code = "nothing-to-publish"


class NamesToConfirm(Refused):
    code = "names-to-confirm"


@dataclass(frozen=True)
class Mark:
    """A passage that holds family names of participants; `key` changes when the passage does."""

    key: str
    text: str
    names: list[str]


@dataclass(frozen=True)
class Told:
    """A line as an organiser sees it: its words, and what to check about it before publishing."""

    line: Line
    text: str
    doubt: Doubt | None


@dataclass(frozen=True)
class Drafted:
    """A paragraph of the draft with its lines ready to be shown; withdrawn quotes are gone."""

    paragraph: Paragraph
    lines: list[Told]


class Spoken:
    """The sentences of an account in its own language, whatever the reader's is."""

    def __init__(self, language: str) -> None:
        self._language = language
        self._said = catalogue("feedback", language)

    def gettext(self, message: str, /, **variables: object) -> str:
        return str(self._said.ugettext(message)) % variables

    def ngettext(self, one: str, many: str, num: int, /, **variables: object) -> str:
        said = str(self._said.ungettext(one, many, num))
        return said % {"num": moments.number(num, self._language), **variables}


def write(session: Session, gathering_id: UUID, *, now: datetime) -> Account:
    """Write the draft from what is known now. Paragraphs that were edited by hand stay as they are.

    Raises UnknownGathering.
    """
    gathering = gatherings.by_id(session, gathering_id)
    day, voice = _day(session, gathering), Spoken(gathering.language)
    account = session.get(Account, gathering_id, with_for_update=True)
    if account is None:
        account = Account(gathering_id=gathering_id, title=title_of(day, voice), drafted_at=now)
        session.add(account)
        session.flush()
    account.drafted_at = now
    edited = [p for p in paragraphs(session, gathering_id) if p.edited]
    theirs = {(p.kind, p.slot) for p in edited}
    mine = (Paragraph.gathering_id == gathering_id, Paragraph.edited.is_(False))
    session.execute(delete(Paragraph).where(*mine))
    places = {}
    for position, part in enumerate(_with_slots(draft(day, voice))):
        slot, drawn = part
        places[drawn.kind, slot] = position
        if (drawn.kind, slot) not in theirs:
            session.add(
                Paragraph(
                    id=uuid4(),
                    gathering_id=gathering_id,
                    position=position,
                    kind=drawn.kind,
                    slot=slot,
                    heading=drawn.heading,
                    lines=[line.as_row() for line in drawn.lines],
                )
            )
    for paragraph in edited:
        paragraph.position = places.get((paragraph.kind, paragraph.slot), paragraph.position)
    session.flush()
    return account


def of(session: Session, gathering_id: UUID) -> Account:
    """Raises NoAccount when nothing was written yet."""
    account = session.get(Account, gathering_id)
    if account is None:
        raise NoAccount("Nobody has begun the account of this gathering.")
    return account


def paragraphs(session: Session, gathering_id: UUID) -> list[Paragraph]:
    mine = select(Paragraph).where(Paragraph.gathering_id == gathering_id)
    return list(session.scalars(mine.order_by(Paragraph.position, Paragraph.slot)))


def paragraph(session: Session, gathering_id: UUID, paragraph_id: UUID) -> Paragraph:
    """Raises UnknownParagraph."""
    found = session.get(Paragraph, paragraph_id)
    if found is None or found.gathering_id != gathering_id:
        raise UnknownParagraph("This paragraph is no longer in the account. It may have been written anew.")
    return found


def shown(session: Session, gathering_id: UUID) -> list[Drafted]:
    """The draft as its organisers see it."""
    return [_shown(session, each) for each in paragraphs(session, gathering_id)]


def retitle(session: Session, gathering_id: UUID, *, title: str) -> None:
    """Raises NoAccount."""
    of(session, gathering_id).title = title


def edit(
    session: Session,
    gathering_id: UUID,
    paragraph_id: UUID,
    *,
    heading: str,
    lines: Sequence[str],
    version: int,
) -> None:
    """Replace a paragraph's sentences; each keeps the evidence of the sentence it comes from.

    No sentence at all leaves the paragraph out of the account. Quotes are not reworded: for a paragraph of
    words, `lines` holds the ids of those that stay. Raises UnknownParagraph, FiguresStand, EditedMeanwhile.
    """
    if paragraph(session, gathering_id, paragraph_id).kind == "figures":
        raise FiguresStand("Figures are counted, not written. They follow what is known of the day.")
    edited = session.get_one(Paragraph, paragraph_id, with_for_update=True)
    if edited.version != version:
        raise EditedMeanwhile("Somebody else changed this paragraph meanwhile. What you wrote is still here.")
    old = [line_of(row) for row in edited.lines]
    if edited.kind == "words":
        new = [replace(line, chosen=line.quote in lines) for line in old]
    else:
        new = reworded(old, [one_line(text) for text in lines if text.strip()])
    edited.heading = heading
    edited.lines = [line.as_row() for line in new]
    edited.version += 1
    edited.edited = True


def marks(session: Session, gathering_id: UUID) -> list[Mark]:
    """Passages of the draft in which a participant's family name stands."""
    families = session.scalars(select(Name.family).where(Name.gathering_id == gathering_id)).all()
    texts = [of(session, gathering_id).title]
    for drafted in shown(session, gathering_id):
        texts += [drafted.paragraph.heading, *(told.text for told in drafted.lines if told.line.chosen)]
    found = {text: names for text in texts if (names := names_in(text, families))}
    return [
        Mark(hashlib.sha256(f"{gathering_id}{text}".encode()).hexdigest()[:16], text, names)
        for text, names in found.items()
    ]


def publish(session: Session, gathering_id: UUID, *, confirmed: Collection[str], now: datetime) -> Account:
    """Let everybody read the account as it stands; the others are told the first time.

    `confirmed` holds the keys of marks that may stay. Later edits are read by nobody until this is done again.
    Raises NoAccount, NothingToPublish, NamesToConfirm.
    """
    of(session, gathering_id)
    account = session.get_one(Account, gathering_id, with_for_update=True)
    parts = [_snapshot(drafted) for drafted in shown(session, gathering_id)]
    parts = [part for part in parts if part["lines"]]
    if not parts:
        raise NothingToPublish("There is nothing in this account yet.")
    unconfirmed = [mark for mark in marks(session, gathering_id) if mark.key not in confirmed]
    if unconfirmed:
        raise NamesToConfirm(
            "Names of participants stand in this account. Take them out, or confirm each passage.",
            passages=[{"key": mark.key, "text": mark.text} for mark in unconfirmed],
        )
    first = account.published_at is None
    account.published = {"title": account.title, "parts": parts}
    account.published_at = account.published_at or now
    if first:
        tell(
            session,
            AccountPublished,
            about={
                "gathering_id": gathering_id,
                "title": account.title,
                "link": link(gatherings.by_id(session, gathering_id)),
                "published_at": now,
            },
        )
    return account


def published(session: Session, gathering_id: UUID) -> tuple[str, list[Shown]]:
    """The title and the paragraphs that everybody may read; withdrawn quotes are gone. Raises NoAccount."""
    account = session.get(Account, gathering_id)
    if account is None or account.published is None:
        raise NoAccount("The account of this gathering has not been published yet.")
    parts = account.published["parts"]
    words = quotes.sentences(session, _quote_ids(row for part in parts for row in part["lines"]))
    texts = [
        Shown(
            part["kind"],
            part["heading"],
            [
                words.get(UUID(row["quote"]), "") if row["quote"] else row["text"]
                for row in part["lines"]
                if not row["quote"] or UUID(row["quote"]) in words
            ],
        )
        for part in parts
    ]
    return account.published["title"], [part for part in texts if part.texts]


def link(gathering: Gathering) -> str:
    """Where the account is read."""
    return f"{gatherings.home(gathering)}/retour/{gathering.slug}"


def _shown(session: Session, each: Paragraph) -> Drafted:
    lines = [line_of(row) for row in each.lines]
    words = quotes.sentences(session, _quote_ids(each.lines))
    told = []
    for line in lines:
        if not line.quote:
            told.append(Told(line, line.text, doubt_of(line)))
        elif UUID(line.quote) in words:
            told.append(Told(line, words[UUID(line.quote)], None))
    return Drafted(each, told)


def _snapshot(drafted: Drafted) -> dict[str, Any]:
    return {
        "kind": drafted.paragraph.kind,
        "heading": drafted.paragraph.heading,
        "lines": [told.line.as_row() for told in drafted.lines if told.line.chosen],
    }


def _quote_ids(rows: Iterable[dict[str, Any]]) -> list[UUID]:
    return [UUID(row["quote"]) for row in rows if row["quote"]]


def _with_slots(parts: Iterable[Part]) -> list[tuple[str, Part]]:
    """Each part with the name it keeps when the draft is written anew: an angle, or a place among its kind."""
    slots: list[tuple[str, Part]] = []
    for part in parts:
        before = sum(1 for _, other in slots if other.kind == part.kind)
        slots.append((part.heading if part.kind == "angle" else f"{before}", part))
    return slots


def _day(session: Session, gathering: Gathering) -> Day:
    here = gathering.id
    plans = session.scalars(select(Plan).where(Plan.gathering_id == here).order_by(Plan.name)).all()
    names = {territory["letter"]: territory["name"] for territory in gathering.territories}
    rounds = {plan.kind: _round(plan, names) for plan in plans}
    stories = session.scalars(select(Story).where(Story.gathering_id == here).order_by(Story.title))
    topics = session.scalars(select(Topic).where(Topic.gathering_id == here).order_by(Topic.number, Topic.id))
    written = select(Synthesis).where(Synthesis.gathering_id == here)
    syntheses = session.scalars(written.order_by(Synthesis.angle, Synthesis.written_at))
    return Day(
        ref=str(here),
        title=gathering.title,
        purpose=gathering.purpose,
        on=moments.day(gathering.starts_at, gathering.zone, gathering.language, weekday=False),
        place=gathering.place,
        language=gathering.language,
        present=attendances.present(session, here),
        territories=[territory["name"] for territory in gathering.territories],
        trades=gathering.trades,
        stories=[(str(story.id), story.title) for story in stories],
        angles=rounds.get("angles"),
        workshops=rounds.get("topics"),
        syntheses=[Said(str(said.group_id), said.angle, said.modalities) for said in syntheses],
        topics=[Asked(str(topic.id), topic.number, topic.question) for topic in topics],
        agreement=_agreement(session, gathering),
        quotes=_quotes(session, gathering),
    )


def _round(plan: Plan, names: Mapping[str, str]) -> Round:
    return Round(
        ref=str(plan.round_id),
        name=plan.name,
        people=plan.people,
        groups=len(plan.groups),
        territories=sorted({names.get(said, said) for group in plan.groups for said in group["territories"]}),
        trades=sorted({name for group in plan.groups for name in group["trades"]}),
    )


def _agreement(session: Session, gathering: Gathering) -> Agreement | None:
    try:
        told = results.of(session, gathering.id, language=gathering.language)
    except questionnaires.UnknownQuestionnaire:
        return None
    for tally in told.tallies:
        if tally.kind == "scale" and tally.cells and tally.answers is not None:
            highest = tally.cells[-1].last
            agree = results.agreement(tally, highest=highest)
            if agree is not None:
                return Agreement(str(gathering.id), tally.wording, agree, tally.answers, highest)
    return None


def _quotes(session: Session, gathering: Gathering) -> list[str]:
    try:
        questionnaire = questionnaires.of(session, gathering.id)
    except questionnaires.UnknownQuestionnaire:
        return []
    return [str(quote.id) for quote in quotes.publishable(session, questionnaire.id)]
