"""The list of invited people as an office sends it: `;` between cells, Windows-1252, not quite clean."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import replace

from infra.sample.cast import Cast, Person

HEADER = ("Prénom", "Nom", "Adresse électronique", "Territoire", "Métier", "Structure", "Fonction", "Langue")


def row(person: Person) -> tuple[str, ...]:
    return (
        person.given, person.family, person.email, person.territory_name, person.trade, person.structure,
        person.title, person.language,
    )  # fmt: skip


def rows(people: Iterable[Person]) -> list[tuple[str, ...]]:
    return [HEADER, *(row(person) for person in people)]


def clean(day: Cast) -> bytes:
    """Everybody invited, once."""
    return written(rows(day.invited))


def first_draft(day: Cast) -> bytes:
    """What the office sends first: three addresses at gmial.com, one cut short, a formula for a name."""
    people = list(day.invited)
    for i in (2, 7, 11):
        people[i] = replace(people[i], email=people[i].email.split("@")[0] + "@gmial.com")
    people[5] = replace(people[5], email=people[5].email.split("@")[0] + "@")
    formula = replace(people[9], given='=HYPERLINK("http://example.org";"Bonjour")', email="")
    return written([*rows(people), row(formula)])


def written(lines: list[tuple[str, ...]]) -> bytes:
    """Windows-1252 with CRLF; a letter it does not have becomes `?`, as a spreadsheet does it."""
    text = io.StringIO()
    csv.writer(text, delimiter=";", lineterminator="\r\n").writerows(lines)
    return text.getvalue().encode("cp1252", errors="replace")
