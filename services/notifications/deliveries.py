"""What becomes of a letter: claimed, handed, sent; or deferred, failed, unknown. One transaction for each step.

`claimed` is a batch on its way to a poster: it may be claimed again by anybody once its time is over. From `handed` on
a poster has it and may have given it to a server: it goes on by what that poster learns or noted, or by a person.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import (
    Select,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Session

from services.chassis.catalogues import N_
from services.chassis.settings import Settings
from services.notifications import mail_servers, outcomes, refusals
from services.notifications.lines import Server
from services.notifications.models import Delivery, Letter, Shelf
from services.notifications.notes import BEGUN, Left, Word

BATCH = 20
# Batches on their way at once; posters take what is left by themselves.
BATCHES = 4
CLAIM = timedelta(seconds=5)
# A poster gives a letter to the server within FRESH of having it handed, and the server has a minute to answer.
FRESH = timedelta(seconds=60)
DOUBT = timedelta(minutes=3)
# What was handed this long ago may be a dead poster's, whose notes somebody should look for.
STALE = timedelta(seconds=5)
# No claim and no hand-over lies further ahead than this, unless a clock was wrong.
FARTHEST = timedelta(minutes=1)
AT_ONCE = 500

RESTORED = N_("The platform was restored from a backup; this letter may have left before.")
STOPPED = N_("The sender stopped while the server was taking this letter.")

WAITING = ("queued", "deferred", "claimed")


@dataclass(frozen=True, slots=True)
class Handed:
    """What a poster needs of a letter: plain values, read at once and no longer tied to the database."""

    id: UUID
    kind: str
    message_id: str
    email: str
    name: str
    sender_name: str
    reply_to: str
    language: str
    subject: str
    text: str
    html: str
    ics: str | None
    ics_method: str | None
    is_solicitation: bool
    attempts: int
    trace: str | None
    created_at: datetime
    queued_at: datetime | None

    @property
    def since(self) -> datetime:
        """When it was first to leave."""
        return self.queued_at or self.created_at


_HANDED = tuple(getattr(Letter, field.name) for field in fields(Handed))


def find(session: Session, now: datetime) -> list[list[str]]:
    """Claim the letters that are due; the ids of the batches, each to be given to one poster.

    Where all is quiet and a letter is handed that nobody finished, the one batch holds nothing: a poster that gets it
    looks for the notes of dead ones first. Nothing is claimed while every server is resting.
    """
    settings: Settings | None = session.info.get("settings")
    is_held = settings is not None and settings.smtp_url == "held:"
    if settings is not None and not is_held:
        servers = Server.all_at(settings.smtp_url)
        if mail_servers.open_from(session, servers, now) > now:
            return []
    on_their_way = session.scalar(
        select(func.count()).select_from(Letter).where(Letter.state == "claimed", Letter.next_at > now)
    )
    batches: list[list[str]] = []
    for _ in range(BATCHES - (on_their_way or 0) // BATCH):
        batch = claim(session, now, is_held=is_held)
        if batch is None:
            break
        batches.append([str(batch)])
    if not batches and not on_their_way and _is_stale(session, now):
        return [[str(uuid4())]]
    return batches


def claim(session: Session, now: datetime, *, limit: int = BATCH, is_held: bool = False) -> UUID | None:
    """Claim up to `limit` due letters, the longest waiting first, for one new batch; None when none is due.

    In held mode nothing reaches anybody, so nothing waits for the morning or for further news.
    """
    ids = session.scalars(_due(now, is_held=is_held).limit(limit).with_for_update(skip_locked=True)).all()
    if not ids:
        return None
    batch = uuid4()
    session.execute(
        update(Letter)
        .where(Letter.id.in_(ids))
        .values(state="claimed", claimed_by=batch, claimed_at=now, next_at=now + CLAIM)
        .execution_options(synchronize_session=False)
    )
    return batch


def claimed(session: Session, batch: UUID) -> list[Letter]:
    """The letters that still belong to this batch, oldest first."""
    mine = select(Letter).where(Letter.claimed_by == batch, Letter.state == "claimed")
    return list(session.scalars(mine.order_by(Letter.queued_at, Letter.id)))


def is_due(session: Session, batch: UUID | None, now: datetime) -> bool:
    """Whether a letter of this batch, or any other, waits to leave now."""
    mine = select(Letter.id).where(Letter.claimed_by == batch, Letter.state == "claimed").limit(1)
    waiting = (mine, _due(now).limit(1)) if batch else (_due(now).limit(1),)
    return any(session.scalar(wanted) is not None for wanted in waiting)


def hand_over(
    session: Session, turn: UUID, now: datetime, *, batch: UUID | None = None, limit: int
) -> list[Handed]:
    """Give up to `limit` letters to the poster of this turn: those of `batch`, or without one what is due.

    From the commit on the server may get them, so nobody else touches them. What was refused in this very moment stays.
    """
    if batch is None:
        wanted = _due(now).limit(limit).with_for_update(skip_locked=True)
    else:
        # Another poster that came too late for these may still hold them: it lets go soon, and passed over they
        # would belong to nobody until the claim is over.
        mine = select(Letter.id).where(Letter.claimed_by == batch, Letter.state == "claimed")
        wanted = mine.order_by(Letter.queued_at, Letter.id).limit(limit).with_for_update()
    rows = session.execute(
        update(Letter)
        .where(Letter.id.in_(wanted.scalar_subquery()))
        .values(state="handed", claimed_by=turn, claimed_at=now, next_at=None)
        .returning(*_HANDED)
        .execution_options(synchronize_session=False)
    )
    found = [Handed(*row) for row in rows]
    held = refusals.hold_back(session, (one.id for one in found if one.is_solicitation), now)
    handed = [letter for letter in found if letter.id not in held]
    return sorted(handed, key=lambda letter: (letter.since, letter.id))


def hold_on(session: Session, turn: UUID, ids: Iterable[UUID], now: datetime) -> set[UUID]:
    """Say again that this poster has these letters; those that are still its own."""
    held = session.scalars(
        update(Letter)
        .where(Letter.id.in_(list(ids)), Letter.claimed_by == turn, Letter.state == "handed")
        .values(claimed_at=now)
        .returning(Letter.id)
        .execution_options(synchronize_session=False)
    )
    return set(held)


def release(session: Session, ours: UUID, reply: str | None, *, until: datetime) -> None:
    """What this batch or poster still holds and never began waits in the queue."""
    values: dict[str, object] = {"state": "queued", "next_at": until, "claimed_by": None}
    if reply is not None:
        values["reply"] = reply
    session.execute(
        update(Letter)
        .where(Letter.claimed_by == ours, Letter.state.in_(("claimed", "handed")))
        .values(**values)
        .execution_options(synchronize_session=False)
    )


def take_up(session: Session, left: Left, now: datetime) -> None:
    """Go on where a dead poster stopped, by its notes: only a letter that was begun and has no answer is unknown."""
    known = select(Letter).where(
        Letter.id.in_(left.words), Letter.claimed_by == left.turn, Letter.state.in_(("handed", "unknown"))
    )
    told = []
    for letter in session.scalars(known.with_for_update()):
        word = left.words[letter.id]
        if word.outcome == BEGUN:
            word = Word("unknown", word.server, STOPPED)
        since = letter.queued_at or letter.created_at
        told.append(
            outcomes.Told(letter.id, word.outcome, word.server, word.reply, now, letter.attempts, since)
        )
    outcomes.tell(session, left.turn, told)
    release(session, left.turn, None, until=now)


def doubt(session: Session, now: datetime) -> int:
    """List as unknown what was handed so long ago that its poster must have died. Returns how many.

    Its poster's name stays on it: if it lives after all, or its notes are found, what it knows still counts.
    """
    forgotten = session.scalars(
        select(Letter.id)
        .where(Letter.state == "handed", Letter.claimed_at <= now - DOUBT)
        .with_for_update(skip_locked=True)
    ).all()
    for letter_id in forgotten:
        session.execute(
            update(Letter)
            .where(Letter.id == letter_id, Letter.state == "handed")
            .values(state="unknown", reply=STOPPED)
        )
        _note(session, letter_id, "unknown", STOPPED, now)
    return len(forgotten)


def set_right(session: Session, now: datetime) -> None:
    """Bring back what a clock that was ahead and was set right has put into the future.

    What waits for the morning keeps its hour: only times that no clock but a wrong one can have written are changed.
    """
    far = now + FARTHEST
    session.execute(update(Letter).where(Letter.state == "claimed", Letter.next_at > far).values(next_at=now))
    session.execute(
        update(Letter).where(Letter.state == "handed", Letter.claimed_at > far).values(claimed_at=now)
    )
    ahead = select(Letter).where(Letter.state == "queued", Letter.queued_at > far).limit(AT_ONCE)
    for letter in session.scalars(ahead.with_for_update(skip_locked=True)):
        if letter.queued_at is not None and letter.next_at is not None:
            letter.next_at -= letter.queued_at - now
            letter.queued_at = now
    mail_servers.set_right(session, now)


def after_restore(session: Session, now: datetime) -> None:
    """What was under way in the hour this database is from may have left since: a person knows, or the server.

    Drafts and what waits for its hour stay as they are.
    """
    under_way = session.scalars(
        select(Letter.id).where(
            or_(Letter.state.in_(("claimed", "handed")), (Letter.state == "queued") & (Letter.next_at <= now))
        )
    ).all()
    for letter_id in under_way:
        session.execute(
            update(Letter)
            .where(Letter.id == letter_id)
            .values(state="unknown", next_at=None, reply=RESTORED, claimed_by=None)
        )
        _note(session, letter_id, "unknown", RESTORED, now)


def settle(session: Session, letter: Letter, *, arrived: bool, reply: str, now: datetime) -> None:
    """An unknown letter is known now: it arrived, or it goes back to the queue with the same Message-ID."""
    if letter.state != "unknown":
        return
    letter.claimed_by = None
    if arrived:
        letter.state, letter.sent_at, letter.reply = "sent", now, reply
    else:
        letter.state, letter.next_at, letter.reply = "queued", now, reply
    _note(session, letter.id, "sent" if arrived else "again", reply, now)


def keep(session: Session, batch: UUID, now: datetime) -> int:
    """Held mode: nothing leaves; the letters of this batch become readable in the local mailbox. Returns how many.

    The shelf's row is locked until the commit, so numbers appear in their order and a reader who pages by number
    misses none.
    """
    ours = claimed(session, batch)
    held = refusals.hold_back(session, (letter.id for letter in ours if letter.is_solicitation), now)
    kept = [letter for letter in ours if letter.id not in held]
    if not kept:
        return 0
    shelf = session.get(Shelf, "mailbox", with_for_update=True)
    if shelf is None:
        shelf = Shelf(name="mailbox", last=0)
        session.add(shelf)
    for letter in kept:
        shelf.last += 1
        letter.state, letter.number, letter.sent_at, letter.reply = "sent", shelf.last, now, "held"
        letter.attempts, letter.claimed_by, letter.next_at = letter.attempts + 1, None, None
        _note(session, letter.id, "sent", "held", now)
    return len(kept)


def _due(now: datetime, *, is_held: bool = False) -> Select[UUID]:
    due = Letter.next_at <= now
    if is_held:
        due = due | (Letter.state == "queued")
    return select(Letter.id).where(Letter.state.in_(WAITING), due).order_by(Letter.next_at)


def _is_stale(session: Session, now: datetime) -> bool:
    stale = select(Letter.id).where(Letter.state == "handed", Letter.claimed_at <= now - STALE).limit(1)
    return session.scalar(stale) is not None


def _note(session: Session, letter_id: UUID, outcome: str, reply: str, now: datetime) -> None:
    session.add(Delivery(letter_id=letter_id, at=now, outcome=outcome, reply=reply))
