"""Feedback's pages and API, as people and programs meet them."""

from __future__ import annotations

import pytest

from services.chassis import auth
from services.chassis.catalogues import missing, stale
from services.feedback import accounts, answers, questionnaires
from services.feedback.app import service
from tests.unit.feedback.cast import EVENING, GATHERING, SETTINGS, organiser_token, soup

SHEET = {"useful": "4", "pace": "right"}
API = f"/api/feedback/gatherings/{GATHERING}"


@pytest.fixture
def links(day):
    """Six people are there and have their links."""
    day.check_in("Le Goff", "Nguyễn", "O'Connor", "Diallo", "Petit", "Roux")
    with day.database.transaction() as session:
        questionnaires.address(session, GATHERING, now=EVENING)
    return day.links()


@pytest.fixture(autouse=True)
def in_time(monkeypatch):
    monkeypatch.setattr("services.feedback.web.questionnaire.now", lambda: EVENING)


@pytest.fixture
def answered(day, links):
    for link in links[:5]:
        with day.database.transaction() as session:
            answers.give(
                session,
                link.removeprefix("/q/"),
                given={**SHEET, "takeaway": "On m'a écoutée"},
                quoted=["takeaway"],
                seed="s",
                now=EVENING,
            )
    return links


def text_of(page):
    return " ".join(page.find("main").get_text(" ").split())


def test_the_page_says_who_can_read_before_the_first_question(visitor, links):
    page = visitor.page(links[0])

    words = page.get_text(" ")
    assert words.index("Nobody can know that they are yours.") < words.index("1. This day is useful")
    assert "only 5 or more at a time" in words
    assert "we cannot find them again" in words


def test_looking_at_the_page_changes_nothing(visitor, links):
    for _ in range(3):
        visitor.get(links[0])

    assert visitor.send(links[0], **SHEET).status_code == 200


def test_an_answer_is_received_once(visitor, links):
    first = visitor.send(links[0], **SHEET)
    again = visitor.get(links[0])

    assert "your answer is received" in text_of(soup(first))
    assert "Your answer was already received" in text_of(soup(again))


def test_a_second_post_never_shows_the_first_answer(visitor, links):
    form = {field["name"]: field["value"] for field in visitor.page(links[0]).find_all("input", type="hidden")}
    visitor.client.post(links[0], data={**form, **SHEET, "takeaway": "Un secret"})

    again = visitor.client.post(links[0], data={**form, **SHEET, "takeaway": "Autre chose"})

    assert again.status_code == 409
    assert "secret" not in again.get_data(as_text=True)


def test_a_double_click_still_shows_the_code(visitor, links):
    form = {field["name"]: field["value"] for field in visitor.page(links[0]).find_all("input", type="hidden")}
    sent = {**form, **SHEET, "takeaway": "On m'a écoutée", "takeaway-quote": "yes", "words-quote": "no"}

    codes = [soup(visitor.client.post(links[0], data=sent)).find("code").text for _ in range(2)]

    assert codes[0] == codes[1]


def test_a_form_that_comes_back_keeps_everything_that_was_typed(visitor, links):
    answer = visitor.send(
        links[0], pace="fast", takeaway="<b>Écouter</b>", words="x" * 161, **{"takeaway-quote": "yes"}
    )

    page = soup(answer)
    assert answer.status_code == 422
    assert page.find(id="useful-e").text == "This answer is needed."
    assert page.find(id="words-e").text == "Write 160 characters at most."
    assert page.find("textarea", id="takeaway").text.strip() == "<b>Écouter</b>"
    assert page.find("textarea", id="words").text.strip() == "x" * 161
    checked = {(box["name"], box["value"]) for box in page.find_all("input", checked=True)}
    assert checked == {("pace", "fast"), ("takeaway-quote", "yes"), ("words-quote", "no")}


def test_400_kb_of_pasted_text_are_refused_beside_the_field(visitor, links):
    answer = visitor.send(links[0], **SHEET, takeaway="é" * 200_000)

    assert answer.status_code == 422
    assert soup(answer).find(id="takeaway-e").text == "Write 2000 characters at most."


def test_a_choice_nobody_offered_is_refused(visitor, links):
    answer = visitor.send(links[0], useful="6", pace="right")

    assert (answer.status_code, soup(answer).find(id="useful-e").text) == (
        422,
        "Choose an answer from the list.",
    )


def test_an_unknown_link_is_not_found(visitor, day):
    assert visitor.get("/q/invented").status_code == 404


