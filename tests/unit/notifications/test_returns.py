"""Letters that come back, as mail servers of many houses say it, and what follows for the address."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from bs4 import BeautifulSoup
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update

from services.notifications import drafts, letters, returns, suppressions
from services.notifications.models import Delivery, Letter, ReturnsBox, Suppression
from services.notifications.writing import returns as reading
from tests.unit.chassis.face import some_settings
from tests.unit.notifications.conftest import NOON, ODILE, SPRING, a_person, registered
from tests.unit.notifications.postbox import Postbox
from tests.unit.notifications.posted import a_letter, queue
from tests.unit.notifications.test_lines import a_certificate
from tests.unit.notifications.test_pages import HERE, press

OURS = "<018f0000-1111-5222-8333-000000000007@palabre.example>"


def a_report(fields, *, prose="Sorry.", subject="Undelivered Mail Returned to Sender", copy=OURS):
    """A report of RFC 3464; `copy` is the Message-ID in the headers it returns."""
    return (
        "Return-Path: <>\r\nFrom: MAILER-DAEMON@mx.example (Mail Delivery System)\r\n"
        f"Subject: {subject}\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        f"--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{prose}\r\n"
        f"--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n{fields}\r\n\r\n"
        f"--b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: {copy}\r\nSubject: Votre place\r\n\r\n--b--\r\n"
    ).encode()


def a_note(text, **headers):
    """A message in prose."""
    head = {"From": "MAILER-DAEMON@mx.example", "Return_Path": "<>", "Subject": "failure notice", **headers}
    named = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in head.items())
    return f"{named}Content-Type: text/plain; charset=utf-8\r\n\r\n{text}".encode()


POSTFIX = a_report(
    "Final-Recipient: rfc822; ada@example.org\r\nOriginal-Recipient: rfc822;ada@example.org\r\nAction: failed\r\n"
    "Status: 5.1.1\r\nRemote-MTA: dns; mx.example.org\r\n"
    "Diagnostic-Code: smtp; 550 5.1.1 <ada@example.org>: Recipient address\r\n    rejected: User unknown"
)
EXCHANGE = a_report(
    "Final-recipient: RFC822; ada@example.org\r\nAction: failed\r\nStatus: 5.0.0\r\n"
    "Diagnostic-code: smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup",
    subject="=?utf-8?q?Non_remis_=3A_Votre_place?=",
    prose="Votre message n'a pas pu être remis. Le destinataire est introuvable.",
)
QMAIL = a_note(
    "Hi. This is the qmail-send program at mx.example.\r\nI'm afraid I wasn't able to deliver your message to the "
    "following addresses.\r\n\r\n<ada@example.org>:\r\n192.0.2.1 does not like recipient.\r\n"
    "Remote host said: 550 5.1.1 no such user\r\n\r\n--- Below this line is a copy of the message.\r\n\r\n"
    f"Message-ID: {OURS}\r\n\r\nBonjour Ada,\r\n"
)
EXIM = a_note(
    "This message was created automatically by mail delivery software.\r\nA message that you sent could not be "
    "delivered to one or more of its recipients.\r\n\r\n  ada@example.org\r\n    Unrouteable address\r\n\r\n"
    f"------ This is a copy of the message ------\r\n\r\nMessage-ID: {OURS}\r\n",
    Subject="Mail delivery failed: returning message to sender",
    X_Failed_Recipients="ada@example.org",
    Auto_Submitted="auto-generated",
)
FRENCH = a_note(
    "Votre message n'a pas pu être remis à ada@example.org : utilisateur inconnu.\r\n\r\n"
    f"----- message d'origine -----\r\nMessage-ID: {OURS}\r\n",
    From="postmaster@courrier.example",
    Subject="=?iso-8859-1?q?=C9chec_de_la_remise?=",
)
FULL = a_report(
    "Final-Recipient: rfc822; ada@example.org\r\nAction: failed\r\nStatus: 5.2.2\r\n"
    "Diagnostic-Code: smtp; 552 5.2.2 Mailbox full"
)
POLICY = a_report(
    "Final-Recipient: rfc822; ada@example.org\r\nAction: failed\r\nStatus: 5.7.1\r\n"
    "Diagnostic-Code: smtp; 554 5.7.1 Message rejected as spam"
)
LATE = a_report(
    "Final-Recipient: rfc822; ada@example.org\r\nAction: delayed\r\nStatus: 4.4.1\r\nDiagnostic-Code: smtp; timed out",
    subject="Delivery Status Notification (Delay)",
)
AWAY = a_note(
    f"Je suis absente jusqu'au 12. Votre message n'a pas pu être remis à mon équipe. {OURS}",
    From="ada@example.org",
    Auto_Submitted="auto-replied",
    Subject="Absence",
)
ARRIVED = a_report("Final-Recipient: rfc822; ada@example.org\r\nAction: delivered\r\nStatus: 2.0.0")
REPLY = a_note(
    f"Bonjour, mon collègue me dit que votre message n'a pas pu être remis : utilisateur inconnu ? {OURS}",
    From="Ada <ada@example.org>",
    Return_Path="<ada@example.org>",
    Subject="Re: Votre place",
)


@pytest.mark.parametrize("message", [POSTFIX, EXCHANGE, QMAIL, EXIM, FRENCH])
def test_a_dead_address_is_known_from_every_house_s_return(message):
    found = reading.read(message)

    assert found is not None
    assert (found.message_ids, found.email, found.is_final, found.is_dead) == (
        (OURS,),
        "ada@example.org",
        True,
        True,
    )


@pytest.mark.parametrize("message", [FULL, POLICY])
def test_a_full_mailbox_or_a_refused_content_does_not_make_an_address_dead(message):
    found = reading.read(message)

    assert found is not None
    assert (found.is_final, found.is_dead) == (True, False)


def test_a_delay_is_not_a_return_for_good():
    found = reading.read(LATE)

    assert found is not None
    assert (found.is_final, found.is_dead, found.said) == (False, False, "timed out")


@pytest.mark.parametrize("message", [AWAY, ARRIVED, REPLY])
def test_replies_of_robots_and_people_and_good_news_are_no_returns(message):
    assert reading.read(message) is None


@settings(max_examples=150, deadline=None)
@given(st.sampled_from([POSTFIX, EXCHANGE, QMAIL, EXIM, FRENCH, LATE]), st.data())
def test_a_return_that_was_cut_or_garbled_is_read_or_passed_over(message, data):
    cut = data.draw(st.integers(0, len(message)))
    noise = data.draw(st.binary(max_size=40))

    found = reading.read(message[:cut] + noise + message[cut + len(noise) :])

    assert found is None or set(found.message_ids) <= {OURS} or noise


@pytest.fixture
def sent(street):
    """Ada's letter, which a server took."""
    letter = a_letter(
        message_id=OURS, gathering_id=SPRING, email="Ada@example.org", name="Ada", state="sent", next_at=None
    )
    queue(street.database, letter)
    return street


