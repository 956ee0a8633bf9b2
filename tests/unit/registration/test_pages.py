from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from services.chassis.db import outbox
from services.registration import sign_ins
from services.registration.models import Participant
from tests.unit.paper import texts

SOON = datetime(2040, 6, 12, 8, tzinfo=UTC)


@pytest.fixture
def gathering(a_gathering):
    return a_gathering(starts_at=SOON, ends_at=SOON + timedelta(hours=7), quotas=(5, 5))


@pytest.fixture
def letter(registration):
    """What the last fact of a kind says."""

    def last(kind):
        with registration.reading() as session:
            facts = select(outbox.c.body).where(outbox.c.type.contains(kind)).order_by(outbox.c.sequence.desc())
            return session.scalar(facts.limit(1))

    return last


def fill(form, **other):
    wanted = {
        "given": "Ada",
        "family": "Lovelace",
        "email": "ada@example.org",
        "territory": "A",
        "trade": "direction",
    }
    return form.fill(**{**wanted, **other})


def register(browser, gathering, **other):
    browser.get(f"/r/{gathering.slug}?lang=en")
    return browser.send(fill(browser.page.form("inscription"), **other))


def path_of(link):
    return link.removeprefix("https://palabre.example")


def test_a_seat_is_held_in_two_requests_and_confirmed_in_two_more(gathering, a_browser, letter):
    browser = a_browser()
    held = register(browser, gathering)
    assert (held.status, "Your seat is held" in held.text) == (200, True)

    place = browser.get(path_of(letter("address_to_confirm")["link"]))
    assert "Confirm your address" in place.text
    browser.press("confirmer")

    assert "Hello Ada, your seat is yours" in browser.page.text


def test_scanners_that_open_every_link_confirm_nothing(gathering, a_browser, letter, told):
    register(a_browser(), gathering)
    told()
    scanner = a_browser()
    for tail in ("", "/annuler", "/modifier"):
        assert scanner.get(path_of(letter("address_to_confirm")["link"]) + tail).status == 200

    assert told() == []


def test_the_code_of_the_letter_confirms_on_another_machine(gathering, a_browser, letter):
    browser = a_browser()
    register(browser, gathering)

    browser.send(browser.page.form("code").fill(code=letter("address_to_confirm")["code"]))

    assert "your seat is yours" in browser.page.text


def test_a_wrong_code_is_said_beside_its_field(gathering, a_browser):
    browser = a_browser()
    register(browser, gathering)

    assert "This code is not right" in browser.send(browser.page.form("code").fill(code="000 000")).text


def test_what_was_typed_stays_when_something_is_missing(gathering, a_browser):
    page = register(a_browser(), gathering, given=" ", structure="Atelier du Pont", territory="")

    form = page.form("inscription")
    assert page.status == 422
    assert "Write your first name, as on your badge." in page.text
    assert (form.value("family"), form.value("structure")) == ("Lovelace", "Atelier du Pont")


def test_everything_that_is_wrong_is_said_at_once(gathering, a_browser):
    page = register(a_browser(), gathering, given="", territory="", email="ada@gmial.com")

    assert page.status == 422
    for said in (
        "3 answers need another look",
        "Write your first name, as on your badge.",
        "Choose a territory in the list.",
        "Did you mean ada@gmail.com?",
    ):
        assert said in page.text


def test_gmial_com_is_asked_about_and_mended_with_one_button(gathering, a_browser, letter):
    browser = a_browser()
    page = register(browser, gathering, email="ada@gmial.com")
    assert "Did you mean ada@gmail.com?" in page.text

    browser.send(page.form("inscription"))

    assert "Your seat is held" in browser.page.text
    assert (letter("address_to_confirm")["email"], letter("address_to_confirm")["family"]) == (
        "ada@gmail.com", "Lovelace",
    )  # fmt: skip


def test_an_address_that_looks_like_a_slip_is_taken_when_it_is_sent_again(gathering, a_browser, letter):
    browser = a_browser()
    page = register(browser, gathering, email="ada@gmial.com")

    browser.send(page.form("inscription", having="email_checked"))

    assert "Your seat is held" in browser.page.text
    assert letter("address_to_confirm")["email"] == "ada@gmial.com"


