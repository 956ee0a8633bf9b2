from __future__ import annotations

import pytest

from infra.sample.cast import cast
from infra.sample.table import clean, first_draft
from services.chassis.errors import Misshapen
from services.registration import invitations
from tests.unit.registration.conftest import LINKS, NOON


@pytest.fixture
def stage(registration, odile):
    def staging(gathering, content):
        content = content.encode() if isinstance(content, str) else content
        with registration.transaction() as session:
            return invitations.stage(
                session, gathering.id, content=content, file_name="list.csv", by=odile.id, now=NOON
            )

    return staging


@pytest.fixture
def apply(registration, odile):
    def applying(staged, **choices):
        with registration.transaction() as session:
            return invitations.apply(
                session, staged.gathering_id, staged.id, by=odile.id, links=LINKS, now=NOON, **choices
            )

    return applying


def notes(staged):
    return [[tuple(note) for note in row["notes"]] for row in staged.rows]


def test_reading_a_list_tells_nobody(a_gathering, stage, told):
    gathering = a_gathering()
    told()

    stage(gathering, "prenom;email\nAda;ada@example.org\n")

    assert told() == []


def test_applying_twice_invites_once(a_gathering, stage, apply, told):
    staged = stage(a_gathering(), "prenom;email\nAda;ada@example.org\nBo;bo@example.org\n")
    told()

    apply(staged)
    apply(staged)

    assert told() == ["person_invited", "person_invited"]


def test_someone_who_registered_meanwhile_is_not_invited(a_gathering, stage, apply, ask):
    gathering = a_gathering()
    staged = stage(gathering, "prenom;nom;email\nAda;Lovelace;ada@example.org\n")
    ask(gathering, "Ada")

    assert apply(staged).invited == 0


def test_lines_that_cannot_be_are_told_by_their_number(a_gathering, stage):
    staged = stage(a_gathering(), "prenom;email\n;ada@example.org\nBo;bo@\nCy;\n=HYPERLINK(1);di@example.org\n")

    assert [(row["line"], row["status"], row["notes"][0][0]) for row in staged.rows] == [
        (2, "error", "name_missing"),
        (3, "error", "email_wrong"),
        (4, "error", "email_missing"),
        (5, "error", "formula"),
    ]


def test_two_people_with_one_address_get_two_links_and_one_person_twice_gets_one(a_gathering, stage, apply):
    staged = stage(a_gathering(), "prenom;email\nGaël;m@example.org\nLoïc;m@example.org\nGael;M@example.org\n")

    assert notes(staged) == [[], [("same_address", "2")], [("twice", "2")]]
    assert apply(staged).invited == 2


def test_a_territory_is_known_by_its_name_its_letter_or_nearly(a_gathering, stage):
    staged = stage(
        a_gathering(),
        "prenom;email;territoire\nAda;a@example.org;BEAUCE\nBo;b@example.org;a\nCy;c@example.org;Armorik\nDi;d@example.org;Z\n",
    )

    assert [row["territory"] for row in staged.rows] == ["B", "A", "A", ""]
    assert notes(staged)[2:] == [[("territory_near", "Armorique")], [("territory_unknown", "Z")]]


def test_slips_are_corrected_or_kept_as_one_says(a_gathering, stage, apply, registration):
    gathering = a_gathering()
    apply(stage(gathering, "prenom;email\nAda;ada@gmial.com\n"), fix_typos=True)
    apply(stage(gathering, "prenom;email\nBo;bo@gmial.com\n"), fix_typos=False)

    known = stage(gathering, "prenom;email\nAda;ada@gmail.com\nBo;bo@gmial.com\n")
    assert [row["status"] for row in known.rows] == ["known", "known"]


def test_the_offices_own_lists_are_understood(a_gathering, stage):
    gathering = a_gathering()

    draft, whole = (invitations.counts(stage(gathering, table(cast())).rows) for table in (first_draft, clean))

    assert draft == {"new": 136, "known": 0, "typo": 3, "error": 2}
    assert whole == {"new": 140, "known": 0, "typo": 0, "error": 0}


def test_a_file_that_is_no_list_is_said_beside_its_field(a_gathering, stage):
    with pytest.raises(Misshapen) as refusal:
        stage(a_gathering(), b"\x89PNG\r\n\x1a\n\x00\x00")

    assert refusal.value.errors.keys() == {"file"}


def test_the_rest_of_a_long_list_waits_for_no_poll(a_gathering, stage, registration, odile):
    people = invitations.AT_ONCE * 2
    lines = "".join(f"Guest {n};guest{n}@example.org\n" for n in range(people))
    staged = stage(a_gathering(), f"prenom;email\n{lines}")
    woken = []
    registration.after_commit = lambda: woken.append(True)

    with registration.transaction() as session:
        invitations.apply(session, staged.gathering_id, staged.id, by=odile.id, links=LINKS, now=NOON)

    assert woken == [True]


def test_a_long_list_is_saved_in_parts_and_each_person_is_invited_once(
    a_gathering, stage, apply, registration, told
):
    people = invitations.AT_ONCE * 2 + 10
    lines = "".join(f"Guest {n};guest{n}@example.org\n" for n in range(people))
    staged = stage(a_gathering(), f"prenom;email\n{lines}")
    told()

    assert (apply(staged).applied_at, told()) == (None, [])
    steps = []
    for _ in range(4):
        with registration.transaction() as session:
            steps.append(invitations.go_on(session, links=LINKS, now=NOON))

    assert steps == [invitations.AT_ONCE, invitations.AT_ONCE, 10, 0]
    assert told() == ["person_invited"] * people
    assert apply(staged).invited == people


def test_one_person_on_two_parts_of_a_list_is_invited_once(a_gathering, stage, apply, registration):
    lines = [f"Guest {n};guest{n}@example.org\n" for n in range(invitations.AT_ONCE)]
    staged = stage(
        a_gathering(), "prenom;email\n" + "".join([*lines, "Bo;bo@gmial.com\n", "Bo;bo@gmail.com\n"])
    )
    apply(staged)

    for _ in range(2):
        with registration.transaction() as session:
            invitations.go_on(session, links=LINKS, now=NOON)

    assert apply(staged).invited == invitations.AT_ONCE + 1
