"""What a gathering asks beside a name: by use case, by page and by program."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from services.chassis.errors import Misshapen
from services.registration import gatherings, questions, registrations
from services.registration.asking.questions import of
from services.registration.models import Deed, Gathering, Participant
from tests.unit.registration.conftest import LINKS, NOON

SOON = datetime(2040, 6, 12, 8, tzinfo=UTC)
MEAL = {
    "kind": "single",
    "wording": {"fr": "Que mangez-vous ?", "en": "What do you eat?"},
    "purpose": {"fr": "Pour les repas.", "en": "For the meals."},
    "keep_days": 30,
    "required": False,
    "options": [{"fr": "Tout", "en": "Everything"}, {"fr": "Autre", "en": "Something else"}],
    "only_if": None,
}
FREE = {**MEAL, "kind": "short_text", "options": [], "wording": {"fr": "Quoi donc ?"}, "required": True}


@pytest.fixture
def gathering(a_gathering):
    return a_gathering(starts_at=SOON, ends_at=SOON + timedelta(hours=7), quotas=(5, 5))


@pytest.fixture
def a_question(registration, odile):
    """Ask something; the key of the question."""

    def ask_one(gathering, **wanted):
        with registration.transaction() as session:
            return questions.add(session, gathering.id, by=odile.id, now=NOON, **{**MEAL, **wanted}).key

    return ask_one


@pytest.fixture
def kept(registration):
    """What is kept of somebody's answers."""

    def look(participant_id):
        with registration.reading() as session:
            return session.get_one(Participant, participant_id).answers

    return look


@pytest.fixture
def as_it_is(registration):
    def look(gathering):
        with registration.reading() as session:
            return session.get_one(Gathering, gathering.id)

    return look


def edit(registration, odile, what, gathering, *args, **wanted):
    with registration.transaction() as session:
        return what(session, gathering.id, *args, by=odile.id, now=NOON, **wanted)


def test_a_required_answer_that_is_missing_stands_beside_its_question(ask, gathering, a_question):
    key = a_question(gathering, required=True)

    with pytest.raises(Misshapen) as refusal:
        ask(gathering, answers={})

    assert refusal.value.errors == {f"answers.{key}": ["Missing data for required field."]}


def test_what_was_answered_is_kept_with_the_version_that_was_read(ask, gathering, a_question, kept):
    key = a_question(gathering)

    who = ask(gathering, answers={key: "o2"}).participant_id

    assert kept(who) == {key: {"said": "o2", "version": 1}}


def test_who_is_registered_by_others_is_asked_on_their_own_page(ask, gathering, a_question, kept):
    a_question(gathering, required=True)

    assert kept(ask(gathering).participant_id) == {}


def test_editing_a_question_wipes_no_answer(registration, odile, ask, gathering, a_question, kept, as_it_is):
    key = a_question(gathering)
    who = ask(gathering, answers={key: "o2"}).participant_id

    wanted = {**MEAL, "wording": {"fr": "Quel repas ?"}, "options": [{"fr": "Végétarien"}, {"fr": "Tout"}]}
    edit(registration, odile, questions.change, gathering, key, **wanted)

    (question,) = of(as_it_is(gathering).questions)
    assert kept(who) == {key: {"said": "o2", "version": 1}}
    assert [(one.words["fr"], one.key, one.gone) for one in question.options] == [
        ("Végétarien", "o3", False), ("Tout", "o1", False), ("Autre", "o2", True),
    ]  # fmt: skip
    assert question.asked_as(1)["fr"] == "Que mangez-vous ?"


def test_a_question_that_was_answered_keeps_its_kind(registration, odile, ask, gathering, a_question):
    key = a_question(gathering)
    ask(gathering, answers={key: "o2"})

    with pytest.raises(Misshapen) as refusal:
        edit(registration, odile, questions.change, gathering, key, **{**MEAL, "kind": "number"})

    assert list(refusal.value.errors) == ["kind"]


def test_a_removed_question_keeps_its_answers_and_comes_back_with_them(
    registration, odile, ask, gathering, a_question, kept, as_it_is
):
    key = a_question(gathering, required=True)
    who = ask(gathering, answers={key: "o2"}).participant_id

    edit(registration, odile, questions.remove, gathering, key)
    ask(gathering, "Bo", answers={})
    assert (kept(who)[key]["said"], as_it_is(gathering).questions[0]["removed_at"]) == ("o2", NOON.isoformat())

    edit(registration, odile, questions.ask_again, gathering, key)
    assert (kept(who)[key]["said"], as_it_is(gathering).questions[0]["removed_at"]) == ("o2", None)


def test_a_question_nobody_answered_goes_for_good(registration, odile, gathering, a_question, as_it_is):
    edit(registration, odile, questions.remove, gathering, a_question(gathering))

    assert as_it_is(gathering).questions == []