@pytest.mark.parametrize("name", ["O'Connor", "Nguyễn", "de La Tour", "A" * 80, "ليلى", "👩‍🌾 Zoë"])
def test_hard_names_come_back_as_they_were_typed(gathering, a_browser, letter, name):
    assert register(a_browser(), gathering, given=name).status == 200

    assert letter("address_to_confirm")["given"] == name


def test_html_in_a_name_is_only_text(gathering, a_browser, letter):
    browser = a_browser()
    register(browser, gathering, given="<b>Ada</b><script>alert(1)</script>")
    browser.get(path_of(letter("address_to_confirm")["link"]))

    answer = browser.client.get(browser.page.url).get_data(as_text=True)
    assert "<b>Ada" not in answer
    assert "&lt;b&gt;Ada" in answer


def test_400_kb_of_pasted_text_is_refused_with_a_sentence(gathering, a_browser):
    page = register(a_browser(), gathering, given="x" * 400_000)

    assert (page.status, "Write 120 characters at most." in page.text) == (422, True)


def test_the_same_address_again_gets_the_same_answer(gathering, a_browser):
    first = register(a_browser(), gathering)
    again = register(a_browser(), gathering)

    assert first.text == again.text


def test_a_form_sent_twice_is_one_registration(gathering, a_browser, registration):
    browser = a_browser()
    browser.get(f"/r/{gathering.slug}?lang=en")
    form = fill(browser.page.form("inscription"))
    browser.send(form)
    browser.send(form)

    with registration.reading() as session:
        assert len(session.scalars(select(Participant.id)).all()) == 1


def test_the_public_page_and_form_are_light(gathering, a_browser):
    client = a_browser().client
    page = client.get(f"/r/{gathering.slug}")
    html = page.get_data()
    css = client.get("/static/house.css").get_data()

    assert len(html) + len(css) <= 60_000


def test_a_draft_is_not_public(registration, odile, a_browser, organiser, gathering):
    organiser.get("/o/creer")
    organiser.send(organiser.page.form("", having="title").fill(title="Secret table"))

    assert a_browser().get("/r/secret-table").status in (401, 404)
    assert organiser.get("/r/secret-table").status == 200


def test_a_gathering_is_made_opened_and_shown(organiser, a_browser):
    organiser.get("/o/creer")
    form = organiser.page.form("", having="title")
    page = organiser.send(
        form.fill(
            title="Été ensemble",
            date="2030-06-12",
            territories="Armorique ; 18\nBeauce, 16\nCévennes",
            seats="40",
        )
    )
    assert "Open registration" in page.text
    organiser.press("ouvrir")

    public = a_browser().get("/r/ete-ensemble?lang=fr")
    assert (public.status, "mercredi 12" in public.text.replace("\u00a0", " ")) == (200, True)
    assert public.form("inscription").options("territory").keys() >= {"A", "B", "C"}


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"date": "2020-01-01"}, "This date is in the past."),
        ({"ends": "08:00"}, "The end comes before the start."),
        ({"date": "2027-03-28", "starts": "02:30"}, "this hour does not exist on that day."),
        ({"title": ""}, "Give the gathering a name."),
        ({"seats": "many"}, "Write a number."),
        ({"date": ""}, "Choose a day."),
    ],
)
def test_an_impossible_gathering_is_said_beside_the_field(organiser, typed, said):
    organiser.get("/o/creer")
    form = organiser.page.form("", having="title").fill(title="Spring", place="Halle aux Grains")

    page = organiser.send(form.fill(**typed))

    assert (page.status, said in page.text) == (422, True)
    assert page.form("", having="title").value("place") == "Halle aux Grains"


def test_the_second_of_two_editors_sees_what_the_first_saved(organiser, gathering):
    organiser.get(f"/o/{gathering.slug}/modifier")
    form = organiser.page.form("", having="title")
    organiser.send(form.fill(title="The first title"))

    page = organiser.send(form.fill(once="other", title="The second title"))

    assert (page.status, "The first title" in page.text) == (409, True)
    assert page.form("", having="title").value("title") == "The second title"


