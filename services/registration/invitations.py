"""Whom we ask to come: a list is read, looked at, and only then applied. Nothing is sent by it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from rapidfuzz import fuzz, process
from sqlalchemy import select
from sqlalchemy.orm import Session

from services.chassis.catalogues import N_
from services.chassis.errors import Misshapen, NotFound
from services.chassis.outbox import publish, wake
from services.registration import addresses, names, sheets, telling, waiting_list
from services.registration.events import PersonInvited
from services.registration.links import Links, hashed
from services.registration.models import Gathering, Import, Invitation, Participant

NEAR = 72
# Up to so many lines are applied while one waits; longer lists in parts of that size, so that nobody who registers
# meanwhile waits for long.
AT_ONCE = 200


def stage(
    session: Session, gathering_id: UUID, *, content: bytes, file_name: str, by: UUID, now: datetime
) -> Import:
    """Read a list and remember what became of each line; nobody is invited yet.

    Each row says `status` (new, known, typo, error), what it holds, `meant` (the address its owner probably
    meant) and `notes`, pairs of a code and a word. Raises NotFound, Misshapen (not a list of people).
    """
    gathering = session.get(Gathering, gathering_id)
    if gathering is None:
        raise NotFound("There is no such gathering.")
    try:
        sheet = sheets.read(content)
    except sheets.NotASheet as error:
        raise Misshapen({"file": [_UNREADABLE[error.reason]]}) from error
    staged = Import(
        id=uuid4(),
        gathering_id=gathering_id,
        file_name=names.clean(file_name)[:200],
        encoding=sheet.encoding,
        delimiter=sheet.delimiter,
        rows=_judged(sheet, gathering, _known(session, gathering_id)),
        read_at=now,
        read_by=by,
    )
    session.add(staged)
    session.flush()
    return staged


def apply(
    session: Session,
    gathering_id: UUID,
    import_id: UUID,
    *,
    fix_typos: bool = True,
    by: UUID,
    links: Links,
    now: datetime,
) -> Import:
    """Invite the new people of a staged list; their letters become drafts.

    A list of more than AT_ONCE lines is only begun here, and `go_on` does the rest. People who became known in the
    meantime are left as they are; applying twice is as good as once. Addresses that look like a slip are corrected
    with `fix_typos`, else taken as they stand. Raises NotFound.
    """
    gathering = waiting_list.lock(session, gathering_id)
    staged = find(session, gathering_id, import_id)
    if staged.begun_at is not None or staged.applied_at is not None:
        return staged
    staged.begun_at, staged.begun_by, staged.fix_typos = now, by, fix_typos
    if len(staged.rows) <= AT_ONCE:
        _invite(session, gathering, staged, links=links, now=now)
    else:
        wake(session)
    return staged


def go_on(session: Session, *, links: Links, now: datetime) -> int:
    """Apply the next part of the longest begun list; return how many lines were gone through."""
    waits = session.execute(
        select(Import.id, Import.gathering_id)
        .where(Import.begun_at.is_not(None), Import.applied_at.is_(None))
        .order_by(Import.begun_at)
        .limit(1)
    ).first()
    if waits is None:
        return 0
    gathering = waiting_list.lock(session, waits.gathering_id)
    staged = session.get_one(Import, waits.id, with_for_update=True, populate_existing=True)
    before = staged.done
    if staged.applied_at is None:
        _invite(session, gathering, staged, links=links, now=now)
    return staged.done - before


def _invite(session: Session, gathering: Gathering, staged: Import, *, links: Links, now: datetime) -> None:
    """Invite the people of the next AT_ONCE lines."""
    part = [row for row in staged.rows[staged.done : staged.done + AT_ONCE] if row["status"] in ("new", "typo")]
    addressed = [(row, row["meant"] if staged.fix_typos and row["meant"] else row["email"]) for row in part]
    known = _known(session, gathering.id, {email for _, email in addressed})
    fresh = []
    for row, email in addressed:
        key = (email, names.fold(f"{row['given']} {row['family']}"))
        if key not in known:
            known.add(key)
            fresh.append(_invitation(gathering, row, email=email, name_key=key[1], links=links, now=now))
    session.add_all(fresh)
    session.flush()
    for invitation in fresh:
        publish(session, PersonInvited, about=_told(invitation, gathering, links), now=now)
    staged.done = min(len(staged.rows), staged.done + AT_ONCE)
    staged.invited = (staged.invited or 0) + len(fresh)
    if staged.done < len(staged.rows):
        wake(session)
    else:
        staged.applied_at = now
        telling.note(session, "list applied", staged.id, gathering_id=gathering.id, by=staged.begun_by, now=now)


def find(session: Session, gathering_id: UUID, import_id: UUID) -> Import:
    """Raises NotFound."""
    staged = session.get(Import, import_id)
    if staged is None or staged.gathering_id != gathering_id:
        raise NotFound("There is no such list.")
    return staged


def by_token(session: Session, gathering_id: UUID, token: str) -> Invitation | None:
    """The invitation whose link this is, or None when the link is cut short or from elsewhere."""
    return session.scalar(
        select(Invitation).where(
            Invitation.gathering_id == gathering_id, Invitation.token_hash == hashed(token)
        )
    )


def counts(rows: Sequence[dict[str, Any]]) -> dict[str, int]:
    """How many lines are new, known, typo, error."""
    found = {"new": 0, "known": 0, "typo": 0, "error": 0}
    for row in rows:
        found[row["status"]] += 1
    return found


_FORMULA = ("=", "+", "@", "-")
_LANGUAGES = {
    "fr": "fr", "francais": "fr", "french": "fr", "en": "en", "anglais": "en", "english": "en",
}  # fmt: skip
_UNREADABLE = {
    "empty": N_("This file is empty."),
    "no_email": N_("No column of this file is called “e-mail”. Name the columns in the first line."),
    "no_name": N_(
        "No column of this file is called “first name” or “name”. Name the columns in the first line."
    ),
    "too_long": N_("This file has more than 10,000 lines. Cut it in parts."),
    "broken": N_("This file is not a list that we can read. Save it as CSV or XLSX and try again."),
}


def _known(session: Session, gathering_id: UUID, emails: set[str] | None = None) -> set[tuple[str, str]]:
    """Who is invited or registered already, as (address, folded name): everybody, or those of some addresses."""
    known: set[tuple[str, str]] = set()
    for kind in (Invitation, Participant):
        wanted = select(kind.email, kind.name_key).where(kind.gathering_id == gathering_id)
        if emails is not None:
            wanted = wanted.where(kind.email.in_(emails))
        known.update((email, key) for email, key in session.execute(wanted))
    return known


@dataclass
class _Seen:
    """What the lines read so far, and the rows of before, have told."""

    known: set[tuple[str, str]]
    people: dict[tuple[str, str], int] = field(default_factory=dict)
    boxes: dict[str, tuple[int, str]] = field(default_factory=dict)


def _judged(sheet: sheets.Sheet, gathering: Gathering, known: set[tuple[str, str]]) -> list[dict[str, Any]]:
    seen = _Seen(known)
    letters = {names.fold(one["name"]): one["letter"] for one in gathering.territories}
    letters |= {names.fold(one["letter"]): one["letter"] for one in gathering.territories}
    trades = {names.fold(trade): trade for trade in gathering.trades}
    return [_judge(row, gathering, seen, letters, trades) for row in sheet.rows]


def _judge(
    row: sheets.Row, gathering: Gathering, seen: _Seen, letters: dict[str, str], trades: dict[str, str]
) -> dict[str, Any]:
    notes: list[tuple[str, str]] = []
    territory, note = _nearest(row.territory, letters)
    if note:
        said = next((one["name"] for one in gathering.territories if one["letter"] == territory), "")
        notes.append((f"territory_{note}", said or row.territory))
    trade, note = _nearest(row.trade, trades)
    if note:
        notes.append((f"trade_{note}", trade or row.trade))
    email, wrong = _checked(row)
    status, meant = ("error", None) if wrong else _status(row, email, seen, notes)
    return {
        "line": row.number,
        "status": status,
        "given": row.given[: names.LONGEST],
        "family": row.family[: names.LONGEST],
        "email": email,
        "meant": meant,
        "territory": territory,
        "trade": trade,
        "structure": row.structure[:160],
        "language": _LANGUAGES.get(names.fold(row.language), gathering.language),
        "notes": [*wrong, *notes],
    }


def _checked(row: sheets.Row) -> tuple[str, list[tuple[str, str]]]:
    """The address of a line, and what makes it impossible to invite this person."""
    wrong = []
    if row.given.startswith(_FORMULA) or row.family.startswith(_FORMULA):
        wrong.append(("formula", ""))
    if not row.given:
        wrong.append(("name_missing", ""))
    try:
        return addresses.read(row.email), wrong
    except addresses.NotAnAddress:
        return row.email, [*wrong, ("email_wrong" if row.email else "email_missing", row.email)]


def _status(row: sheets.Row, email: str, seen: _Seen, notes: list[tuple[str, str]]) -> tuple[str, str | None]:
    name_key = names.fold(f"{row.given} {row.family}")
    key = (email, name_key)
    line, name_there = seen.boxes.setdefault(email, (row.number, name_key))
    if name_there != name_key:
        notes.append(("same_address", str(line)))
    first = seen.people.setdefault(key, row.number)
    if first != row.number:
        notes.append(("twice", str(first)))
        return "known", None
    if key in seen.known:
        return "known", None
    meant = addresses.meant(email)
    return ("new", None) if meant is None else ("typo", meant)


def _nearest(said: str, known: dict[str, str]) -> tuple[str, str]:
    """What `said` stands for among `known`, and "near" or "unknown" when that is not certain."""
    folded = names.fold(said)
    if not said or not known or folded in known:
        return known.get(folded, ""), ""
    found = process.extractOne(
        folded, [key for key in known if len(key) > 1], scorer=fuzz.ratio, score_cutoff=NEAR
    )
    return (known[found[0]], "near") if found else ("", "unknown")


def _invitation(
    gathering: Gathering, row: dict[str, Any], *, email: str, name_key: str, links: Links, now: datetime
) -> Invitation:
    invitation_id = uuid4()
    return Invitation(
        id=invitation_id,
        gathering_id=gathering.id,
        email=email,
        name_key=name_key,
        token_hash=hashed(links.invitation_token(invitation_id)),
        invited_at=now,
        **{name: row[name] for name in ("given", "family", "territory", "trade", "structure", "language")},
    )


def _told(invitation: Invitation, gathering: Gathering, links: Links) -> dict[str, Any]:
    return {
        "invitation_id": invitation.id,
        "gathering_id": gathering.id,
        "email": invitation.email,
        "given": invitation.given,
        "family": invitation.family,
        "link": links.invitation(gathering.slug, invitation.id, invitation.token_hash),
        "language": invitation.language,
    }
