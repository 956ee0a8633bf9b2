"""Lists of people as offices send them: any of the usual encodings, separators and headings."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from services.registration import names

MOST_LINES = 10_000
WORKBOOK = "XLSX"
_ZIP = b"PK\x03\x04"
# What a workbook may hold unpacked: a list of so many lines needs a tenth of it.
_MOST_BYTES = 64 * 1024 * 1024
_MOST_COLUMNS = 60

# What a column may be called, folded; the first that is there wins.
HEADINGS: dict[str, tuple[str, ...]] = {
    "given": ("prenom", "prenoms", "given name", "given names", "first name", "firstname", "given", "forename"),
    "family": ("nom de famille", "nom", "family name", "last name", "lastname", "surname", "family"),
    "name": ("nom complet", "nom et prenom", "prenom et nom", "nom prenom", "prenom nom", "full name", "name",
             "personne", "participant"),
    "email": ("adresse electronique", "email", "e mail", "mail", "courriel", "adresse email", "adresse e mail",
              "adresse mail", "adresse courriel", "email address", "e mail address", "electronic address",
              "messagerie"),
    "territory": ("territoire", "territory", "region", "departement", "area"),
    "trade": ("metier", "trade", "profession", "job", "occupation", "fonction", "function", "role"),
    "structure": ("structure", "organisation", "organization", "association", "employeur", "employer",
                  "etablissement", "company", "entreprise"),
    "language": ("langue", "language", "lang"),
}  # fmt: skip


class NotASheet(ValueError):
    """This file is no list of people that we can read; `reason` is empty, no_email, no_name, broken or
    too_long.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Row:
    """One line as it is written, cleaned; `number` is the line an editor shows (the heading is line 1)."""

    number: int
    given: str
    family: str
    email: str
    territory: str
    trade: str
    structure: str
    language: str


@dataclass(frozen=True)
class Sheet:
    """A list that was read: what it was written in, and its lines without the empty ones."""

    encoding: str
    delimiter: str
    rows: tuple[Row, ...]


def read(content: bytes) -> Sheet:
    """Read a list of people: CSV of any usual kind, or the first sheet of an XLSX workbook. Raises NotASheet."""
    if content.startswith(_ZIP):
        return Sheet(WORKBOOK, "", _rows(_cells(content)))
    encoding, text = decoded(content)
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    first = next((place for place, line in enumerate(lines) if line.strip(" ;,\t\"'")), None)
    if first is None:
        raise NotASheet("empty")
    delimiter = max(";,\t", key=lines[first].count)
    try:
        return Sheet(encoding, delimiter, _rows(_lines("\n".join(lines[first:]), delimiter, first)))
    except csv.Error as error:
        raise NotASheet("broken") from error


def _rows(lines: Iterable[tuple[int, Sequence[str]]]) -> tuple[Row, ...]:
    """The people of numbered lines, of which the first one names the columns."""
    numbered = iter(lines)
    columns = _columns(next(numbered, (0, ()))[1])
    if "email" not in columns:
        raise NotASheet("no_email")
    if "given" not in columns and "family" not in columns and "name" not in columns:
        raise NotASheet("no_name")
    rows = []
    for number, cells in numbered:
        if any(cell.strip() for cell in cells):
            rows.append(_row(number, cells, columns))
        if len(rows) > MOST_LINES:
            raise NotASheet("too_long")
    return tuple(rows)


def _lines(text: str, delimiter: str, before: int) -> Iterator[tuple[int, Sequence[str]]]:
    """The lines of a CSV text that begins after `before` empty lines."""
    reader = csv.reader(io.StringIO(text), delimiter=delimiter)
    # A quoted cell may hold newlines, so a row's number is that of the line on which it begins.
    number = before + 1
    for cells in reader:
        yield number, cells
        number = before + 1 + reader.line_num


def _cells(content: bytes) -> Iterator[tuple[int, Sequence[str]]]:
    """The lines of the first sheet of a workbook, from the first one that is not empty; formulas as they showed."""
    # Not above: it takes numpy along where there is one, and most processes never see a workbook.
    from openpyxl import load_workbook  # noqa: PLC0415
    from openpyxl.utils.exceptions import InvalidFileException  # noqa: PLC0415

    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            if sum(part.file_size for part in packed.infolist()) > _MOST_BYTES:
                raise NotASheet("too_long")
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        sheet = book.worksheets[0]
        # A sheet may claim a million empty lines; one more than we take tells that there are too many.
        lines = sheet.iter_rows(max_row=MOST_LINES + 100, max_col=_MOST_COLUMNS, values_only=True)
        is_begun = False
        for number, values in enumerate(lines, 1):
            cells = [_text(value) for value in values]
            is_begun = is_begun or any(cells)
            if is_begun:
                yield number, cells
        book.close()
    except (zipfile.BadZipFile, KeyError, IndexError, ValueError, SyntaxError, InvalidFileException) as error:
        if isinstance(error, NotASheet):
            raise
        raise NotASheet("broken") from error
    if not is_begun:
        raise NotASheet("empty")


def _text(value: object) -> str:
    """A cell as one reads it: whole numbers without a point, nothing as an empty text."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def decoded(content: bytes) -> tuple[str, str]:
    """The text and the name of its encoding: what its first bytes say, else UTF-8, else Windows-1252."""
    if content.startswith(b"\xef\xbb\xbf"):
        return "UTF-8", content.decode("utf-8-sig", errors="replace")
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "UTF-16", content.decode("utf-16", errors="replace")
    if content[1:2] == b"\0" or content[:1] == b"\0":
        wide = "utf-16-le" if content[1:2] == b"\0" else "utf-16-be"
        return "UTF-16", content.decode(wide, errors="replace")
    try:
        return "UTF-8", content.decode("utf-8")
    except UnicodeDecodeError:
        return "Windows-1252", content.decode("cp1252", errors="replace")


def _columns(heading: Sequence[str]) -> dict[str, int]:
    said = [names.fold(cell) for cell in heading]
    columns: dict[str, int] = {}
    for field, synonyms in HEADINGS.items():
        found = next((said.index(synonym) for synonym in synonyms if synonym in said), None)
        if found is not None and found not in columns.values():
            columns[field] = found
    return columns


def _row(number: int, cells: Sequence[str], columns: dict[str, int]) -> Row:
    def cell(field: str) -> str:
        place = columns.get(field)
        return names.clean(cells[place])[:300] if place is not None and place < len(cells) else ""

    given, family = cell("given"), cell("family")
    if not given and not family:
        given, _, family = cell("name").partition(" ")
    if not given:
        given, family = family, ""
    return Row(
        number,
        given,
        family,
        cell("email"),
        cell("territory"),
        cell("trade"),
        cell("structure"),
        cell("language"),
    )