LIST = (
    "Prénom;Nom;Courriel;Territoire\nAda;L;ada@gmial.com;Armorik\nBo;M;bo@;Beauce\nCy;N;cy@example.org;Beauce\n"
)


def test_a_list_is_looked_at_before_it_is_applied(organiser, gathering, told):
    organiser.get(f"/o/{gathering.slug}/import")
    told()
    page = organiser.send(
        organiser.page.form("", having="file").attach("file", "list.csv", LIST.encode("cp1252"))
    )
    assert "Did you mean ada@gmail.com?" in page.text
    assert "“bo@” is not an e-mail address." in page.text
    assert told() == []

    organiser.send(page.form("", having="fix_typos"))

    assert told() == ["person_invited", "person_invited"]


def test_an_invited_person_finds_the_form_filled_in(
    organiser, gathering, a_browser, letter, registration, odile
):
    test_a_list_is_looked_at_before_it_is_applied(
        organiser, gathering, lambda: ["person_invited"] * 2 if letter("person_invited") else []
    )

    form = a_browser().get(path_of(letter("person_invited")["link"])).form("inscription", having="given")

    assert (form.value("given"), form.value("email"), form.value("territory")) == ("Cy", "cy@example.org", "B")


def test_people_are_found_without_accents_and_exported_without_formulas(organiser, gathering, come):
    come(gathering, "Élise", email="elise@example.org", family="=HYPERLINK(1)")
    come(gathering, "Bo")

    page = organiser.get(f"/o/{gathering.slug}/personnes?q=elise")
    assert ("Élise" in page.text, "Bo Lovelace" in page.text) == (True, False)
    csv = organiser.client.get(f"/o/{gathering.slug}/personnes.csv").get_data(as_text=True)
    assert csv.startswith("\ufeff")
    assert ";'=HYPERLINK(1);" in csv


@pytest.mark.parametrize("said", ["oconnor", "o connor", "o'connor", "O’CONNOR"])
def test_an_apostrophe_hides_nobody(organiser, gathering, come, said):
    come(gathering, "Sinéad", email="sinead@example.org", family="O’Connor")

    assert "O’Connor" in organiser.get(f"/o/{gathering.slug}/accueil?q={said}").text


def test_programs_read_what_pages_show(organiser, gathering, come):
    come(gathering, "Ada")
    here = f"/api/registration/gatherings/{gathering.id}"

    assert [one["slug"] for one in organiser.client.get("/api/registration/gatherings").json["items"]] == [
        gathering.slug
    ]
    assert organiser.client.get(f"{here}/figures").json["taken"] == 1
    people = organiser.client.get(f"{here}/participants").json["items"]
    assert [(one["given"], one["state"]) for one in people] == [("Ada", "registered")]


def test_the_desk_checks_in_by_name_welcomes_walk_ins_and_notes_absences(organiser, gathering, come, told):
    ada = come(gathering, "Ada")
    come(gathering, "Bo")
    organiser.get(f"/o/{gathering.slug}/accueil?q=ada")
    told()
    organiser.press(f"accueil/{ada}")
    organiser.send(fill(organiser.page.form("passage"), given="Cy", email="cy@example.org"))
    organiser.press("absences")

    assert told() == [
        "participant_checked_in", "participant_registered", "participant_checked_in", "participant_absent",
    ]  # fmt: skip


def test_the_desk_offers_the_badge_of_who_is_here(organiser, gathering, come):
    ada = come(gathering, "Ada")
    organiser.get(f"/o/{gathering.slug}/accueil")
    badge = f"/o/{gathering.slug}/kit/badges.pdf?personne={ada}"
    assert badge not in organiser.client.get(f"/o/{gathering.slug}/accueil").text

    organiser.press(f"accueil/{ada}")

    answer = organiser.client.get(f"/o/{gathering.slug}/accueil")
    assert f'href="{badge}"' in answer.text


