"""What people are told, fact by fact."""

from __future__ import annotations

import json
from pathlib import Path
from uuid import NAMESPACE_URL, uuid4, uuid5

import pytest

from services.notifications import announcements
from services.notifications.models import EarlyFact
from services.notifications.tasks import inbox
from tests.unit.notifications.conftest import NOON, SPRING, a_description, a_person, registered
from tests.unit.notifications.reading import appointment, opened, strictly

LATER = "2027-03-04T18:00:00+00:00"


def placed(person, **other):
    round_id = other.pop("round_id", "018f0000-0000-7000-8000-00000000000a")
    return {
        "placement_id": str(uuid5(NAMESPACE_URL, round_id + person["participant_id"])),
        "participant_id": person["participant_id"],
        "gathering_id": str(SPRING),
        "round_id": round_id,
        "kind": "topics",
        "round_name": "Sujets",
        "group_number": 4,
        "group_name": "Le logement",
        "question": "Que faire quand le logement lâche avant le travail ?",
        "role": "member",
        "companions": 10,
        "reasons": [],
        "version": 1,
        "moved": False,
        "before_number": None,
        **other,
    }


def test_the_same_fact_twice_is_one_letter(street):
    rung = street.hear("registration.participant_registered.v1", registered(a_person()))

    assert inbox.hear(street.database, rung) == "again"

    assert [letter.kind for letter in street.letters()] == ["registered"]


def test_the_same_news_under_another_number_is_one_letter(street):
    """Registration may tell the same again (a replay): the letter's own key holds, not only the inbox."""
    ada = registered(a_person())

    street.hear("registration.participant_registered.v1", ada)
    street.hear("registration.participant_registered.v1", ada)

    assert [letter.kind for letter in street.letters()] == ["registered"]


def test_a_person_heard_of_before_their_gathering_is_written_to_when_it_is_known(ears):
    ada = a_person()
    ears.hear("registration.participant_registered.v1", registered(ada))
    ears.hear(
        "registration.participant_changed.v1",
        {**ada, "before": {"structure": "A"}, "after": {"structure": "B"}},
    )
    ears.hear("grouping.person_placed.v1", placed(ada), subject="placement_id")
    assert ears.letters() == []

    ears.describe()

    assert sorted(letter.kind for letter in ears.letters()) == ["changed", "placement", "registered"]
    assert [int(appointment(letter)[1]["sequence"]) for letter in ears.letters() if letter.ics] == [1, 0]
    with ears.database.reading() as session:
        assert session.query(EarlyFact).count() == 0


def test_a_place_heard_of_before_its_person_is_told_when_they_are_known(street):
    ada = a_person()
    street.hear("grouping.person_placed.v1", placed(ada), subject="placement_id")
    assert street.letters() == []

    street.hear("registration.participant_registered.v1", registered(ada))

    assert sorted(letter.kind for letter in street.letters()) == ["placement", "registered"]


def test_sign_in_needs_no_gathering(ears):
    asked = {
        "sign_in_id": str(uuid4()),
        "email": "odile@passerelles.example",
        "link": "https://palabre.example/entrer/abc",
        "code": "482 913",
        "expires_at": LATER,
        "language": "fr",
    }

    ears.hear("registration.sign_in_asked.v1", asked, subject="sign_in_id")

    (letter,) = ears.letters()
    assert (letter.kind, letter.state, letter.gathering_id) == ("sign-in", "queued", None)
    assert "https://palabre.example/entrer/abc" in letter.text
    assert "482 913" in letter.text


def test_an_invitation_waits_for_a_person_and_can_be_refused(street):
    invited = {**a_person(), "invitation_id": str(uuid4())}

    street.hear("registration.person_invited.v1", invited, subject="invitation_id")

    (letter,) = street.letters()
    assert (letter.state, letter.is_solicitation, letter.next_at) == ("draft", True, None)
    assert opened(letter)["Precedence"] == "bulk"


def test_an_answer_puts_the_invitation_aside(street):
    ada = a_person()
    street.hear(
        "registration.person_invited.v1", {**ada, "invitation_id": str(uuid4())}, subject="invitation_id"
    )

    street.hear("registration.participant_registered.v1", registered(ada))

    assert [letter.state for letter in street.letters("invitation")] == ["discarded"]


def test_two_people_at_one_address_keep_two_invitations(street):
    for given in ("Ada", "Bo"):
        invited = {**a_person(given=given), "invitation_id": str(uuid4())}
        street.hear("registration.person_invited.v1", invited, subject="invitation_id")

    street.hear("registration.participant_registered.v1", registered(a_person()))

    assert {letter.name: letter.state for letter in street.letters("invitation")} == {
        "Ada Kermarrec": "discarded",
        "Bo Kermarrec": "draft",
    }