def test_the_second_of_two_organisers_sees_the_conflict(registration, odile, gathering, a_question, as_it_is):
    seen = as_it_is(gathering).version
    a_question(gathering)

    with pytest.raises(gatherings.ChangedMeanwhile):
        edit(registration, odile, questions.add, gathering, version=seen, **MEAL)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"wording": {"en": "What?"}}, "wording"),
        ({"purpose": {"fr": ""}}, "purpose"),
        ({"options": [{"fr": "Tout"}]}, "options"),
        ({"options": [{"fr": "Végé"}, {"fr": "vege "}]}, "options"),
        ({"only_if": {"key": "q0", "answer": "yes"}}, "only_if"),
    ],
)
def test_what_is_wrong_with_a_question_stands_beside_its_field(gathering, a_question, wrong, field):
    with pytest.raises(Misshapen) as refusal:
        a_question(gathering, **wrong)

    assert list(refusal.value.errors) == [field]


def test_a_question_never_depends_on_itself_in_a_ring(registration, odile, gathering, a_question):
    first = a_question(gathering)
    second = a_question(gathering, only_if={"key": first, "answer": "o1"})

    with pytest.raises(Misshapen) as refusal:
        wanted = {**MEAL, "only_if": {"key": second, "answer": "o1"}}
        edit(registration, odile, questions.change, gathering, first, **wanted)

    assert list(refusal.value.errors) == ["only_if"]


def test_questions_change_places_with_their_neighbours(registration, odile, gathering, a_question, as_it_is):
    keys = [a_question(gathering, **FREE) for _ in range(3)]

    edit(registration, odile, questions.move, gathering, keys[2], earlier=True)
    edit(registration, odile, questions.move, gathering, keys[0], earlier=True)

    assert [row["key"] for row in as_it_is(gathering).questions] == [keys[0], keys[2], keys[1]]


def test_a_gathering_made_like_another_asks_what_that_asks_and_knows_no_answer(
    registration, odile, act, ask, gathering, a_question
):
    key = a_question(gathering)
    ask(gathering, answers={key: "o1"})

    made = act(gatherings.again, gathering.id, starts_at=SOON, ends_at=SOON + timedelta(hours=5), by=odile)

    assert [(row["key"], row["wording"]["fr"]) for row in made.questions] == [(key, "Que mangez-vous ?")]
    with registration.reading() as session:
        assert questions.answered(session, made.id) == {}


def test_answers_go_when_their_time_is_over_and_the_audit_log_says_so(
    registration, ask, gathering, a_question, kept, as_it_is
):
    soon, late = a_question(gathering, keep_days=7), a_question(gathering, keep_days=365)
    who = ask(gathering, answers={soon: "o1", late: "o2"}).participant_id
    over = gathering.ends_at

    gone = []
    for days in (6, 7, 8):
        with registration.transaction() as session:
            gone.append(questions.forget(session, over + timedelta(days=days)))

    with registration.reading() as session:
        deeds = session.scalars(select(Deed.at).where(Deed.deed == "answers erased")).all()
    assert (gone, list(kept(who)), deeds) == ([0, 1, 0], [late], [over + timedelta(days=7)])
    assert as_it_is(gathering).questions[0]["forgotten_at"] == (over + timedelta(days=7)).isoformat()


def test_answering_anew_tells_nobody_else(registration, act, come, gathering, a_question, told, kept):
    key = a_question(gathering)
    who = come(gathering, answers={key: "o1"})
    told()

    details = {"given": "Ada", "family": "Lovelace", "territory": "A", "trade": "direction"}
    place = {"structure": "Atelier du Pont", "language": "fr"}
    act(registrations.change, who, **details, **place, answers={key: "o2"})

    assert (told(), kept(who)[key]["said"]) == ([], "o2")


# ---- by page ----


def build(organiser, gathering, **typed):
    organiser.get(f"/o/{gathering.slug}/questions")
    return organiser.send(organiser.page.form("questions", having="wording_fr").fill(**typed))


def lunch(organiser, gathering):
    return build(
        organiser, gathering, kind="single", wording_fr="Repas ?", purpose_fr="Pour commander.",
        options_fr="Tout\nAutre", keep_days="7",
    )  # fmt: skip


def test_a_question_is_made_and_read_by_people_with_its_purpose_and_its_time(organiser, gathering, a_browser):
    assert "The question is in the form." in lunch(organiser, gathering).text

    text = a_browser().get(f"/r/{gathering.slug}?lang=en").text

    for said in (
        "Repas ?",
        "Pour commander.",
        "Read by the organisers alone, erased a week after the gathering.",
    ):
        assert said in text