def test_the_questionnaire_speaks_french(visitor, links):
    page = visitor.page(f"{links[0]}?lang=fr")

    assert page.find("h1").text == "Qu’est-ce que cette journée vous laisse\u202f?"


@pytest.mark.parametrize("path", ["/f/chemins-croises/resultats", "/f/chemins-croises/retour"])
def test_pages_of_the_team_ask_to_sign_in(visitor, day, path):
    assert visitor.get(path).status_code == 401


def test_an_organiser_of_another_gathering_sees_nothing(day, organiser):
    day.describe(gathering_id="00000000-0000-4000-8000-000000000000", slug="ailleurs")

    assert organiser.get("/f/ailleurs/resultats").status_code == 403


def test_a_reader_reads_and_does_not_act(day, answered):
    client = service.create_app(service, day.database, SETTINGS).test_client()
    reader = {"Authorization": f"Bearer {organiser_token(day.database, 'reader')}"}

    assert client.get(f"{API}/results", headers=reader).status_code == 200
    assert client.post(f"{API}/account/draft", headers=reader).status_code == 403


def test_the_button_opens_the_questionnaire_and_says_how_many_letters_leave(day, organiser):
    day.check_in("Le Goff", "Nguyễn")

    path = "/f/chemins-croises/questionnaire/ouvrir"
    answer = organiser.send(path, on="/f/chemins-croises/resultats")

    assert answer.headers["Location"] == "/f/chemins-croises/resultats"
    assert "2 letters leave" in organiser.page("/f/chemins-croises/resultats").get_text()
    assert len(day.links()) == 2


def test_results_show_nothing_under_the_minimum(organiser, links, visitor):
    visitor.send(links[0], **SHEET, takeaway="Un secret")

    page = text_of(organiser.page("/f/chemins-croises/resultats"))

    assert "Nothing to show yet" in page
    assert "secret" not in page


def test_results_hide_small_counts_and_say_why(organiser, answered):
    page = organiser.page("/f/chemins-croises/resultats")

    pace = page.find(attrs={"aria-labelledby": "h-pace"})
    assert [cell.text for cell in pace.select(".veil")] == ["hidden", "hidden", "hidden"]
    assert "could be found by subtraction" in pace.text


def test_the_account_is_drafted_edited_published_and_read(day, organiser, visitor, answered):
    draft = "/f/chemins-croises/retour"
    organiser.send(f"{draft}/ecrire", on=draft)
    page = organiser.page(draft)
    assert "Check-in: 6 people" not in page.text
    assert "Accueil : 6 personnes présentes" in page.text.replace("\u00a0", " ")

    edit = page.select_one("article a[href*='/retour/']")["href"]
    shown = organiser.page(edit).find("textarea", id="text").text.strip()
    organiser.send(edit, text=shown.replace("6 personnes", "7 personnes"), heading="Ouverture")
    assert "its evidence does not know 7" in organiser.page(draft).get_text()

    published = organiser.send(f"{draft}/publier", on=draft)
    assert published.headers["Location"] == "/retour/chemins-croises"
    page = visitor.page("/retour/chemins-croises")
    assert page.find("h2").text == "Ouverture"
    assert [quote.text.strip() for quote in page.select("blockquote")] == ["On m'a écoutée"] * 5
    assert page.select(".proof") == []


def test_a_stale_edit_keeps_what_was_typed(day, organiser, answered):
    draft = "/f/chemins-croises/retour"
    organiser.send(f"{draft}/ecrire", on=draft)
    edit = organiser.page(draft).select_one("article a[href*='/retour/']")["href"]

    answer = organiser.send(edit, version="0", text="Ma phrase à moi")

    assert answer.status_code == 409
    assert soup(answer).find("textarea", id="text").text.strip() == "Ma phrase à moi"


def test_an_account_that_is_not_published_is_not_found(visitor, day):
    assert visitor.get("/retour/chemins-croises").status_code == 404
    assert visitor.get("/retour/chemins-croises.md").status_code == 404


def test_the_account_leaves_as_markdown(day, visitor, answered):
    with day.database.transaction() as session:
        accounts.write(session, GATHERING, now=EVENING)
        accounts.publish(session, GATHERING, confirmed=(), now=EVENING)

    answer = visitor.get("/retour/chemins-croises.md")

    assert answer.mimetype == "text/markdown"
    assert answer.get_data(as_text=True).startswith(
        "# Retour sur «\u202fChemins croisés\u202f»\n\n6 personnes ont"
    )