def come_back(street, message):
    with street.database.transaction() as session:
        return returns.take(session, reading.read(message), NOON)


def of_ada(street):
    with street.database.reading() as session:
        letter = session.scalars(select(Letter).where(Letter.message_id == OURS)).one()
        tried = session.scalars(select(Delivery.outcome).where(Delivery.letter_id == letter.id)).all()
        return letter.state, list(tried), list(session.scalars(select(Suppression.email)))


def test_a_letter_that_comes_back_is_noted_once_and_its_address_is_put_on_the_list(sent):
    assert [come_back(sent, POSTFIX), come_back(sent, POSTFIX)] == [True, False]

    assert of_ada(sent) == ("bounced", ["bounced"], ["ada@example.org"])


def test_a_full_mailbox_is_noted_and_its_person_is_written_to_again(sent):
    assert come_back(sent, FULL)

    assert of_ada(sent) == ("bounced", ["bounced"], [])


def test_a_delay_is_noted_once_and_the_letter_counts_as_sent(sent):
    assert [come_back(sent, LATE), come_back(sent, LATE)] == [True, False]

    assert of_ada(sent) == ("sent", ["delayed"], [])


def test_a_return_of_a_letter_that_is_not_ours_changes_nothing(sent):
    other = POSTFIX.replace(b"000000000007", b"000000000008")

    assert not come_back(sent, other)
    assert of_ada(sent) == ("sent", [], [])