def test_errors_of_a_question_stand_beside_their_fields_and_keep_what_was_typed(organiser, gathering):
    page = build(organiser, gathering, kind="single", wording_fr="Repas ?", options_fr="Tout")

    form = page.form("questions", having="wording_fr")
    assert (page.status, form.value("wording_fr"), form.value("options_fr").strip()) == (422, "Repas ?", "Tout")
    assert "Say what the answer is for: people read it below the question." in page.text
    assert "Write from two to forty answers, one on each line." in page.text


def key_of(as_it_is, gathering, place=0):
    return as_it_is(gathering).questions[place]["key"]


def register(browser, gathering, **other):
    browser.get(f"/r/{gathering.slug}?lang=en")
    wanted = {"given": "Ada", "email": "ada@example.org", "territory": "A", "trade": "direction", **other}
    return browser.send(browser.page.form("inscription").fill(**wanted))


def test_what_one_answer_leads_to_is_asked_by_the_server_without_any_script(
    organiser, gathering, a_browser, as_it_is, registration
):
    lunch(organiser, gathering)
    meal = key_of(as_it_is, gathering)
    build(
        organiser, gathering, wording_fr="Lequel ?", purpose_fr="Pour le traiteur.", required="true",
        only_if=f"{meal}=o2",
    )  # fmt: skip
    which = key_of(as_it_is, gathering, 1)
    browser = a_browser()

    page = register(browser, gathering, **{f"answers.{meal}": "o2"})
    assert (page.status, "This answer is needed." in page.text) == (422, True)
    again = page.form("inscription")
    assert again.value(f"answers.{meal}") == "o2"
    assert "Your seat is held" in browser.send(again.fill(**{f"answers.{which}": "Sans gluten"})).text
    other = register(a_browser(), gathering, given="Bo", email="bo@example.org", **{f"answers.{meal}": "o1"})
    assert "Your seat is held" in other.text

    with registration.reading() as session:
        said = session.execute(select(Participant.given, Participant.answers)).all()
    assert {given: {key: one["said"] for key, one in answers.items()} for given, answers in said} == {
        "Ada": {meal: "o2", which: "Sans gluten"}, "Bo": {meal: "o1"},
    }  # fmt: skip


def test_several_answers_survive_the_question_about_the_address(
    organiser, gathering, a_browser, as_it_is, registration
):
    build(
        organiser, gathering, kind="multiple", wording_fr="Quand ?", purpose_fr="Pour la salle.",
        options_fr="Matin\nMidi\nSoir",
    )  # fmt: skip
    key = key_of(as_it_is, gathering)
    browser = a_browser()

    page = register(browser, gathering, email="ada@gmial.com", **{f"answers.{key}": ["o1", "o3"]})
    browser.send(page.form("inscription"))

    with registration.reading() as session:
        assert session.scalar(select(Participant.answers))[key]["said"] == ["o1", "o3"]


def test_ones_own_page_shows_changes_and_misses_answers(organiser, gathering, a_browser, as_it_is, letter_link):
    browser = a_browser()
    register(browser, gathering)
    build(
        organiser,
        gathering,
        wording_fr="Téléphone ?",
        purpose_fr="Le jour même.",
        kind="phone",
        required="true",
    )
    key = key_of(as_it_is, gathering)
    mine = letter_link()

    assert "The organisers still need one answer from you." in browser.get(mine).text
    browser.get(f"{mine}/modifier")
    wrong = browser.send(browser.page.form("modifier").fill(**{f"answers.{key}": "rien"}))
    assert "Write a phone number, like 06 12 34 56 78." in wrong.text
    right = browser.send(wrong.form("modifier").fill(**{f"answers.{key}": "06 12 34 56 78"}))

    assert ("06 12 34 56 78" in right.text, "still need" in right.text) == (True, False)


@pytest.fixture
def letter_link(registration):
    from services.chassis.db import outbox  # noqa: PLC0415

    def last():
        with registration.reading() as session:
            facts = select(outbox.c.body).where(outbox.c.type.contains("address_to_confirm"))
            body = session.scalar(facts.order_by(outbox.c.sequence.desc()).limit(1))
        return body["link"].removeprefix("https://palabre.example")

    return last


def test_removing_is_said_and_undone(organiser, gathering, ask, as_it_is):
    lunch(organiser, gathering)
    key = key_of(as_it_is, gathering)
    ask(gathering, answers={key: "o1"})
    organiser.get(f"/o/{gathering.slug}/questions")

    page = organiser.press(f"{key}/retirer")
    assert "Answers already given are kept." in page.text

    assert "with the answers it had" in organiser.press(f"{key}/reprendre").text


