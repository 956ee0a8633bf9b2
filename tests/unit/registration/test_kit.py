from __future__ import annotations

import resource
import unicodedata
from uuid import uuid4

import pytest
import segno

from services.chassis import printing
from services.chassis.printing import fonts
from services.registration import cancellations, codes, kit, names
from services.registration.web.kit import PRINT
from tests.unit import paper
from tests.unit.registration.conftest import NOON

HARD = (
    ("#let x = 1", "$a_b$ *gras* [\\emph] @ref <b>"), ("Thị Hồng Nhung", "Nguyễn"), ("Zoé", ""),
    ("🌻", ""), ("Jean-" * 15 + "Louis", "de la " + "Rochefoucauld-" * 5 + "Tour"), ("A" * 80, "B" * 80),
)  # fmt: skip


def as_is(sentence, **members):
    return sentence % members


@pytest.fixture
def hall(a_gathering, come):
    """A gathering and the people who come, each as (given, family)."""

    def make(people, **other):
        gathering = a_gathering(seats=len(people) + 1, **other)
        for number, (given, family) in enumerate(people):
            come(gathering, given, family=family, email=f"guest{number}@example.org")
        return gathering

    return make


def printed_badges(registration, gathering, *, large=False, only=None):
    with registration.reading() as session:
        said = kit.badges(session, gathering, large=large, only=only, say=as_is)
    return printing.sheets(PRINT / "badges.typ", said)


def printed_roll(registration, gathering, *, large=False):
    with registration.reading() as session:
        said = kit.roll(session, gathering, large=large, now=NOON, say=as_is)
    return printing.sheets(PRINT / "roll.typ", said)


def badge_of(given, family="", **other):
    """What one badge says, without a gathering."""
    return {
        "given": given, "family": family, "rtl": printing.is_rtl(given), "territory": None, "trade": "",
        "trade-rtl": False, "structure": "", "structure-rtl": False, "code": codes.drawn(uuid4()), **other,
    }  # fmt: skip


def sheet_of(people):
    return {
        "title": "Badges", "gathering": "Spring table", "language": "fr", "large": False, "people": people,
        "words": dict.fromkeys(("code", "name", "structure", "territory"), "–"),
    }  # fmt: skip


def test_badges_are_ten_to_an_a4_sheet_and_four_in_large_print(registration, hall):
    gathering = hall([(f"Ada{number}", "L") for number in range(11)])

    small, large = (printed_badges(registration, gathering, large=large) for large in (False, True))

    assert (len(paper.texts(small)), len(paper.texts(large))) == (2, 3)
    assert paper.sizes_mm(small) == paper.sizes_mm(large) == {paper.A4_MM}


def test_a_name_on_a_badge_is_never_source(registration, hall):
    gathering = hall(HARD)

    said = " ".join(paper.texts(printed_badges(registration, gathering)))

    assert "#let x = 1" in said
    assert "$a_b$ *gras* [\\emph] @ref <b>" in said


@pytest.mark.parametrize("large", [False, True])
def test_every_letter_of_a_hard_name_is_on_its_badge(registration, hall, large):
    gathering = hall(HARD)

    said = unicodedata.normalize(
        "NFC", "".join(paper.texts(printed_badges(registration, gathering, large=large)))
    )

    # A long name is broken into lines, so its letters are counted.
    for given, family in HARD:
        for part in f"{given} {family}".replace("-", " ").split():
            assert part in said or said.count(part[0]) >= len(part), part


def test_no_name_leaves_its_badge(registration, hall):
    gathering = hall(HARD)

    sheet = paper.picture(printed_badges(registration, gathering), 0)

    # The margins hold cut lines only, and between two of them nothing.
    for row in range(5):
        assert paper.crop(sheet, 1, 13 + 55 * row, 12, 51).getextrema() == (255, 255)
        assert paper.crop(sheet, 197, 13 + 55 * row, 12, 51).getextrema() == (255, 255)


def test_what_is_left_of_the_last_sheet_is_for_walk_ins(registration, hall):
    gathering = hall([("Ada", "L"), ("Bo", "Li")])

    (said,) = paper.texts(printed_badges(registration, gathering))

    assert said.count("Structure") == 8


def test_a_gathering_without_people_prints_empty_badges(registration, a_gathering):
    (said,) = paper.texts(printed_badges(registration, a_gathering()))

    assert said.count("Structure") == 10


def test_the_code_on_a_badge_is_read_as_its_person(registration, hall):
    gathering = hall([("Ada", "L")])
    with registration.reading() as session:
        (one,) = kit._people(session, gathering.id)

    code = paper.crop(paper.picture(printed_badges(registration, gathering), 0, 24), 84, 45, 17, 17)

    wanted = [list(row) for row in segno.make_qr(codes.of(one.id), "m").matrix_iter(border=4)]
    square = code.width / len(wanted)
    seen = [
        [
            int(code.getpixel((int((x + 0.5) * square), int((y + 0.5) * square))) < 128)
            for x in range(len(wanted))
        ]
        for y in range(len(wanted))
    ]
    assert seen == wanted