def test_a_name_is_pointed_out_and_confirmed_on_the_page(day, organiser, links, visitor):
    for link in links[:5]:
        visitor.send(link, **SHEET, takeaway="Merci à Nguyen", **{"takeaway-quote": "yes"})
    draft = "/f/chemins-croises/retour"
    organiser.send(f"{draft}/ecrire", on=draft)

    refused = organiser.send(f"{draft}/publier", on=draft)
    key = soup(refused).find("input", attrs={"name": "confirmed"})["value"]
    confirmed = organiser.send(f"{draft}/publier", on=draft, confirmed=key)

    assert (refused.status_code, confirmed.status_code) == (409, 303)


def test_a_sentence_is_taken_back_by_its_code(day, visitor, links):
    page = soup(visitor.send(links[0], **SHEET, takeaway="À retirer", **{"takeaway-quote": "yes"}))
    code = page.find("code").text

    answer = visitor.send("/f/chemins-croises/parole", code=code)
    wrong = visitor.send("/f/chemins-croises/parole", code="7Q0C-X4MT-92BK-VD1E")

    assert "The sentence is taken back." in text_of(soup(answer))
    assert wrong.status_code == 422
    assert "has this code" in soup(wrong).find(id="code-e").text


def test_programs_open_read_and_publish(day, feedback):
    day.check_in("Le Goff", "Nguyễn", "O'Connor", "Diallo", "Petit")
    client = service.create_app(service, feedback, SETTINGS).test_client()
    owner = {"Authorization": f"Bearer {organiser_token(feedback, 'owner')}"}

    assert client.post(f"{API}/questionnaire/opening", headers=owner).json == {"addressed": 5}
    assert client.get(f"{API}/results", headers=owner).json["received"] is None
    draft = client.post(f"{API}/account/draft", headers=owner).json
    part = draft["parts"][0]
    edited = client.put(
        f"{API}/account/parts/{part['id']}",
        headers=owner,
        json={"lines": ["Une phrase neuve."], "version": part["version"]},
    )
    assert [line["proven"] for line in edited.json["parts"][0]["lines"]] == [False]
    assert client.put(f"{API}/account/title", headers=owner, json={"title": "Notre jour"}).status_code == 200
    told = client.post(f"{API}/account/publication", headers=owner, json={}).json
    assert (told["title"], told["link"]) == ("Notre jour", f"{SETTINGS.public_url}/retour/chemins-croises")


def test_a_refusal_speaks_to_programs_in_problem_json(day, feedback):
    client = service.create_app(service, feedback, SETTINGS).test_client()
    owner = {"Authorization": f"Bearer {organiser_token(feedback, 'owner')}"}

    nobody = client.post(f"{API}/questionnaire/opening", headers=owner)
    misshapen = client.put(f"{API}/account/title", headers=owner, json={"title": ""})
    stranger = client.get(f"{API}/results")

    assert (nobody.status_code, nobody.json["code"]) == (409, "nobody-present")
    assert (misshapen.status_code, misshapen.json["code"]) == (422, "misshapen")
    assert (stranger.status_code, stranger.json["code"]) == (401, "sign-in-needed")
    assert {answer.mimetype for answer in (nobody, misshapen, stranger)} == {"application/problem+json"}


def test_the_openapi_document_lists_every_door(day, feedback):
    client = service.create_app(service, feedback, SETTINGS).test_client()

    paths = client.get("/api/feedback/openapi.json").json["paths"]

    assert {path.rpartition("{gathering_id}")[2] for path in paths} == {
        "/questionnaire/opening",
        "/results",
        "/account",
        "/account/draft",
        "/account/title",
        "/account/parts/{part_id}",
        "/account/publication",
    }


def test_no_page_carries_a_style_or_a_script_of_its_own(day, organiser, visitor, answered):
    organiser.send("/f/chemins-croises/retour/ecrire", on="/f/chemins-croises/retour")
    paths = (
        "/f/chemins-croises/resultats",
        "/f/chemins-croises/retour",
        "/f/chemins-croises/parole",
        answered[5],
    )
    for page in map(organiser.page, paths):
        assert page.select("[style], style, script:not([src]), [onclick]") == []


def test_every_sentence_is_said_in_french():
    assert (missing("feedback"), stale("feedback")) == ({}, [])


def test_another_persons_cookie_opens_nothing(day, answered):
    client = service.create_app(service, day.database, SETTINGS).test_client()
    client.set_cookie(auth.ORGANISER_COOKIE, "forged", domain="localhost")

    assert client.get("/f/chemins-croises/resultats").status_code == 401
