"""An organiser's own words: what may stand in braces, what is refused, who reads them, and the way back."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from bs4 import BeautifulSoup
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from services.chassis import auth
from services.chassis.auth import Actor
from services.notifications import wordings
from services.notifications.models import Gathering, Letter, Wording
from services.notifications.writing import composing, placeholders
from services.notifications.writing.composing import LANGUAGES, Words
from services.notifications.writing.kinds import KINDS
from tests.unit.notifications.conftest import SPRING, a_person, registered
from tests.unit.notifications.reading import strictly
from tests.unit.notifications.test_pages import HERE
from tests.unit.notifications.test_writing import HOSTILE

NOW = datetime(2027, 3, 2, 10, tzinfo=UTC)
PAGE = f"{HERE}/textes"
MINE = {
    "subject": "À bientôt, {prénom} !",
    "text": "{bonjour}\n\nOn se voit le {jour}.\n\nMa place :\n{lien}\n",
}


def keep(street, kind="registered", language="fr", **words):
    with street.database.transaction() as session:
        gathering = session.get_one(Gathering, SPRING)
        return wordings.keep(session, gathering, kind, language, **{**MINE, **words}, by=UUID(int=1), now=NOW)


def forget(street, kind="registered", language="fr"):
    with street.database.transaction() as session:
        return wordings.forget(session, session.get_one(Gathering, SPRING), kind, language)


def send(client, action, page=None, **typed):
    """The page's form, sent to `action`."""
    soup = BeautifulSoup(client.get(page or action).text, "html.parser")
    key = soup.find("input", {"name": "csrf_token"})["value"]
    return client.post(action, data={"csrf_token": key, "once": uuid4().hex, **typed})


def invite(street, given, language="fr"):
    person = a_person(given=given, email=f"{given.lower()}@example.org", language=language)
    invited = {**person, "invitation_id": str(uuid4())}
    street.hear("registration.person_invited.v1", invited, subject="invitation_id")
    return person


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_the_house_s_own_words_keep_the_rules_they_set(kind, language):
    house = composing.house(kind, language)

    placeholders.check(kind, language, house.subject, house.text)
    assert not placeholders.lacks_link(kind, language, house.text)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", wordings.KINDS_OF_A_GATHERING)
def test_every_placeholder_of_a_kind_has_something_to_say(street, kind, language):
    names = "\n\n".join(f"{{{one.name(language)}}}" for one in placeholders.of(kind))

    with street.database.reading() as session:
        gathering = session.get_one(Gathering, SPRING)
        written = wordings.preview(session, gathering, kind, language, Words("x", names), person_id=None)

    assert "{" not in written.text
    strictly(written.html)


def test_a_letter_written_after_the_change_says_it_in_the_organiser_s_words(street):
    street.hear("registration.participant_registered.v1", registered(a_person(given="Ada")))
    keep(street)
    street.hear(
        "registration.participant_registered.v1", registered(a_person(given="Bo", email="bo@example.org"))
    )
    street.hear(
        "registration.participant_registered.v1",
        registered(a_person(given="Cy", email="cy@x.org", language="en")),
    )

    said = {letter.name.split()[0]: letter.subject for letter in street.letters("registered")}
    assert said["Bo"] == "À bientôt, Bo\u202f!"
    assert said["Ada"].startswith("Votre place")
    assert said["Cy"].startswith("Your seat")


def test_values_in_an_organiser_s_words_are_values(street):
    """A name cannot make a heading, a link or another placeholder."""
    keep(street, text="{prénom}\n\nVoir :\n{lien}\n")
    street.hear(
        "registration.participant_registered.v1", registered(a_person(given="{lien} <b>{{ link }}</b>"))
    )

    (letter,) = street.letters("registered")
    assert "{lien} <b>{{ link }}</b>" in letter.text
    assert "&lt;b&gt;" in letter.html
    strictly(letter.html)


