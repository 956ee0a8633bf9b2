from __future__ import annotations

import pytest

from services.registration.sheets import NotASheet, Row, read

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
