from __future__ import annotations

import io

import pytest
from openpyxl import Workbook

from services.registration.sheets import MOST_LINES, NotASheet, Row, read

ADA = Row(2, "Élise", "O’Connor", "elise@example.org", "Armorique", "direction", "Épi & Compagnie", "fr")
TEXT = (
    "Prénom;Nom;Adresse électronique;Territoire;Métier;Structure;Langue\r\n"
    "Élise;O’Connor;elise@example.org;Armorique;direction;Épi & Compagnie;fr\r\n"
)


@pytest.mark.parametrize(
    ("codec", "named"),
    [("utf-8", "UTF-8"), ("utf-8-sig", "UTF-8"), ("cp1252", "Windows-1252"), ("utf-16", "UTF-16")],
)
def test_the_usual_encodings_are_told_apart(codec, named):
    sheet = read(TEXT.encode(codec))

    assert (sheet.encoding, sheet.rows) == (named, (ADA,))


@pytest.mark.parametrize("delimiter", [";", ",", "\t"])
def test_the_usual_separators_are_told_apart(delimiter):
    sheet = read(TEXT.replace(";", delimiter).encode())

    assert (sheet.delimiter, sheet.rows) == (delimiter, (ADA,))


@pytest.mark.parametrize(
    "heading",
    [
        "First name,Last name,E-mail",
        "GIVEN NAME,Surname,Email address",
        "prenom,NOM,Courriel",
        "Prénom,Nom de famille,Mail",
    ],
)
def test_headings_may_be_french_or_english(heading):
    assert read(f"{heading}\nAda,Lovelace,ada@example.org\n".encode()).rows == (
        Row(2, "Ada", "Lovelace", "ada@example.org", "", "", "", ""),
    )


def test_line_numbers_are_those_an_editor_shows():
    sheet = read(b"prenom;email\nAda;ada@example.org\n\n;;\nBo;bo@example.org\n")

    assert [(row.number, row.given) for row in sheet.rows] == [(2, "Ada"), (5, "Bo")]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"\n ; ;\n", "empty"),
        (b"prenom;nom\nAda;L\n", "no_email"),
        (b"email\na@b.fr\n", "no_name"),
    ],
)
def test_what_is_no_list_of_people_is_said_so(content, reason):
    with pytest.raises(NotASheet) as refusal:
        read(content)

    assert refusal.value.reason == reason


def a_workbook(*rows, before=()):
    book = Workbook()
    for row in (*before, *rows):
        book.active.append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


HEADING = ("Prénom", "Nom", "Adresse électronique", "Territoire", "Métier", "Structure", "Langue")


def test_a_workbook_is_read_as_a_text_would_be():
    row = ("Élise", "O’Connor", "elise@example.org", "Armorique", "direction", "Épi & Compagnie", "fr")

    sheet = read(a_workbook(HEADING, row))

    assert (sheet.encoding, sheet.rows) == ("XLSX", (ADA,))


def test_lines_of_a_workbook_have_the_numbers_that_excel_shows():
    rows = (("Ada", "", "ada@example.org"), (None, None, None), ("Bo", 7.0, "bo@example.org"))

    sheet = read(a_workbook(("prénom", "nom", "e-mail"), *rows, before=((None,), (None,))))

    assert [(row.number, row.given, row.family) for row in sheet.rows] == [(4, "Ada", ""), (6, "Bo", "7")]


def test_a_formula_of_a_workbook_is_never_read():
    sheet = read(a_workbook(("prénom", "e-mail"), ("=HYPERLINK(1)", "ada@example.org")))

    assert [row.given for row in sheet.rows] == [""]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"PK\x03\x04 not a zip", "broken"),
        (a_workbook((None,)), "empty"),
        (a_workbook(("prénom", "nom"), ("Ada", "L")), "no_email"),
        (
            a_workbook(("prénom", "e-mail"), *(("Ada", f"a{n}@x.org") for n in range(MOST_LINES + 1))),
            "too_long",
        ),
    ],
)
def test_a_workbook_without_a_list_is_said_so(content, reason):
    with pytest.raises(NotASheet) as refusal:
        read(content)

    assert refusal.value.reason == reason
