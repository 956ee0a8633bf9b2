from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest
from openpyxl import load_workbook
from sqlalchemy import event, insert

from services.registration import names, participants
from services.registration.models import Base, Gathering, Participant, State
from tests.unit.registration.conftest import NOON

HARD = ("=HYPERLINK(1)", "+33", "-1", "@cmd", "Nguyễn", "O’Connor", "de La Tour", "🌿", "محمد", 'a"b;c')


@pytest.fixture
def crowd(registration):
    """Put many people into a gathering at once."""

    def make(gathering, people, family=lambda number: f"Guest {number}"):
        rows = []
        for number in range(people):
            name = family(number)
            rows.append({
                "gathering_id": gathering.id, "state": State.registered, "given": f"Élise {number:05}",
                "family": name, "email": f"guest{number}@example.org", "name_key": names.fold(f"{number} {name}"),
                "territory": "AB"[number % 2], "trade": "direction", "structure": f"Atelier {number % 40}",
                "language": "fr", "search": names.searchable(f"Élise {number:05}", name, f"Atelier {number % 40}"),
                "token_hash": f"{number:064}", "walk_in": False, "tries": 0, "wishes": [], "asked_at": NOON,
            })  # fmt: skip
        with registration.transaction() as session:
            session.execute(insert(Participant), rows)

    return make


@pytest.fixture
def gathering(a_gathering):
    soon = datetime(2040, 6, 12, 8, tzinfo=UTC)
    return a_gathering(starts_at=soon, ends_at=soon + timedelta(hours=7), seats=20_000)


def test_excel_reads_the_accents_and_runs_nothing(organiser, gathering, crowd):
    crowd(gathering, len(HARD), HARD.__getitem__)

    told = organiser.client.get(f"/o/{gathering.slug}/personnes.csv").get_data()
    assert told.startswith(b"\xef\xbb\xbf")
    read = list(csv.reader(io.StringIO(told.decode("utf-8-sig")), delimiter=";"))

    assert read[1][0] == "Élise 00000"
    assert [row[1] for row in read[1:]] == ["'=HYPERLINK(1)", "'+33", "'-1", "'@cmd", *HARD[4:]]


def test_a_workbook_holds_every_text_as_it_is_and_no_formula(organiser, gathering, crowd):
    crowd(gathering, len(HARD), HARD.__getitem__)

    told = organiser.client.get(f"/o/{gathering.slug}/personnes.xlsx").get_data()
    sheet = load_workbook(io.BytesIO(told)).worksheets[0]

    cells = [row[1] for row in sheet.iter_rows(min_row=2)]
    assert [cell.value for cell in cells] == list(HARD)
    assert {cell.data_type for cell in cells} == {"s"}


def test_ten_thousand_people_leave_in_parts(organiser, gathering, crowd):
    crowd(gathering, 10_000)

    answer = organiser.client.get(f"/o/{gathering.slug}/personnes.csv", buffered=False)
    parts = [len(part) for part in answer.response]

    assert (len(parts) > 10, max(parts) < 200_000) == (True, True)
    answer.close()


@pytest.mark.parametrize(("people", "asks"), [(132, ""), (10_000, "?q=elise+atelier+12&territory=A&page=2")])
def test_a_page_of_people_asks_the_database_as_often_for_many_as_for_few(
    organiser, gathering, crowd, registration, people, asks
):
    crowd(gathering, people)
    asked = []
    event.listen(registration._reader, "before_cursor_execute", lambda *args: asked.append(args[2]))

    assert organiser.get(f"/o/{gathering.slug}/personnes{asks}").status == 200

    assert len([one for one in asked if one.startswith("SELECT")]) == 7


def test_people_stand_in_one_order_on_both_databases(open_database):
    database = open_database(Base.metadata, "registration")
    gathering = Gathering(
        slug="spring", title="Spring", starts_at=NOON, ends_at=NOON + timedelta(hours=1), zone="UTC", place="",
        seats=9, created_at=NOON,
    )  # fmt: skip
    said = (
        "De la Tour",
        "de La Tour",
        "Délatour",
        "Éa",
        "ea b",
        "Zoé",
        "2 Pac",
        "Ωmega",
        "O’Connor",
        "oconnor a",
    )
    with database.transaction() as session:
        session.add(gathering)
        session.flush()
        for number, name in enumerate(said):
            session.add(
                Participant(
                    gathering_id=gathering.id, state=State.registered, given=name, family="", email=f"{number}@x.org",
                    name_key=names.fold(name), territory="A", trade="", structure="", language="fr",
                    search=names.searchable(name), token_hash=f"{number:064}", asked_at=NOON,
                )
            )  # fmt: skip

    with database.reading() as session:
        found = [one.search for one in participants.everybody(session, gathering.id)]
        sought = [one.given for one in participants.listing(session, gathering.id, q="OCONNOR").people]

    assert found == sorted(found)
    assert sought == ["O’Connor", "oconnor a"]


@pytest.mark.parametrize(
    ("here", "shown"),
    [
        (1, [1, 2, 3, 4, None, 40]),
        (20, [1, None, 17, 18, 19, 20, 21, 22, 23, None, 40]),
        (40, [1, None, 37, 38, 39, 40]),
    ],
)
def test_forty_pages_are_offered_by_a_few_links(here, shown):
    listing = participants.Listing((), 40 * participants.PAGE, here)

    assert participants.pages_around(listing) == shown
