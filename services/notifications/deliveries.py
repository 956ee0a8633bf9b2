"""What becomes of a letter: claimed, handed, sent; or deferred, failed, unknown. One transaction for each step.

`claimed` may be claimed again by anybody once its time is over. From `handed` on the server may have the letter:
it is never sent again without an answer from the server or a person.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from services.chassis.catalogues import N_
from services.notifications.models import Delivery, Letter, Shelf

BATCH = 20
# Batches on their way at once; posters take what is left by themselves.
BATCHES = 4
CLAIM = timedelta(seconds=15)
DOUBT = timedelta(minutes=2)
BACKOFF = tuple(timedelta(minutes=m) for m in (1, 5, 15, 60, 120, 240, 480))
GIVE_UP = timedelta(hours=48)

STOPPED = N_("The sender stopped while the server was taking this letter.")

WAITING = ("queued", "deferred", "claimed")


def find(session: Session, now: datetime) -> list[list[str]]:
    """Claim the letters that are due; the ids of the batches, each to be given to one poster."""
    on_their_way = session.scalar(
        select(func.count()).select_from(Letter).where(Letter.state == "claimed", Letter.next_at > now)
    )
    batches = []
    for _ in range(BATCHES - (on_their_way or 0) // BATCH):
        batch = claim(session, now)
        if batch is None:
            break
        batches.append([str(batch)])
    return batches


def claim(session: Session, now: datetime, *, limit: int = BATCH) -> UUID | None:
    """Claim up to `limit` due letters, the longest waiting first, for one new batch; None when none is due."""
    due = (
        select(Letter.id)
        .where(Letter.state.in_(WAITING), Letter.next_at <= now)
        .order_by(Letter.next_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    ids = session.scalars(due).all()
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


def hand_over(session: Session, letter_id: UUID, batch: UUID, now: datetime) -> bool:
    """Write down that the server gets this letter now; False when it belongs to another batch by now."""
    return _move(
        session,
        letter_id,
        batch,
        "claimed",
        state="handed",
        claimed_at=now,
        next_at=None,
        attempts=Letter.attempts + 1,
    )


def sent(session: Session, letter_id: UUID, batch: UUID, reply: str, now: datetime) -> None:
    """The server took it."""
    if _move(session, letter_id, batch, "handed", state="sent", sent_at=now, reply=reply, claimed_by=None):
        _note(session, letter_id, "sent", reply, now)


def put_off(session: Session, letter: Letter, batch: UUID, reply: str, now: datetime) -> None:
    """The server said 4xx: later, and in the end never."""
    attempts = letter.attempts + 1
    wait = BACKOFF[min(attempts, len(BACKOFF)) - 1]
    if now + wait > (letter.queued_at or letter.created_at) + GIVE_UP:
        refuse(session, letter, batch, reply, now)
        return
    moved = _move(
        session,
        letter.id,
        batch,
        "claimed",
        "handed",
        state="deferred",
        attempts=attempts,
        next_at=now + wait,
        reply=reply,
        claimed_by=None,
    )
    if moved:
        _note(session, letter.id, "deferred", reply, now)


def refuse(session: Session, letter: Letter, batch: UUID, reply: str, now: datetime) -> None:
    """The server said 5xx, or 4xx for two days: final."""
    moved = _move(
        session,
        letter.id,
        batch,
        "claimed",
        "handed",
        state="failed",
        attempts=letter.attempts + 1,
        next_at=None,
        reply=reply,
        claimed_by=None,
    )
    if moved:
        _note(session, letter.id, "failed", reply, now)


def release(session: Session, batch: UUID, reply: str, *, until: datetime) -> None:
    """The server cannot be reached: what this batch still holds waits in the queue, nothing was sent."""
    session.execute(
        update(Letter)
        .where(Letter.claimed_by == batch, Letter.state == "claimed")
        .values(state="queued", next_at=until, reply=reply, claimed_by=None)
    )


def take_back(
    session: Session, letter_id: UUID, batch: UUID, reply: str, *, until: datetime, now: datetime
) -> None:
    """It was handed, but the server cannot have it whole: it waits in the queue again."""
    if _move(session, letter_id, batch, "handed", state="queued", next_at=until, reply=reply, claimed_by=None):
        _note(session, letter_id, "broken", reply, now)


def lose(session: Session, letter_id: UUID, batch: UUID, reply: str, now: datetime) -> None:
    """It was given whole and no answer came."""
    if _move(session, letter_id, batch, "handed", state="unknown", next_at=None, reply=reply, claimed_by=None):
        _note(session, letter_id, "unknown", reply, now)


def doubt(session: Session, now: datetime) -> int:
    """List as unknown what was handed so long ago that its poster must have died. Returns how many."""
    forgotten = session.scalars(
        select(Letter.id)
        .where(Letter.state == "handed", Letter.claimed_at <= now - DOUBT)
        .with_for_update(skip_locked=True)
    ).all()
    for letter_id in forgotten:
        session.execute(
            update(Letter)
            .where(Letter.id == letter_id, Letter.state == "handed")
            .values(state="unknown", reply=STOPPED, claimed_by=None)
        )
        _note(session, letter_id, "unknown", STOPPED, now)
    return len(forgotten)


def settle(session: Session, letter: Letter, *, arrived: bool, reply: str, now: datetime) -> None:
    """An unknown letter is known now: it arrived, or it goes back to the queue with the same Message-ID."""
    if letter.state != "unknown":
        return
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
    kept = claimed(session, batch)
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


def _move(session: Session, letter_id: UUID, batch: UUID, *states: str, **values: object) -> bool:
    """Change a letter only if this batch still holds it in one of these states."""
    moved = session.scalar(
        update(Letter)
        .where(Letter.id == letter_id, Letter.claimed_by == batch, Letter.state.in_(states))
        .values(**values)
        .returning(Letter.id)
        .execution_options(synchronize_session=False)
    )
    return moved is not None


def _note(session: Session, letter_id: UUID, outcome: str, reply: str, now: datetime) -> None:
    session.add(Delivery(letter_id=letter_id, at=now, outcome=outcome, reply=reply))
