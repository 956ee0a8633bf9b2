"""Lists of people as offices send them: any of the usual encodings, separators and headings."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

from services.registration import names

# Inviting tells one fact a person in one transaction, and a registration waits meanwhile.
MOST_LINES = 5_000

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
    """Read a list of people. Raises NotASheet."""
    encoding, text = decoded(content)
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    first = next((place for place, line in enumerate(lines) if line.strip(" ;,\t\"'")), None)
    if first is None:
        raise NotASheet("empty")
    delimiter = max(";,\t", key=lines[first].count)
    try:
        return Sheet(encoding, delimiter, _rows("\n".join(lines[first:]), delimiter, first + 1))
    except csv.Error as error:
        raise NotASheet("broken") from error


def _rows(text: str, delimiter: str, heading: int) -> tuple[Row, ...]:
    reader = csv.reader(io.StringIO(text), delimiter=delimiter)
    columns = _columns(next(reader))
    if "email" not in columns:
        raise NotASheet("no_email")
    if "given" not in columns and "family" not in columns and "name" not in columns:
        raise NotASheet("no_name")
    rows = []
    # A quoted cell may hold newlines, so a row's number is that of the line on which it begins.
    number = heading + reader.line_num
    for cells in reader:
        if any(cell.strip() for cell in cells):
            rows.append(_row(number, cells, columns))
        number = heading + reader.line_num
        if len(rows) > MOST_LINES:
            raise NotASheet("too_long")
    return tuple(rows)


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