@settings(max_examples=60, deadline=None)
@given(text=st.one_of(st.sampled_from(HOSTILE), st.text(max_size=200)))
def test_whatever_an_organiser_types_is_refused_or_a_valid_letter(text):
    words = Words("{rencontre}", f"{text}\n\n{{lien}}")
    about = {
        "given": "Ada", "family": "K", "title": "La table", "purpose": "", "starts_at": NOW, "ends_at": NOW,
        "place": "Rennes", "organiser": "C", "public_url": "https://x.example", "link": "https://x.example/moi/1",
    }  # fmt: skip
    unknown = [name for name in placeholders.found(text) if placeholders.read("registered", "fr", name) is None]

    if unknown:
        with pytest.raises(placeholders.UnknownPlaceholder):
            composing.write("registered", "fr", about=about, words_=words)
    else:
        written = composing.write("registered", "fr", about=about, words_=words)
        strictly(written.html)
        assert "https://x.example/moi/1" in written.text


@pytest.mark.parametrize("typed", ["prénom", "prenom", " Prénom ", "PRÉNOM", "pre\u0301nom"])
def test_a_name_in_braces_is_known_without_its_accents(typed):
    assert placeholders.read("registered", "fr", typed).key == "given"


@pytest.mark.parametrize(
    "words, field, code",
    [
        ({"text": "{prénom} {surnom} {lien}"}, "text", "unknown-placeholder"),
        ({"subject": "{rang}"}, "subject", "unknown-placeholder"),
        ({"text": "Bonjour"}, "text", "link-missing"),
    ],
)
def test_what_cannot_be_said_is_refused_beside_its_field(street, words, field, code):
    with pytest.raises(wordings.Refused) as refusal:
        keep(street, **words)

    assert (refusal.value.field, refusal.value.code) == (field, code)
    with street.database.reading() as session:
        assert session.scalars(select(Wording)).all() == []


def test_a_cancellation_needs_no_link(street):
    assert keep(street, "cancelled", text="C'est noté.") == 0


def test_back_to_the_house_s_words(street):
    keep(street)
    forget(street)
    street.hear("registration.participant_registered.v1", registered(a_person()))

    assert street.letters("registered")[0].subject.startswith("Votre place")


def test_keeping_the_house_s_words_keeps_nothing(street):
    house = composing.house("registered", "fr")

    keep(street, subject=house.subject, text=house.text.replace("\n", "\r\n"))

    with street.database.reading() as session:
        assert session.scalars(select(Wording)).all() == []


def test_drafts_follow_the_new_words_but_for_those_changed_by_hand(street, odile):
    invite(street, "Ada"), invite(street, "Bo"), invite(street, "Cy", "en")
    with street.database.reading() as session:
        bo = session.scalars(select(Letter).where(Letter.email == "bo@example.org")).one()
    send(odile, f"{HERE}/{bo.id}/modifier", subject="Pour toi", text="Viens, Bo.")

    assert keep(street, "invitation") == 1

    said = {letter.email: (letter.subject, letter.state) for letter in street.letters("invitation")}
    assert said["ada@example.org"] == ("À bientôt, Ada\u202f!", "draft")
    assert said["bo@example.org"] == ("Pour toi", "draft")
    assert said["cy@example.org"][0].startswith("You are invited")
    (ada,) = [letter for letter in street.letters("invitation") if letter.email == "ada@example.org"]
    assert "https://palabre.example/moi/7hq2-secret" in ada.text
    assert forget(street, "invitation") == 1


def test_invitations_that_left_stay_as_they_were_read(street):
    invite(street, "Ada")
    with street.database.transaction() as session:
        session.scalars(select(Letter)).one().state = "sent"

    assert keep(street, "invitation") == 0


def test_a_joined_change_is_said_in_the_organiser_s_words_too(street):
    ada = a_person()
    street.hear("registration.participant_registered.v1", registered(ada))
    keep(street, "changed", subject="Changé", text="{changements}\n\nVoir :\n{lien}")
    for before, after in (("A", "B"), ("B", "C")):
        fact = {**ada, "before": {"structure": before}, "after": {"structure": after}}
        street.hear("registration.participant_changed.v1", fact)

    (letter,) = street.letters("changed")
    assert letter.text.startswith("- Structure")
    assert "\u202fC\u202f" in letter.text


def test_the_editor_begins_with_the_house_s_words_and_lists_what_exists(odile):
    page = BeautifulSoup(odile.get(f"{PAGE}/waiting/fr").text, "html.parser")

    assert page.find("textarea").text.removeprefix("\n").startswith("{bonjour}")
    assert "{rang}" in [code.text for code in page.find_all("code")]