def test_the_list_shows_the_answers_to_one_question_and_counts_them(organiser, gathering, ask, as_it_is):
    lunch(organiser, gathering)
    key = key_of(as_it_is, gathering)
    ask(gathering, "Ada", answers={key: "o1"})
    ask(gathering, "Bo", answers={key: "o2"})
    ask(gathering, "Cy", answers={key: "o2"})

    page = organiser.get(f"/o/{gathering.slug}/personnes?question={key}")

    counts = re.findall(r"<li><b>(\d+)</b><span>(\w+)</span></li>", page.html)
    assert (counts, page.text.count("Autre")) == ([("1", "Tout"), ("2", "Autre")], 3)


def test_answers_leave_with_the_people_also_of_questions_asked_no_more(
    organiser, gathering, ask, as_it_is, registration, odile
):
    lunch(organiser, gathering)
    key = key_of(as_it_is, gathering)
    ask(gathering, answers={key: "o2"})
    edit(registration, odile, questions.remove, gathering, key)

    told = organiser.client.get(f"/o/{gathering.slug}/personnes.csv").get_data().decode("utf-8-sig")
    heading, row = list(csv.reader(io.StringIO(told), delimiter=";"))
    assert (heading[-1], row[-1]) == ("Repas ? (asked no more)", "Autre")
    assert organiser.client.get(f"/o/{gathering.slug}/personnes.xlsx").status_code == 200


def test_the_welcome_desk_reads_no_answers(organiser, gathering, ask, as_it_is, a_browser, registration, odile):
    lunch(organiser, gathering)
    key = key_of(as_it_is, gathering)
    ask(gathering, answers={key: "o2"})

    from services.registration import sign_ins, teams  # noqa: PLC0415

    with registration.transaction() as session:
        dee = {"email": "dee@example.org", "name": "Dee", "role": "desk", "language": "en"}
        teams.invite(session, gathering, **dee, links=LINKS, by=odile.id, now=NOON)
        token = sign_ins.first_link(session, "dee@example.org", datetime.now(UTC))
    dee = a_browser()
    dee.get(f"/entrer/{token}?lang=en")
    dee.press(f"/entrer/{token}")

    page = dee.get(f"/o/{gathering.slug}/personnes?question={key}")

    assert (page.status, "Autre" in page.text) == (200, False)


def test_a_draft_shows_its_organisers_the_form_that_people_will_fill(organiser, registration, odile, act):
    wanted = {"starts_at": SOON, "ends_at": SOON + timedelta(hours=5), "title": "Draft", "zone": "Europe/Paris"}
    lists = {"territories": [], "trades": [], "angles": [], "place": "", "purpose": "", "seats": 4}
    others = {"language": "fr", "writing": "epicene", "organiser_name": "", "reply_to": ""}
    made = act(gatherings.create, by=odile, **wanted, **lists, **others)
    lunch(organiser, made)

    page = organiser.get(f"/r/{made.slug}")

    assert ("Repas ?" in page.text, "Ask for my seat" in page.text) == (True, False)


# ---- by program ----


def test_programs_ask_answer_and_read(program, gathering):
    api = f"/api/registration/gatherings/{gathering.id}"
    made = program.post(f"{api}/questions", json=MEAL)
    key = made.json["key"]

    refused = program.post(
        f"{api}/registrations",
        json={
            "given": "Ada",
            "email": "ada@example.org",
            "territory": "A",
            "trade": "direction",
            "answers": {key: 7},
        },
    )
    taken = program.post(
        f"{api}/registrations",
        json={
            "given": "Bo",
            "email": "bo@example.org",
            "territory": "A",
            "trade": "direction",
            "answers": {key: "o1"},
        },
    )
    people = program.get(f"{api}/participants").json["items"]

    assert (made.status_code, refused.status_code, taken.status_code) == (201, 422, 202)
    assert list(refused.json["errors"]) == [f"answers.{key}"]
    assert [one["answers"] for one in people] == [{key: {"said": "o1", "version": 1}}]
    assert program.get(api).json["questions"][0]["wording"]["en"] == "What do you eat?"
    put = program.put(f"{api}/questions/{key}", json={**MEAL, "required": True, "version": 0})
    assert (put.status_code, put.json["code"]) == (409, "changed-meanwhile")
    assert program.delete(f"{api}/questions/{key}").status_code == 204


@pytest.mark.parametrize("said", [{}, None, [1], [{}]])
def test_an_answer_of_a_kind_that_nobody_can_read_is_refused(program, gathering, said):
    key = program.post(f"/api/registration/gatherings/{gathering.id}/questions", json=MEAL).json["key"]
    ada = {"given": "Ada", "email": "ada@example.org", "territory": "A", "trade": "direction"}

    refused = program.post(
        f"/api/registration/gatherings/{gathering.id}/registrations", json={**ada, "answers": {key: said}}
    )

    assert (refused.status_code, refused.json["code"]) == (422, "misshapen")
