"""What a mail provider's hook tells, and who may tell it."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from services.notifications import suppressions
from services.notifications.app import service
from services.notifications.models import Delivery, Letter, Suppression
from tests.unit.chassis.face import some_settings
from tests.unit.notifications.conftest import NOON, SPRING
from tests.unit.notifications.posted import a_letter, queue
from tests.unit.notifications.test_returns import AWAY, OURS, POSTFIX

KEY = "a key of sixteen and more"
BEARER = {"Authorization": f"Bearer {KEY}"}
HOOK = "/api/notifications/returns"
LISTED = f"/api/notifications/gatherings/{SPRING}/suppressions"


@pytest.fixture
def settings():
    return some_settings(returns_key=KEY)


@pytest.fixture
def sent(street):
    """Ada's letter, which a server took."""
    queue(
        street.database,
        a_letter(
            message_id=OURS,
            gathering_id=SPRING,
            email="ada@example.org",
            name="Ada",
            state="sent",
            next_at=None,
        ),
    )
    return street


def of_ada(street):
    with street.database.reading() as session:
        letter = session.scalars(select(Letter).where(Letter.message_id == OURS)).one()
        tried = session.scalars(select(Delivery.outcome).where(Delivery.letter_id == letter.id)).all()
        held = session.scalars(select(Suppression.email).where(Suppression.released_at.is_(None)))
        return letter.state, list(tried), list(held)


def say(visitor, *items, headers=BEARER):
    return visitor.post(HOOK, json={"items": list(items)}, headers=headers)


def of_letter(**other):
    return {"message_id": OURS, "kind": "bounced", "status": "5.1.1", "said": "550 no such user", **other}


@pytest.mark.parametrize("written", [OURS, OURS.strip("<>")])
def test_a_bounce_is_noted_once_however_the_message_id_is_written(visitor, sent, written):
    answers = [say(visitor, of_letter(message_id=written)) for _ in range(2)]

    assert [answer.json for answer in answers] == [{"noted": 1}, {"noted": 0}]
    assert of_ada(sent) == ("bounced", ["bounced"], ["ada@example.org"])


def test_a_bounce_that_is_not_the_address_s_fault_leaves_the_address_alone(visitor, sent):
    say(visitor, of_letter(status="5.2.2", said="552 mailbox full"))

    assert of_ada(sent) == ("bounced", ["bounced"], [])


def test_a_bounce_without_a_code_is_judged_by_the_server_s_words(visitor, sent):
    say(visitor, of_letter(status="", said="550 User unknown"))

    assert of_ada(sent) == ("bounced", ["bounced"], ["ada@example.org"])


def test_a_delay_is_noted_and_the_letter_counts_as_sent(visitor, sent):
    assert say(visitor, of_letter(kind="delayed", status="4.4.1")).json == {"noted": 1}

    assert of_ada(sent) == ("sent", ["delayed"], [])


def test_letters_of_others_are_passed_over_and_ours_among_them_are_noted(visitor, sent):
    answer = say(visitor, of_letter(message_id="<someone@else.example>"), of_letter())

    assert answer.json == {"noted": 1}
    assert of_ada(sent)[0] == "bounced"


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"kind": "opened"}, "kind"),
        ({"status": "550"}, "status"),
        ({"message_id": ""}, "message_id"),
        ({"mail": "ada@example.org"}, "mail"),
    ],
)
def test_what_cannot_be_read_is_named_and_nothing_is_noted(visitor, sent, wrong, field):
    answer = say(visitor, of_letter(), of_letter(**wrong))

    assert answer.status_code == 422
    assert field in str(answer.json["errors"])
    assert of_ada(sent) == ("sent", [], [])


def test_a_whole_report_is_read_as_from_the_mailbox(visitor, sent):
    answers = [visitor.post(f"{HOOK}/reports", data=POSTFIX, headers=BEARER) for _ in range(2)]

    assert [answer.json for answer in answers] == [{"noted": 1}, {"noted": 0}]
    assert of_ada(sent) == ("bounced", ["bounced"], ["ada@example.org"])


def test_a_robot_s_reply_changes_nothing(visitor, sent):
    assert visitor.post(f"{HOOK}/reports", data=AWAY, headers=BEARER).json == {"noted": 0}

    assert of_ada(sent) == ("sent", [], [])


def test_a_report_of_nothing_is_refused(visitor):
    answer = visitor.post(f"{HOOK}/reports", data=b" ", headers=BEARER)

    assert (answer.status_code, answer.json["code"]) == (400, "unreadable")


def test_a_report_of_ten_megabytes_is_refused(visitor, sent):
    answer = visitor.post(f"{HOOK}/reports", data=POSTFIX + b"x" * 10_000_000, headers=BEARER)

    assert answer.status_code == 413
    assert of_ada(sent)[0] == "sent"


def test_the_key_may_be_a_password(visitor, sent):
    answer = visitor.post(HOOK, json={"items": [of_letter()]}, auth=("hook", KEY))

    assert answer.json == {"noted": 1}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer another key of sixteen"},
        {"Authorization": "Bearer"},
        {"Authorization": "Basic ???"},
    ],
)
@pytest.mark.parametrize("address", [HOOK, f"{HOOK}/reports"])
def test_without_the_key_nobody_may_tell_whatever_they_send(visitor, sent, headers, address):
    answer = visitor.post(address, data=b"not even JSON", headers=headers)

    assert (answer.status_code, answer.json["code"]) == (401, "sign-in-needed")
    assert of_ada(sent)[0] == "sent"


def test_an_organiser_is_no_mail_provider(program, sent):
    assert say(program, of_letter(), headers={}).status_code == 401


def test_without_a_key_in_the_settings_the_door_stays_shut(street):
    visitor = service.create_app(service, street.database, some_settings()).test_client()

    for headers in ({}, {"Authorization": "Bearer "}, {"Authorization": "Basic Og=="}):
        assert say(visitor, of_letter(), headers=headers).status_code == 401


def test_programs_see_the_addresses_that_letters_come_back_from_and_take_them_off(program, visitor, sent):
    say(visitor, of_letter())

    (row,) = program.get(LISTED).json["items"]
    assert (row["email"], row["said"], row["released_at"]) == ("ada@example.org", "550 no such user", None)
    bare = program.post(f"{LISTED}/{row['id']}/release", json={"why": " "})
    freed = program.post(f"{LISTED}/{row['id']}/release", json={"why": "A new mailbox"})

    assert (bare.status_code, list(bare.json["errors"])) == (422, ["why"])
    assert freed.json["released_why"] == "A new mailbox"
    assert program.post(f"{LISTED}/{row['id']}/release", json={"why": "Again"}).status_code == 404
    assert program.get(LISTED, query_string={"held": "true"}).json["items"] == []
    assert [one["email"] for one in program.get(LISTED, query_string={"held": "false"}).json["items"]] == [
        "ada@example.org"
    ]


def test_programs_see_no_address_of_another_gathering(program, sent):
    with sent.database.transaction() as session:
        suppressions.suppress(session, "elsewhere@example.org", letter_id=None, said="550", now=NOON)

    assert program.get(LISTED).json["items"] == []