def test_stories_and_topics_go_from_the_participant_to_the_day(organiser, gathering, a_browser, letter, told):
    browser = a_browser()
    register(browser, gathering)
    browser.get(path_of(letter("address_to_confirm")["link"]))
    browser.press("confirmer")
    browser.send(browser.page.form("histoire").fill(title="The key", consents="true"))
    page = browser.send(browser.page.form("sujet").fill(question="Addiction"))
    assert "Word it as a question" in page.text
    browser.send(page.form("sujet").fill(question="How to begin?"))
    told()

    organiser.get(f"/o/{gathering.slug}/histoires")
    for form in [form for form in organiser.page.forms if form.action.endswith("/accepter")]:
        organiser.send(form)
    assert sorted(told()) == ["story_accepted", "topic_accepted"]

    browser.get(browser.page.url)
    wishes = browser.page.form("voeux")
    topic = next(value for value in wishes.options("wish1") if value)
    browser.send(wishes.fill(wish1=topic))
    assert told() == ["wishes_ranked"]


def test_a_place_is_given_back_and_taken_again(gathering, a_browser, letter, told):
    browser = a_browser()
    register(browser, gathering)
    place = path_of(letter("address_to_confirm")["link"])
    browser.get(place)
    browser.press("confirmer")
    told()
    browser.get(f"{place}/annuler")
    browser.press("annuler")
    browser.press("revenir")

    assert told() == ["participant_cancelled", "participant_restored"]


def test_an_offered_seat_is_taken_on_the_page(a_gathering, a_browser, come, ask, letter, registration):
    gathering = a_gathering(seats=1, starts_at=SOON, ends_at=SOON + timedelta(hours=7))
    now = datetime.now(UTC)
    come(gathering, "Ada", now=now)
    ask(gathering, "Bo", now=now)
    browser = a_browser()
    browser.get(path_of(letter("participant_registered")["link"]) + "/annuler")
    browser.press("annuler")

    page = browser.get(path_of(letter("seat_offered")["link"]) + "?lang=en")
    assert "Bo, a seat is free for you" in page.text
    browser.press("accepter")

    assert "Hello Bo, your seat is yours" in browser.page.text


def test_a_stranger_may_not_look_at_an_organisers_page(gathering, a_browser):
    for tail in ("", "/personnes", "/accueil", "/histoires", "/modifier", "/personnes.csv", "/equipe"):
        assert a_browser().get(f"/o/{gathering.slug}{tail}").status == 401


def test_coming_in_says_the_same_to_everybody(odile, a_browser):
    def answer(email):
        browser = a_browser()
        browser.get("/entrer?lang=en")
        return browser.send(browser.page.form("/entrer").fill(email=email)).text.replace(email, "X")

    assert answer("odile@example.org") == answer("stranger@example.org")


def test_leaving_forgets_who_was_there(organiser):
    organiser.get("/sortir")
    organiser.press("/sortir")

    assert organiser.get("/o/creer").status == 401


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("address", ["/", "/entrer", "/donnees", "/accessibilite"])
def test_pages_for_everybody_answer_in_both_languages(a_browser, language, address):
    assert a_browser().get(f"{address}?lang={language}").status == 200


def test_a_lost_link_is_sent_again_to_everybody_of_the_address_and_to_no_other(
    gathering, a_browser, come, told
):
    come(gathering, "Ada", email="both@example.org")
    come(gathering, "Bo", email="both@example.org")
    told()

    def answer(email):
        browser = a_browser()
        browser.get(f"/r/{gathering.slug}/lien?lang=en")
        return browser.send(browser.page.form("", having="email").fill(email=email)).text.replace(email, "X")

    assert answer("both@example.org") == answer("nobody@example.org")
    assert told() == ["link_asked", "link_asked"]


def test_same_person_with_two_addresses_is_suggested_and_never_merged(gathering, organiser, come):
    ada = come(gathering, "Ada")
    come(gathering, "Ada", email="ada@other.example")

    page = organiser.get(f"/o/{gathering.slug}/personnes/{ada}")

    assert "Same name, other address: ada@other.example" in page.text


def test_a_seat_is_handed_to_a_colleague_on_the_page_and_taken_back(gathering, a_browser, letter, told):
    register(a_browser(), gathering)
    browser = a_browser()
    mine = path_of(letter("address_to_confirm")["link"])
    browser.get(f"{mine}?lang=en")
    browser.press("confirmer")
    browser.get(f"{mine}/ceder")
    told()

    browser.send(browser.page.form("ceder").fill(given="Bo", email="bo@example.org"))
    assert (told(), "Bo" in browser.page.text) == (["participant_cancelled", "address_to_confirm"], True)
    browser.press("revenir")

    assert "Hello Ada, your seat is yours" in browser.page.text