def test_someone_without_an_address_gets_no_letter(street):
    street.hear("registration.participant_registered.v1", registered(a_person(email="")))

    assert street.letters() == []


def test_the_calendar_has_one_uid_and_a_sequence_that_only_rises(street):
    ada = a_person()
    street.hear("registration.participant_registered.v1", registered(ada))
    street.hear(
        "registration.participant_changed.v1",
        {**ada, "before": {"structure": "A"}, "after": {"structure": "B"}},
    )
    street.describe(version=2, starts_at="2027-04-09T07:30:00+00:00", ends_at="2027-04-09T15:00:00+00:00")
    street.hear(
        "registration.participant_cancelled.v1", {**ada, "held_seat": True, "cancelled_at": NOON.isoformat()}
    )
    street.hear("registration.participant_restored.v1", registered(ada))
    street.describe(version=3, state="cancelled")

    told = sorted(
        ((int(event["sequence"]), method, str(event["status"]), str(event["uid"])))
        for method, event in map(appointment, street.letters())
    )
    uid = f"{SPRING}.{ada['participant_id']}@palabre.example"
    assert told == [
        (0, "REQUEST", "CONFIRMED", uid),
        (1, "REQUEST", "CONFIRMED", uid),
        (2, "REQUEST", "CONFIRMED", uid),
        (3, "CANCEL", "CANCELLED", uid),
        (4, "REQUEST", "CONFIRMED", uid),
        (5, "CANCEL", "CANCELLED", uid),
    ]


def test_the_personal_link_is_never_in_the_calendar(street):
    street.hear("registration.participant_registered.v1", registered(a_person()))

    (letter,) = street.letters()
    assert "7hq2" in letter.text
    assert "7hq2" not in (letter.ics or "")


def test_a_new_date_says_before_and_after_to_all_who_come_or_wait(street):
    ada, bo, cy = a_person(), a_person(given="Bo"), a_person(given="Cy")
    street.hear("registration.participant_registered.v1", registered(ada))
    street.hear("registration.participant_waitlisted.v1", {**bo, "rank": 1, "reason": "full"})
    street.hear("registration.participant_registered.v1", registered(cy))
    street.hear(
        "registration.participant_cancelled.v1", {**cy, "held_seat": True, "cancelled_at": NOON.isoformat()}
    )

    street.describe(version=2, starts_at="2027-04-09T07:30:00+00:00", ends_at="2027-04-09T15:00:00+00:00")

    told = {letter.name: letter for letter in street.letters("gathering-changed")}
    assert told.keys() == {"Ada Kermarrec", "Bo Kermarrec"}
    assert "vendredi 9\u00a0avril 2027" in told["Ada Kermarrec"].text
    assert "jeudi 8\u00a0avril 2027" in told["Ada Kermarrec"].text
    assert (told["Ada Kermarrec"].ics_method, told["Bo Kermarrec"].ics) == ("REQUEST", None)


def test_a_new_title_alone_is_nobody_s_letter(street):
    street.hear("registration.participant_registered.v1", registered(a_person()))

    street.describe(version=2, title="La table d'été")

    assert [letter.kind for letter in street.letters()] == ["registered"]


def test_an_older_description_changes_nothing(street):
    street.describe(version=3, place="Halle aux grains")

    street.describe(version=2, place="Ailleurs")

    street.hear("registration.participant_registered.v1", registered(a_person()))
    assert "Halle aux grains" in street.letters()[0].text


def test_a_cancelled_gathering_puts_its_drafts_aside(street):
    invited = {**a_person(), "invitation_id": str(uuid4())}
    street.hear("registration.person_invited.v1", invited, subject="invitation_id")

    street.describe(version=2, state="cancelled")

    assert [letter.state for letter in street.letters("invitation")] == ["discarded"]


def test_the_same_place_is_not_told_twice_and_a_move_is_told_once(street):
    ada = a_person()
    street.hear("registration.participant_registered.v1", registered(ada))
    street.hear("grouping.person_placed.v1", placed(ada), subject="placement_id")
    street.hear("grouping.person_placed.v1", placed(ada, version=2, moved=True), subject="placement_id")
    street.hear(
        "grouping.person_placed.v1",
        placed(ada, version=3, moved=True, group_number=7, group_name="L'argent", before_number=4),
        subject="placement_id",
    )

    assert sorted(letter.kind for letter in street.letters()) == ["moved", "placement", "registered"]
    (moved,) = street.letters("moved")
    assert "vous quittez le groupe 4 pour le groupe 7" in moved.text