def test_an_unknown_name_is_said_beside_the_field_with_those_that_exist(odile):
    answer = send(odile, f"{PAGE}/registered/fr", subject="Oui", text="{prenon}\n\n{lien}")

    page = BeautifulSoup(answer.text, "html.parser")
    (field,) = page.find_all(attrs={"aria-invalid": "true"})
    said = page.find(id="text-e").text
    assert (answer.status_code, field["name"]) == (422, "text")
    assert "{prenon}" in said
    assert "{prénom}" in said
    assert field.text.strip().startswith("{prenon}")


def test_both_fields_say_at_once_what_is_wrong_with_them(odile):
    answer = send(odile, f"{PAGE}/registered/fr", subject="{x}", text="{y} {lien}")

    page = BeautifulSoup(answer.text, "html.parser")
    assert [field["name"] for field in page.find_all(attrs={"aria-invalid": "true"})] == ["subject", "text"]


def test_words_are_kept_by_their_form_and_given_back_by_another(odile, street):
    assert send(odile, f"{PAGE}/registered/fr", **MINE).status_code == 303
    assert ">vos mots<" in odile.get(PAGE).text

    assert send(odile, f"{PAGE}/registered/fr/maison", page=f"{PAGE}/registered/fr").status_code == 303
    assert ">vos mots<" not in odile.get(PAGE).text


def test_a_preview_shows_a_real_person_and_keeps_nothing(odile, street):
    ada = a_person(given="Adélaïde")
    street.hear("registration.participant_registered.v1", registered(ada))
    page = f"{PAGE}/registered/fr"

    answer = send(odile, f"{page}/apercu", page=page, **MINE, personne=ada["participant_id"])

    assert "À bientôt, Adélaïde" in answer.text
    assert "7hq2-secret" not in answer.text
    with street.database.reading() as session:
        assert session.scalars(select(Wording)).all() == []


def test_a_person_of_another_gathering_is_not_shown(odile, street):
    other = uuid4()
    street.describe(gathering_id=str(other), slug="autre")
    cy = a_person(gathering_id=str(other), given="Cyprienne")
    street.hear("registration.participant_registered.v1", registered(cy))
    page = f"{PAGE}/registered/fr"

    answer = send(odile, f"{page}/apercu", page=page, **MINE, personne=cy["participant_id"])

    assert "Cyprienne" not in answer.text


def test_a_test_goes_to_the_organiser_alone_and_at_once(street, app, settings):
    organiser = uuid4()
    role = {
        "role_id": str(uuid4()),
        "gathering_id": str(SPRING),
        "organiser_id": str(organiser),
        "role": "owner",
    }
    named = {"name": "Odile", "email": "odile@passerelles.example"}
    street.hear("registration.role_granted.v1", {**role, **named}, subject="role_id")
    client = app.test_client()
    client.set_cookie("palabre", auth.issue(settings, Actor("organiser", organiser), 600))
    page = f"{PAGE}/invitation/fr"

    answer = send(client, f"{page}/essai", page=page, **MINE)

    (letter,) = street.letters("invitation")
    assert answer.status_code == 200
    assert (letter.email, letter.state, letter.participant_id) == ("odile@passerelles.example", "queued", None)
    assert letter.subject == "[Essai] À bientôt, Ada\u202f!"
    assert (letter.is_solicitation, letter.next_at) == (False, letter.created_at)


@pytest.mark.parametrize("path", ["sign-in/fr", "registered/de", "nothing/fr"])
def test_what_has_no_words_here_is_not_found(odile, path):
    assert odile.get(f"{PAGE}/{path}").status_code == 404


def test_words_are_their_organisers_only(visitor):
    assert visitor.get(PAGE).status_code == 401
    assert visitor.get(f"{PAGE}/registered/fr").status_code == 401


def test_programs_read_change_and_give_back_words(program):
    here = f"/api/notifications/gatherings/{SPRING}/wordings"

    kept = program.put(f"{here}/registered/fr", json=MINE).get_json()
    wrong = program.put(f"{here}/registered/fr", json={**MINE, "text": "{nope} {lien}"})
    both = program.get(here).get_json()["wordings"]
    back = program.delete(f"{here}/registered/fr").get_json()

    assert (kept["is_house"], kept["subject"]) == (False, MINE["subject"])
    assert (wrong.status_code, wrong.get_json()["code"]) == (422, "unknown-placeholder")
    assert [row["kind"] for row in both if not row["is_house"]] == ["registered"]
    assert back["is_house"]