def test_nobody_writes_to_an_address_on_the_list_and_its_letters_show_it(sent):
    come_back(sent, POSTFIX)

    sent.hear("registration.participant_registered.v1", registered(a_person()))

    letter = sent.letters("registered")[-1]
    assert (letter.email, letter.state, letter.reply) == (
        "ada@example.org",
        "suppressed",
        suppressions.HELD_BACK,
    )


def test_letters_that_wait_for_such_an_address_do_not_leave(sent):
    queue(sent.database, a_letter(2, email="ADA@example.org"), a_letter(3, email="bo@example.org"))

    come_back(sent, POSTFIX)

    states = {letter.email: letter.state for letter in sent.letters()}
    assert states == {"Ada@example.org": "bounced", "ADA@example.org": "suppressed", "bo@example.org": "queued"}


def test_an_organiser_signs_in_whatever_came_back(sent):
    come_back(sent, POSTFIX)
    now = datetime.now(UTC)

    with sent.database.transaction() as session:
        to = letters.Addressee("ada@example.org", "Ada", "", "fr", "https://palabre.example/entrer/x")
        details = {"code": "123456", "expires_at": now + timedelta(minutes=15)}
        written = letters.write(
            session, "sign-in", to, gathering=None, version="1", about=uuid4(), details=details, now=now
        )

    assert written is not None
    assert written.state == "queued"


def test_drafts_to_such_an_address_stay_behind_when_the_others_leave(sent):
    for given_, email in (("Ada", "ada@example.org"), ("Bo", "bo@example.org")):
        invitation = {**a_person(given=given_, email=email), "invitation_id": str(uuid4())}
        sent.hear("registration.person_invited.v1", invitation, subject="invitation_id")
    come_back(sent, POSTFIX)

    with sent.database.transaction() as session:
        gathering = session.get_one(letters.Gathering, SPRING)
        upto = max(letter.created_at for letter in sent.letters("invitation"))
        left = drafts.send(session, gathering, kind="invitation", count=2, upto=upto, now=NOON)

    assert left == 1
    assert {letter.email: letter.state for letter in sent.letters("invitation")} == {
        "ada@example.org": "suppressed",
        "bo@example.org": "queued",
    }


def test_an_address_is_taken_off_the_list_with_a_reason_and_its_letters_can_leave(odile, sent):
    come_back(sent, POSTFIX)
    page = odile.get(f"{HERE}/adresses")
    with sent.database.reading() as session:
        action = f"{HERE}/adresses/{session.scalars(select(Suppression.id)).one()}"
    assert "550 5.1.1" in page.get_data(as_text=True)

    bare = press(odile, page, action)
    assert bare.status_code == 422
    assert "Dites pourquoi" in odile.post(
        action, data={**fields_of(page), "why": " "}, headers={"Accept-Language": "fr"}
    ).get_data(as_text=True)
    done = odile.post(action, data={**fields_of(bare), "why": "Ada a une nouvelle boîte"})

    assert done.status_code == 303
    with sent.database.reading() as session:
        row = session.scalars(select(Suppression)).one()
        assert (row.released_why, row.released_by) == ("Ada a une nouvelle boîte", ODILE)
    assert "Ada a une nouvelle boîte" in odile.get(f"{HERE}/adresses").get_data(as_text=True)
    with sent.database.transaction() as session:
        letter = session.scalars(select(Letter).where(Letter.message_id == OURS)).one()
        letters.settle(session, letter, arrived=False, now=NOON)
        assert letter.state == "queued"