def test_before_and_after_are_said_with_their_labels(street):
    ada = a_person()
    street.hear("registration.participant_registered.v1", registered(ada))

    street.hear(
        "registration.participant_changed.v1",
        {**ada, "before": {"structure": "Atelier Dupont"}, "after": {"structure": "Atelier Durand"}},
    )

    (letter,) = street.letters("changed")
    assert "- Structure\u00a0: «\u202fAtelier Dupont\u202f» devient «\u202fAtelier Durand\u202f»" in letter.text


def test_the_account_is_announced_once_to_those_who_hold_a_seat(street):
    for person in (ada := a_person(), bo := a_person(given="Bo")):
        street.hear("registration.participant_registered.v1", registered(person))
    street.hear(
        "registration.participant_cancelled.v1", {**bo, "held_seat": True, "cancelled_at": NOON.isoformat()}
    )
    account = {
        "gathering_id": str(SPRING),
        "title": "Retour",
        "link": "https://palabre.example/retour/table-de-printemps",
        "published_at": LATER,
    }

    street.hear("feedback.account_published.v1", account, subject="gathering_id")
    street.hear("feedback.account_published.v1", account, subject="gathering_id")

    assert [str(letter.participant_id) for letter in street.letters("account")] == [ada["participant_id"]]


@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_letter_is_valid_in_both_languages(street, language):
    ada = a_person(language=language)
    street.hear(
        "registration.person_invited.v1", {**ada, "invitation_id": str(uuid4())}, subject="invitation_id"
    )
    street.hear(
        "registration.sign_in_asked.v1",
        {**ada, "sign_in_id": str(uuid4()), "code": "1", "expires_at": LATER},
        subject="sign_in_id",
    )
    confirm = {**ada, "code": "482 913", "expires_at": LATER}
    street.hear("registration.address_to_confirm.v1", confirm)
    street.hear("registration.participant_waitlisted.v1", {**ada, "rank": 3, "reason": "quota"})
    street.hear("registration.seat_offered.v1", {**ada, "expires_at": LATER})
    street.hear("registration.offer_expired.v1", ada)
    street.hear("registration.participant_registered.v1", registered(ada))
    street.hear(
        "registration.participant_changed.v1", {**ada, "before": {"trade": "a"}, "after": {"trade": "b"}}
    )
    street.hear("grouping.person_placed.v1", placed(ada, kind="angles", role="teller"), subject="placement_id")
    moved = placed(ada, version=2, moved=True, group_number=5, before_number=4)
    street.hear("grouping.person_placed.v1", moved, subject="placement_id")
    street.hear(
        "feedback.questionnaire_addressed.v1",
        {**ada, "invite_id": str(uuid4()), "closes_at": LATER},
        subject="invite_id",
    )
    street.hear(
        "feedback.account_published.v1",
        {"gathering_id": str(SPRING), "title": "t", "link": "https://x.example/retour", "published_at": LATER},
        subject="gathering_id",
    )
    street.describe(version=2, place="Halle aux grains")
    street.hear(
        "registration.participant_cancelled.v1", {**ada, "held_seat": True, "cancelled_at": NOON.isoformat()}
    )
    street.hear("registration.participant_restored.v1", registered(ada))
    street.describe(version=3, state="cancelled")

    letters = street.letters()
    assert len({letter.kind for letter in letters}) == len(letters) == 16
    for letter in letters:
        message = opened(letter)
        assert [p.get_content_type() for p in message.walk() if not p.is_multipart()][:2] == [
            "text/plain",
            "text/html",
        ]
        assert message["Auto-Submitted"] == "auto-generated"
        assert message["Message-ID"] == letter.message_id
        strictly(letter.html)
        assert len(letter.html.encode()) <= 40_000
        assert "src=" not in letter.html
        assert all(len(line) <= 72 or "://" in line for line in letter.text.splitlines())
        assert "{" not in letter.text
        assert letter.language == language


def test_a_hostile_description_is_only_words(ears):
    ears.describe(title='<b>Table</b>\r\nBcc: all@x.example "x"', organiser_name='Eve\r\n" <eve@x.example>')
    ears.hear("registration.participant_registered.v1", registered(a_person()))

    (letter,) = ears.letters()
    message = opened(letter)
    assert message["Bcc"] is None
    assert message["From"].addresses[0].addr_spec == "palabre@passerelles.example"
    assert "<b>" not in letter.html
    assert a_description()["reply_to"] == message["Reply-To"].addresses[0].addr_spec


def test_a_question_that_names_its_group_is_said_once(street):
    ada, question = a_person(), "Comment passer le relais sans perdre le fil ?"
    street.hear("registration.participant_registered.v1", registered(ada))

    street.hear(
        "grouping.person_placed.v1", placed(ada, group_name=question, question=question), subject="placement_id"
    )
    street.hear(
        "grouping.person_placed.v1",
        placed(
            ada, group_name=question, question=question, version=2, moved=True, group_number=5, before_number=4
        ),
        subject="placement_id",
    )

    for kind in ("placement", "moved"):
        (letter,) = street.letters(kind)
        assert letter.text.count(f"  {question}\n") == letter.text.count("Comment passer le relais") == 1


