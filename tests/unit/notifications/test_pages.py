"""The doors of notifications: an organiser's pages, the API, the local mailbox and the state of the service."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from bs4 import BeautifulSoup

from services.chassis import auth
from services.chassis.auth import Actor
from services.chassis.settings import WrongSetting
from services.notifications import deliveries, lines, mail_servers, posting
from services.notifications.app import service
from services.notifications.lines import Server
from services.notifications.models import Letter
from tests.unit.chassis.face import some_settings
from tests.unit.notifications.conftest import SPRING, a_person, registered

HERE = "/c/table-de-printemps"


@pytest.fixture
def invited(street):
    """Three drafts."""
    for given in ("Ada", "Bo", "Cy"):
        invitation = {**a_person(given=given), "invitation_id": str(uuid4())}
        street.hear("registration.person_invited.v1", invitation, subject="invitation_id")
    return street


def keep_all(street, settings):
    with street.database.transaction() as session:
        batch = deliveries.claim(session, datetime.now(UTC), is_held=True)
    assert batch is not None
    posting.post(street.database, settings, str(batch))


def press(client, page, action):
    """Send the form of `page` that goes to `action`, as a browser would."""
    soup = BeautifulSoup(page.get_data(as_text=True), "html.parser")
    button = soup.find("button", formaction=action)
    form = button.find_parent("form") if button else soup.find("form", action=action)
    fields = {i["name"]: i.get("value", "") for i in form.find_all("input") if i.get("name")}
    fields |= {t["name"]: t.text.removeprefix("\n") for t in form.find_all("textarea")}
    return client.post(action, data=fields)


def states(street):
    return sorted(letter.state for letter in street.letters())


@pytest.mark.parametrize("path", [HERE, f"{HERE}/envois", f"{HERE}/a-voir", f"{HERE}/a-relire/invitation"])
def test_letters_are_their_organisers_only(visitor, odile, settings, app, path):
    assert visitor.get(path).status_code == 401
    stranger = app.test_client()
    stranger.set_cookie("palabre", auth.issue(settings, Actor("organiser", uuid4()), 600))
    assert stranger.get(path).status_code == 403
    assert odile.get(path).status_code == 200


def test_the_button_repeats_the_number_and_sends_what_was_listed(odile, invited):
    page = odile.get(HERE)
    assert "Envoyer les 3 courriers" in page.text

    answer = press(odile, page, f"{HERE}/envoyer")

    assert (answer.status_code, answer.location) == (303, HERE)
    assert states(invited) == ["queued"] * 3
    assert "3 courriers sont en route." in odile.get(HERE).text


def test_a_letter_written_meanwhile_is_not_sent_unseen(odile, invited):
    page = odile.get(HERE)
    late = {**a_person(given="Di"), "invitation_id": str(uuid4())}
    invited.hear("registration.person_invited.v1", late, subject="invitation_id")

    press(odile, page, f"{HERE}/envoyer")

    assert {letter.name: letter.state for letter in invited.letters()}["Di Kermarrec"] == "draft"
    assert states(invited) == ["draft"] + ["queued"] * 3


def test_another_number_than_shown_sends_nothing(odile, invited):
    page = odile.get(HERE)
    with invited.database.transaction() as session:
        session.get_one(Letter, invited.letters()[0].id).state = "discarded"

    answer = press(odile, page, f"{HERE}/envoyer")

    assert answer.status_code == 409
    assert "Il y a maintenant 2 courriers de cette sorte, et non 3." in answer.text
    assert states(invited) == ["discarded", "draft", "draft"]


def test_pressing_twice_sends_once(odile, invited):
    page = odile.get(HERE)

    first, second = press(odile, page, f"{HERE}/envoyer"), press(odile, page, f"{HERE}/envoyer")

    assert (first.status_code, second.status_code) == (303, 303)
    assert states(invited) == ["queued"] * 3


def test_a_cancelled_gathering_sends_no_invitation(odile, invited):
    page = odile.get(HERE)
    invited.describe(version=2, state="cancelled")

    assert press(odile, page, f"{HERE}/envoyer").status_code == 409


def test_all_of_a_kind_can_be_put_aside(odile, invited):
    press(odile, odile.get(HERE), f"{HERE}/ecarter")

    assert states(invited) == ["discarded"] * 3


def test_one_letter_can_be_put_aside(odile, invited):
    letter = invited.letters()[0]

    press(odile, odile.get(f"{HERE}/{letter.id}"), f"{HERE}/{letter.id}/ecarter")

    assert states(invited) == ["discarded", "draft", "draft"]


def test_one_letter_can_be_changed_and_its_twin_follows(odile, invited):
    letter = invited.letters()[0]
    form = odile.get(f"{HERE}/{letter.id}/modifier")
    soup = BeautifulSoup(form.text, "html.parser")
    assert soup.find("textarea").text.removeprefix("\n").strip() == letter.text.strip()

    answer = odile.post(
        f"{HERE}/{letter.id}/modifier",
        data={
            "csrf_token": soup.find("input", {"name": "csrf_token"})["value"],
            "subject": "Chère Ada",
            "text": "Bonjour Ada,\r\n\r\nUn mot <b>de plus</b>.\r\n\r\nRépondre :\r\nhttps://palabre.example/i/1",
        },
    )

    assert answer.status_code == 303
    changed = next(one for one in invited.letters() if one.id == letter.id)
    assert changed.subject == "Chère Ada"
    assert "Un mot &lt;b&gt;de plus&lt;/b&gt;." in changed.html
    assert 'href="https://palabre.example/i/1"' in changed.html


def test_what_was_typed_stays_when_a_letter_cannot_be_kept(odile, invited):
    letter = invited.letters()[0]
    soup = BeautifulSoup(odile.get(f"{HERE}/{letter.id}/modifier").text, "html.parser")
    token = soup.find("input", {"name": "csrf_token"})["value"]

    answer = odile.post(
        f"{HERE}/{letter.id}/modifier", data={"csrf_token": token, "subject": " ", "text": "Ce que j'ai écrit"}
    )

    assert answer.status_code == 422
    assert "Ce que j'ai écrit" in BeautifulSoup(answer.text, "html.parser").find("textarea").text
    assert BeautifulSoup(answer.text, "html.parser").find(id="subject")["aria-invalid"] == "true"
    assert next(one for one in invited.letters() if one.id == letter.id).text == letter.text


def test_a_letter_that_left_cannot_be_changed(odile, street):
    street.hear("registration.participant_registered.v1", registered(a_person()))
    (letter,) = street.letters()
    token = re.search(r'name="csrf_token" value="([^"]+)"', odile.get("/c/table-de-printemps/envois").text)
    page = odile.get(f"{HERE}/{letter.id}/modifier")
    token = re.search(r'name="csrf_token" value="([^"]+)"', page.text)

    answer = odile.post(
        f"{HERE}/{letter.id}/modifier", data={"csrf_token": token[1], "subject": "x", "text": "y"}
    )

    assert answer.status_code == 409


def test_a_form_of_another_site_changes_nothing(odile, invited):
    answer = odile.post(
        f"{HERE}/envoyer", data={"kind": "invitation", "count": 3, "upto": "2030-01-01T00:00:00Z"}
    )

    assert answer.status_code == 400
    assert states(invited) == ["draft"] * 3


def test_an_unknown_letter_is_settled_by_a_person(odile, street):
    street.hear("registration.participant_registered.v1", registered(a_person()))
    (letter,) = street.letters()
    with street.database.transaction() as session:
        session.get_one(Letter, letter.id).state = "unknown"
    page = odile.get(f"{HERE}/{letter.id}")
    token = re.search(r'name="csrf_token" value="([^"]+)"', page.text)

    answer = odile.post(f"{HERE}/{letter.id}/regler", data={"csrf_token": token[1], "arrived": "true"})

    assert answer.status_code == 303
    assert states(street) == ["sent"]


def test_a_letter_of_another_gathering_is_not_here(odile, street):
    asked = {"sign_in_id": str(uuid4()), "email": "x@y.fr", "link": "https://p.example/e", "code": "1"}
    street.hear(
        "registration.sign_in_asked.v1",
        {**asked, "expires_at": "2027-01-01T00:00:00Z", "language": "fr"},
        subject="sign_in_id",
    )
    (letter,) = street.letters()

    assert odile.get(f"{HERE}/{letter.id}").status_code == 404
    assert odile.get(f"{HERE}/{letter.id}/html").status_code == 404


def test_every_page_shows_hostile_names_as_words(odile, street, settings):
    ada = a_person(given="<script>alert(1)</script>", family='"><b>')
    street.hear("registration.participant_registered.v1", registered(ada))
    keep_all(street, settings)
    (letter,) = street.letters()

    for path in (HERE, f"{HERE}/envois", f"{HERE}/{letter.id}", f"{HERE}/personnes/{ada['participant_id']}"):
        page = odile.get(path)
        assert page.status_code == 200, path
        assert "<script>alert" not in page.text
        assert "&lt;script&gt;" in page.text


def test_a_letter_in_its_frame_may_style_itself_and_nothing_else(odile, street):
    street.hear("registration.participant_registered.v1", registered(a_person()))
    (letter,) = street.letters()

    page = odile.get(f"{HERE}/{letter.id}/html")

    assert page.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none';")
    assert page.headers["X-Frame-Options"] == "SAMEORIGIN"


def test_a_person_s_history_shows_each_letter(odile, street, settings):
    ada = a_person()
    street.hear("registration.participant_registered.v1", registered(ada))
    keep_all(street, settings)

    page = odile.get(f"{HERE}/personnes/{ada['participant_id']}")

    assert "Place réservée" in page.text
    assert "Gardé dans la boîte locale" in page.text


@pytest.mark.parametrize(
    "state, what",
    [
        ("draft", "Le relire"),
        ("queued", "Rien\u00a0: il part de lui-même"),
        ("deferred", "Rien\u00a0: il part de lui-même"),
        ("unknown", "Dire s’il est arrivé, ou l’envoyer de nouveau"),
        ("failed", "L’envoyer de nouveau, si l’adresse fonctionne"),
        ("bounced", "Retirer l’adresse de la liste si elle fonctionne de nouveau"),
        ("sent", "Rien"),
    ],
)
def test_a_person_s_history_says_what_can_be_done_about_each_letter(odile, street, state, what):
    ada = a_person()
    street.hear("registration.participant_registered.v1", registered(ada))
    with street.database.transaction() as session:
        row = session.query(Letter).one()
        row.state, row.reply, row.sent_at = state, "450 later", datetime.now(UTC)

    page = BeautifulSoup(odile.get(f"{HERE}/personnes/{ada['participant_id']}").text, "html.parser")

    assert [cell.text.strip() for cell in page.select("td[data-l='À faire']")] == [what]


def test_what_we_say_in_the_server_s_place_is_said_in_french(odile, street):
    street.hear("registration.participant_registered.v1", registered(a_person()))
    (letter,) = street.letters()
    with street.database.transaction() as session:
        row = session.get_one(Letter, letter.id)
        row.state, row.reply = "queued", f"{lines.UNREACHABLE} ([Errno 111] Connection refused)"

    said = "Le serveur de messagerie ne répond pas. ([Errno 111] Connection refused)"
    assert said in odile.get(f"{HERE}/{letter.id}").text


def test_a_kept_letter_to_an_impossible_address_can_be_read(visitor, street, settings):
    street.hear("registration.participant_registered.v1", registered(a_person(email="nobody at all")))
    keep_all(street, settings)

    assert "This is not an address" in visitor.get("/boite/the-key/1?lang=en").text


def test_programs_list_read_send_and_discard(program, invited):
    base = f"/api/notifications/gatherings/{SPRING}/letters"
    listed = program.get(f"{base}?kind=invitation&state=draft&limit=2").get_json()
    assert listed["counts"] == {"invitation": {"draft": 3}}
    assert (len(listed["items"]), listed["next"]) == (2, 2)
    first = listed["items"][0]["id"]

    assert program.get(f"{base}/{first}").get_json()["text"].startswith("Bonjour")
    changed = program.patch(f"{base}/{first}", json={"subject": "S", "text": "T"})
    assert (changed.status_code, changed.get_json()["subject"]) == (200, "S")
    assert program.post(f"{base}/{first}/discard").get_json()["state"] == "discarded"
    refused = program.post(
        f"{base}/send", json={"kind": "invitation", "count": 3, "upto": "2030-01-01T00:00:00Z"}
    )
    assert (refused.status_code, refused.get_json()["code"]) == (409, "other-number")
    sent = program.post(f"{base}/send", json={"kind": "invitation", "count": 2, "upto": "2030-01-01T00:00:00Z"})
    assert (sent.status_code, sent.get_json()) == (202, {"sent": 2})


def test_programs_are_told_what_is_wrong(program, visitor, street):
    base = f"/api/notifications/gatherings/{SPRING}/letters"

    assert program.get(f"{base}?state=flying").get_json()["code"] == "misshapen"
    assert program.post(f"{base}/send", json={"kind": "invitation"}).status_code == 422
    assert program.get(f"{base}/{uuid4()}").get_json()["code"] == "unknown-letter"
    assert visitor.get(base).status_code == 401
    assert program.get(f"/api/notifications/gatherings/{uuid4()}/letters").status_code == 403


def test_the_mailbox_opens_only_with_its_key_and_only_in_held_mode(visitor, street):
    assert visitor.get("/boite/the-key").status_code == 200
    assert visitor.get("/boite/another").status_code == 404
    assert visitor.get("/boite/another.json").status_code == 404
    for closed in ({"smtp_url": "smtp://mail.example", "mailbox_key": "the-key"}, {"mailbox_key": ""}):
        client = service.create_app(service, street.database, some_settings(**closed)).test_client()
        assert client.get("/boite/the-key").status_code == 404
        assert client.get("/boite/").status_code == 404


def test_the_mailbox_shows_what_people_would_have_received(visitor, street, settings):
    for person in (a_person(), a_person(given="Bo", email="bo@example.org")):
        street.hear("registration.participant_registered.v1", registered(person))
    keep_all(street, settings)

    found = visitor.get("/boite/the-key.json").get_json()["letters"]
    assert [letter["number"] for letter in found] == [1, 2]
    assert visitor.get("/boite/the-key.json?after=1").get_json()["letters"] == found[1:]
    (bo,) = visitor.get("/boite/the-key.json?to=BO@example.org&kind=registered").get_json()["letters"]
    assert bo["links"] == ["https://palabre.example/moi/7hq2-secret"]
    assert bo["ics"].startswith("BEGIN:VCALENDAR")
    searched = visitor.get("/boite/the-key?a=bo@").text
    assert ("bo@example.org" in searched, "ada@example.org" in searched) == (True, False)
    assert "As it would travel" in visitor.get(f"/boite/the-key/{bo['number']}?lang=en").text
    framed = visitor.get(f"/boite/the-key/{bo['number']}/html")
    assert '<base target="_top">' in framed.text
    assert framed.headers["Content-Security-Policy"].startswith(
        "sandbox allow-top-navigation-by-user-activation;"
    )
    assert visitor.get(f"/boite/the-key/{bo['number']}.ics").mimetype == "text/calendar"
    assert visitor.get("/boite/the-key/99").status_code == 404


def test_the_state_of_the_letters_is_said_in_sentences(visitor, street):
    street.hear("registration.participant_registered.v1", registered(a_person()))

    page = visitor.get("/sante?lang=en")
    told = visitor.get("/sante.json").get_json()

    assert page.status_code == 200
    assert "The letters leave." in page.text
    assert (told["held"], told["letters"]["waiting"], told["ready"]) == (True, 1, False)


def test_a_mail_server_that_does_not_answer_is_named_on_the_page_of_state(street, app, settings):
    urls = "smtp://one.example smtp://u:secret@two.example"
    app = service.create_app(service, street.database, replace(settings, smtp_url=urls))
    with street.database.transaction() as session:
        at = datetime.now(UTC)
        for _ in range(3):
            mail_servers.rest(session, Server.at("smtp://one.example"), "gone", at)
            at += timedelta(seconds=mail_servers.REST_MAX_S)

    page = app.test_client().get("/sante?lang=en").text

    assert "The mail server one.example:25 does not answer." in page
    assert "Letters leave by the next one." in page
    assert "secret" not in page


@pytest.mark.parametrize(
    "wrong", ["smtp://one.example?rate=fast", "smtp://one.example?rate=1/h", "smtp://one.example:port"]
)
def test_a_mail_server_that_cannot_be_understood_is_refused_at_start(street, settings, wrong):
    with pytest.raises(WrongSetting, match="PALABRE_SMTP_URL"):
        service.create_app(service, street.database, replace(settings, smtp_url=wrong))