def test_one_person_has_their_badge_alone(registration, hall):
    gathering = hall([("Ada", "L"), ("Bo", "Li")])
    with registration.reading() as session:
        bo = next(one.id for one in kit._people(session, gathering.id) if one.given == "Bo")

    (said,) = paper.texts(printed_badges(registration, gathering, only=bo))

    assert "Bo" in said and "Ada" not in said


def test_132_badges_take_less_than_two_seconds_of_a_processor(registration):
    people = [
        badge_of(f"Prénom {number}", "Nom de famille", structure="Atelier du Pont") for number in range(132)
    ]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)

    printed = printing.sheets(PRINT / "badges.typ", sheet_of(people))

    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert len(paper.texts(printed)) == 14
    assert (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime) < 2


def test_every_script_that_we_claim_has_letters_of_its_own(registration):
    scripts = sorted(one for one in fonts.scripts() if len(_letters(one)) > 3)
    letters = [_letters(script)[:4:3] for script in scripts]

    sheets = printing.sheets(
        PRINT / "badges.typ", sheet_of([badge_of(one) for both in letters for one in both])
    )

    # Letters that no font has are all the same empty box.
    for number, script in enumerate(scripts):
        sheet = paper.picture(sheets, number // 5)
        one, other = (paper.crop(sheet, left, 11 + 55 * (number % 5) + 12, 86, 20) for left in (17, 107))
        assert one.tobytes() != other.tobytes(), script


def test_names_that_our_fonts_cannot_print_are_known(registration, hall):
    gathering = hall([("小明", "王"), ("Ada", "L"), ("محمد", "بن علي"), ("🌻", "")])

    with registration.reading() as session:
        assert kit.not_printable(session, gathering.id) == ["小明 王"]


def test_the_roll_is_sorted_as_one_looks_for_names(registration, hall):
    people = [
        ("Zoé", ""),
        ("Ada", "de La Tour"),
        ("Bo", "Élan"),
        ("Cy", "d’Aubigné"),
        ("Eve", "Ébène"),
        ("🌻", ""),
    ]
    gathering = hall(people)

    with registration.reading() as session:
        said = kit.roll(session, gathering, large=False, now=NOON, say=as_is)

    found = [(group["letter"], [one["first"] for one in group["people"]]) for group in said["letters"]]
    assert found == [
        ("A", ["d’Aubigné"]),
        ("E", ["Ébène", "Élan"]),
        ("L", ["de La Tour"]),
        ("Z", ["Zoé"]),
        ("#", ["🌻"]),
    ]


@pytest.mark.parametrize("large", [False, True])
def test_the_roll_names_everybody_once_on_a4(registration, hall, large):
    gathering = hall([(f"Prénom{number:03}", f"Nom{number:03}") for number in range(40)])

    printed = printed_roll(registration, gathering, large=large)

    said = " ".join(paper.texts(printed))
    assert [said.count(f"Nom{number:03} Prénom{number:03}") for number in range(40)] == [1] * 40
    assert paper.sizes_mm(printed) == {paper.A4_MM}


def test_who_cancelled_has_neither_badge_nor_line(registration, hall, act):
    gathering = hall([("Ada", "L"), ("Bo", "Li")])
    with registration.reading() as session:
        bo = next(one.id for one in kit._people(session, gathering.id) if one.given == "Bo")
    act(cancellations.cancel, bo)

    said = " ".join(paper.texts(printed_roll(registration, gathering)))

    assert "Ada" in said and "Li" not in said.split()


def test_the_kit_opens_in_the_language_of_the_gathering(organiser, hall):
    gathering = hall([("Ada", "L")], language="fr")

    page = organiser.client.get(f"/o/{gathering.slug}/kit?lang=en")
    roll = organiser.client.get(f"/o/{gathering.slug}/kit/liste.pdf?lang=en")

    assert "Kit to print" in page.text
    assert (roll.status_code, roll.mimetype) == (200, "application/pdf")
    assert "Liste d’appel" in paper.texts(roll.get_data())[0]


@pytest.mark.parametrize(
    ("family", "key"),
    [
        ("de La Tour", "la tour"),
        ("d'Aubigné", "aubigne"),
        ("du Parc", "du parc"),
        ("Desmoulins", "desmoulins"),
        ("de", "de"),
    ],
)
def test_a_particle_is_not_what_one_looks_for(family, key):
    assert names.filed_under("Ada", family) == (key, "ada")


def _letters(script: str) -> list[str]:
    """Some letters of a script, in the order of Unicode."""
    found = (chr(code) for code in range(0x41, 0x1800))
    return [one for one in found if unicodedata.name(one, "").startswith(f"{script} ") and one.isalpha()]
