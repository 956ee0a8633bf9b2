"""The people of a gathering as files that a spreadsheet opens: accents right, and no cell that runs."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Callable, Iterable, Iterator
from typing import IO
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.chassis.catalogues import N_
from services.registration import participants
from services.registration.asking import answers
from services.registration.asking.questions import Question, of
from services.registration.models import Gathering, Participant, State

HEADINGS = (
    N_("First name"), N_("Last name"), N_("E-mail address"), N_("Territory"), N_("Trade"), N_("Structure"),
    N_("State"),
)  # fmt: skip
_WIDTHS = (18, 22, 34, 22, 24, 34, 16)
_WIDTH_OF_ANSWERS = 30
_RUNS = ("=", "+", "-", "@", "\t", "\r")
_AT_ONCE = 500


def asked(gathering: Gathering) -> list[Question]:
    """The questions that have a column: those that are asked, then those that are asked no more."""
    return sorted(of(gathering.questions), key=lambda one: one.removed_at is not None)


def rows(
    session: Session,
    gathering_id: UUID,
    state_word: Callable[[str], str],
    *,
    language: str,
    say: Callable[[str], str],
) -> Iterator[tuple[str, ...]]:
    """Everybody by name, a few hundred at a time, and what they answered in the columns of `asked`.

    `state_word` says a state in the reader's `language`, `say` the words of the house.
    """
    gathering = session.get_one(Gathering, gathering_id)
    questions = asked(gathering)
    named = {one["letter"]: one["name"] for one in gathering.territories}
    wanted = (
        Participant.given, Participant.family, Participant.email, Participant.territory, Participant.trade,
        Participant.structure, Participant.state, Participant.answers,
    )  # fmt: skip
    found = session.execute(
        select(*wanted)
        .where(Participant.gathering_id == gathering_id, Participant.state.not_in((State.erased, State.merged)))
        .order_by(participants.by_name(session), Participant.id)
        .execution_options(yield_per=_AT_ONCE)
    )
    for given, family, email, territory, trade, structure, state, kept in found:
        said = [
            answers.words(one, kept[one.key]["said"], language, say) if one.key in kept else ""
            for one in questions
        ]
        place = named.get(territory, territory)
        yield given, family, email, place, trade, structure, state_word(state), *said


def as_csv(heading: Iterable[str], people: Iterable[tuple[str, ...]]) -> Iterator[str]:
    """CSV in parts, as French offices' spreadsheets expect it: a byte-order mark, `;`, and CRLF.

    A cell that a spreadsheet would run begins with an apostrophe instead.
    """
    text = io.StringIO()
    table = csv.writer(text, delimiter=";", lineterminator="\r\n")
    text.write("\ufeff")
    table.writerow(heading)
    for number, row in enumerate(people, 1):
        table.writerow([f"'{cell}" if cell.startswith(_RUNS) else cell for cell in row])
        if number % _AT_ONCE == 0:
            yield text.getvalue()
            text.seek(0)
            text.truncate()
    yield text.getvalue()


def as_workbook(heading: Iterable[str], people: Iterable[tuple[str, ...]]) -> IO[bytes]:
    """An XLSX file, open at its beginning, that is gone when it is closed; every cell is text and none is run."""
    # Not above: it takes numpy along where there is one, and most processes never write a workbook.
    from openpyxl import Workbook  # noqa: PLC0415
    from openpyxl.cell import WriteOnlyCell  # noqa: PLC0415
    from openpyxl.styles import Font  # noqa: PLC0415
    from openpyxl.utils import get_column_letter  # noqa: PLC0415

    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.freeze_panes = "A2"
    heading = list(heading)
    for place in range(len(heading)):
        width = _WIDTHS[place] if place < len(_WIDTHS) else _WIDTH_OF_ANSWERS
        sheet.column_dimensions[get_column_letter(place + 1)].width = width

    def cell(text: str, *, bold: bool = False) -> WriteOnlyCell:
        made = WriteOnlyCell(sheet, value=text)
        # openpyxl takes a text that begins with "=" for a formula.
        made.data_type = "s"
        if bold:
            made.font = Font(bold=True)
        return made

    sheet.append([cell(text, bold=True) for text in heading])
    for row in people:
        sheet.append([cell(text) for text in row])
    file = tempfile.TemporaryFile()  # noqa: SIM115
    book.save(file)
    file.seek(0)
    return file