def test_a_letter_does_not_leave_again_while_its_address_is_on_the_list(sent):
    come_back(sent, POSTFIX)

    with pytest.raises(letters.AddressSuppressed), sent.database.transaction() as session:
        letter = session.scalars(select(Letter).where(Letter.message_id == OURS)).one()
        letters.settle(session, letter, arrived=False, now=NOON)


def test_a_team_sees_and_frees_only_addresses_of_its_own_letters(odile, sent):
    with sent.database.transaction() as session:
        suppressions.suppress(session, "elsewhere@example.org", letter_id=None, said="550", now=NOON)
        other = session.scalars(select(Suppression.id)).one()

    page = odile.get(f"{HERE}/adresses")
    form = fields_of(odile.get(f"{HERE}/calendrier"))
    answer = odile.post(f"{HERE}/adresses/{other}", data={**form, "why": "x"})

    assert "elsewhere" not in page.get_data(as_text=True)
    assert answer.status_code == 404


def fields_of(page):
    form = (
        BeautifulSoup(page.get_data(as_text=True), "html.parser").find("input", {"name": "csrf_token"}).parent
    )
    return {i["name"]: i.get("value", "") for i in form.find_all("input") if i.get("type") == "hidden"}


@pytest.fixture
def a_postbox():
    made = []

    def make(*messages, **other):
        made.append(Postbox(*messages, **other))
        return made[-1]

    yield make
    for box in made:
        box.stop()


def looked(street, url):
    """One look into the mailbox, as the worker has it."""
    ours = some_settings(bounces=url)
    with street.database.transaction(settings=ours) as session:
        calls = returns.find(session, datetime.now(UTC))
    return [returns.look(street.database, ours, *call) for call in calls]


def test_a_mailbox_behind_tls_is_read_when_its_certificate_is_good(sent, a_postbox, tmp_path, monkeypatch):
    context, path = a_certificate(tmp_path)
    box = a_postbox(POSTFIX, tls=context)

    assert looked(sent, box.url) == [0]
    with sent.database.reading() as session:
        assert "certificate" in returns.trouble(session, box.url)
    with sent.database.transaction() as session:
        session.execute(update(ReturnsBox).values(next_at=NOON.replace(year=2020)))
    monkeypatch.setenv("SSL_CERT_FILE", str(path))

    assert looked(sent, box.url) == [1]
    assert of_ada(sent)[0] == "bounced"
    with sent.database.reading() as session:
        assert returns.trouble(session, box.url) == ""


def test_the_mailbox_is_read_and_what_was_read_is_marked(sent, a_postbox):
    box = a_postbox(REPLY, POSTFIX, AWAY)

    assert looked(sent, box.url) == [1]

    assert of_ada(sent)[0] == "bounced"
    assert box.seen == {1, 2, 3}


def test_the_mailbox_is_looked_into_once_a_minute(sent, a_postbox):
    box = a_postbox(POSTFIX)

    assert [looked(sent, box.url), looked(sent, box.url)] == [[1], []]


def test_a_mailbox_that_cannot_be_read_is_said_on_the_page(odile, sent, a_postbox, app):
    box = a_postbox(POSTFIX, opens="another")

    assert looked(sent, box.url) == [0]

    with sent.database.reading() as session:
        assert "wrong password" in returns.trouble(session, box.url)
    assert box.seen == set()


def test_a_folder_that_is_not_there_is_said(sent, a_postbox):
    url = a_postbox(POSTFIX).url.replace("INBOX", "Retours")

    looked(sent, url)

    with sent.database.reading() as session:
        assert "no such folder" in returns.trouble(session, url)