def test_every_fact_ever_told_can_be_heard_and_written_about(street):
    """The frozen examples, as the tellers wrote them."""
    examples = Path(__file__).parents[2] / "contract" / "facts"
    for path in sorted(examples.glob("*.json")):
        fact_type = path.stem.partition("@")[0]
        if fact_type in announcements.FACTS:
            fact = announcements.FACTS[fact_type].reads().load(json.loads(path.read_text(encoding="utf-8")))
            street.describe(version=10 + len(street.letters()), gathering_id=str(fact["gathering_id"]))
            with street.database.transaction() as session:
                told = {"_event_id": uuid4(), "_happened_at": NOON, "_trace": "t"}
                announcements.hear(session, fact_type, {**fact, **told}, NOON)


@pytest.mark.parametrize("language, said", [("fr", "Ce n'est pas vous ?"), ("en", "It was not you?")])
@pytest.mark.parametrize(
    "account, shown", [("o.martin@work.example", "o.martin@work.example"), ("", "odile@example.org")]
)
def test_an_organiser_reads_of_each_account_elsewhere_that_opens_the_door_for_them(
    ears, language, said, account, shown
):
    ears.hear(
        "registration.identity_bound.v1",
        {
            "identity_id": str(uuid4()),
            "email": "odile@example.org",
            "name": "Odile",
            "provider": "ProConnect",
            "account": account,
            "link": "https://palabre.example/compte",
            "language": language,
        },
        subject="identity_id",
    )

    (letter,) = ears.letters()
    text = letter.text.replace("’", "'").replace("\u202f", " ").replace("\u00a0", " ")
    assert (letter.kind, letter.state, letter.gathering_id) == ("identity", "queued", None)
    for words in (said, "Odile", "ProConnect", shown, "https://palabre.example/compte"):
        assert words in text
    strictly(letter.html)


@pytest.mark.parametrize("language, said", [("fr", "Ce n'est pas vous ?"), ("en", "It was not you?")])
def test_an_organiser_reads_of_each_passkey_that_opens_the_door_for_them(ears, language, said):
    ears.hear(
        "registration.passkey_added.v1",
        {
            "passkey_id": str(uuid4()),
            "email": "odile@example.org",
            "name": "Odile",
            "passkey": "Mon téléphone",
            "link": "https://palabre.example/compte",
            "language": language,
        },
        subject="passkey_id",
    )

    (letter,) = ears.letters()
    text = letter.text.replace("’", "'").replace("\u202f", " ").replace("\u00a0", " ")
    assert (letter.kind, letter.state, letter.gathering_id) == ("passkey", "queued", None)
    for words in (said, "Odile", "Mon téléphone", "https://palabre.example/compte"):
        assert words in text
    strictly(letter.html)


@pytest.mark.parametrize(
    "language, said", [("fr", "Vous tenez l'accueil"), ("en", "You keep the welcome desk")]
)
def test_a_colleague_reads_who_asks_for_what_help_until_when_and_comes_in_by_the_letter(street, language, said):
    street.hear(
        "registration.colleague_invited.v1",
        {
            "role_id": str(uuid4()),
            "gathering_id": str(SPRING),
            "sign_in_id": str(uuid4()),
            "email": "dan@example.org",
            "name": "Dan",
            "role": "desk",
            "invited_by": "Odile Fabre",
            "link": "https://palabre.example/entrer/3mZ4o0Wb9y2?suite=/o/table-de-printemps",
            "expires_at": LATER,
            "language": language,
        },
        subject="role_id",
    )

    (letter,) = street.letters("colleague")
    text = letter.text.replace("\n", " ").replace("’", "'")
    assert (said in text, "Odile Fabre" in text, "La table de printemps" in letter.subject) == (
        True,
        True,
        True,
    )
    assert "https://palabre.example/entrer/3mZ4o0Wb9y2?suite=/o/table-de-printemps" in letter.text
    assert {"fr": "4 mars", "en": "4 March"}[language] in text.replace("\u00a0", " ")
    strictly(letter.html)


def test_who_was_joined_to_somebody_is_not_told_that_they_are_cancelled_and_what_waits_does_not_leave(street):
    ada = a_person()
    street.hear("registration.participant_registered.v1", registered(ada))

    gone = {**ada, "held_seat": True, "is_silent": True, "cancelled_at": NOON.isoformat()}
    street.hear("registration.participant_cancelled.v1", gone)

    assert [(letter.kind, letter.state) for letter in street.letters()] == [("registered", "discarded")]