def test_a_moved_day_is_asked_about_on_the_page(gathering, a_browser, letter, organiser):
    register(a_browser(), gathering)
    browser = a_browser()
    browser.get(path_of(letter("address_to_confirm")["link"]) + "?lang=en")
    browser.press("confirmer")
    organiser.get(f"/o/{gathering.slug}/modifier")
    organiser.send(organiser.page.form("", having="title").fill(date="2040-06-19"))
    assert "one person has not said yet" in organiser.page.text

    browser.get(browser.page.url)
    browser.press("toujours")
    organiser.get(f"/o/{gathering.slug}")

    assert "one person has not said yet" not in organiser.page.text


def _signed_in(a_browser, registration, email):
    browser = a_browser()
    with registration.transaction() as session:
        token = sign_ins.first_link(session, email, datetime.now(UTC))
    browser.get(f"/entrer/{token}?lang=en")
    browser.press(f"/entrer/{token}")
    return browser


def _ask_to_help(organiser, gathering, email, role):
    organiser.get(f"/o/{gathering.slug}/equipe")
    return organiser.send(organiser.page.form("equipe", having="email").fill(email=email, role=role))


def test_a_gathering_is_made_like_another_with_all_but_its_people(organiser, gathering, come):
    come(gathering, "Ada")
    organiser.get(f"/o/creer?comme={gathering.slug}")

    page = organiser.send(organiser.page.form("", having="title").fill(title="Autumn table"))

    assert (page.status, "0 of 10 seats are taken" in page.text, "Armorique" in page.text) == (200, True, True)


def test_a_reader_looks_at_people_and_is_offered_nothing_to_change(
    organiser, gathering, come, a_browser, registration
):
    ada = come(gathering, "Ada")
    _ask_to_help(organiser, gathering, "rita@example.org", "reader")
    rita = _signed_in(a_browser, registration, "rita@example.org")

    pages = [rita.get(f"/o/{gathering.slug}{tail}") for tail in ("", "/personnes", f"/personnes/{ada}")]

    assert [page.status for page in pages] == [200, 200, 200]
    assert [form.action for page in pages for form in page.forms if gathering.slug in (form.action or "")] == [
        f"/o/{gathering.slug}/personnes"
    ]
    assert rita.get(f"/o/{gathering.slug}/modifier").status == 403


def test_the_badge_of_one_person_is_printed_from_their_page_by_the_desk_and_not_by_a_reader(
    organiser, gathering, come, a_browser, registration
):
    ada, badge = come(gathering, "Ada"), "Badge of Ada (PDF)"
    helpers = []
    for email, role in (("dan@example.org", "desk"), ("rita@example.org", "reader")):
        _ask_to_help(organiser, gathering, email, role)
        helpers.append(_signed_in(a_browser, registration, email))
        helpers[-1].get(f"/o/{gathering.slug}/personnes/{ada}")
    dan, rita = helpers

    assert (badge in dan.page.text, badge in rita.page.text) == (True, False)
    answer = dan.client.get(dan.page.link("badges.pdf"))
    assert (answer.status_code, answer.mimetype) == (200, "application/pdf")
    assert "Ada" in "".join(texts(answer.data))


def test_the_desk_is_led_to_its_own_page(organiser, gathering, a_browser, registration):
    _ask_to_help(organiser, gathering, "dan@example.org", "desk")
    dan = _signed_in(a_browser, registration, "dan@example.org")

    assert dan.get(f"/o/{gathering.slug}").url == f"/o/{gathering.slug}/accueil"


def test_a_role_that_is_taken_back_is_gone_at_the_next_click(
    organiser, gathering, a_browser, registration, told
):
    _ask_to_help(organiser, gathering, "rita@example.org", "organiser")
    rita = _signed_in(a_browser, registration, "rita@example.org")
    assert rita.get(f"/o/{gathering.slug}").status == 200
    told()

    organiser.press("retirer")

    assert (told(), rita.get(f"/o/{gathering.slug}").status) == (["role_revoked"], 403)
