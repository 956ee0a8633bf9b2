"""Every kind of letter, whatever its people and its gathering are called: valid for strangers, and nobody watches."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from uuid import UUID

import html5lib
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.notifications import digests
from services.notifications.models import Letter
from services.notifications.posters import seal
from services.notifications.writing import composing, words
from services.notifications.writing.kinds import KINDS
from tests.unit.notifications.reading import body, opened, strictly
from tests.unit.notifications.test_writing import HOSTILE

LINK, PUBLIC = "https://palabre.example/moi/7hq2-secret", "https://palabre.example/r/table"
MORNING = datetime(2027, 4, 8, 7, 30, tzinfo=UTC)
WHOLE_LIMIT = 40_000
_NAMES = (
    *(
        "given",
        "family",
        "title",
        "purpose",
        "place",
        "organiser",
        "code",
        "invited_by",
        "handed_by",
        "handed_to",
    ),
    *("had_when", "had_place", "territory", "group_name", "question", "passkey", "provider", "account"),
)
hostile = st.one_of(
    st.sampled_from([*HOSTILE, "🎉" * 120, '"' * 120, "<b>" * 40, "é" * 120, "\u0645" * 120]),
    st.text(max_size=120),
)


def told(called, **other):
    """All that any letter may speak of, everything with a name bearing this one."""
    return {
        **dict.fromkeys(_NAMES, called),
        "starts_at": MORNING,
        "ends_at": MORNING + timedelta(hours=7),
        "expires_at": MORNING - timedelta(days=10),
        "closes_at": MORNING + timedelta(days=14),
        "kept_until": MORNING + timedelta(days=365),
        "zone": "Europe/Paris",
        "public_url": PUBLIC,
        "link": LINK,
        "helps_as": "desk",
        "held_seat": True,
        "has_seat": True,
        "plan": [called, called],
        "rank": 3,
        "number": 4,
        "reason": "full",
        "changes": [{"label": "Structure", "before": called, "after": called}],
        "round_kind": "topics",
        "group_number": 4,
        "role": "member",
        "duty": "facilitator",
        "before_duty": "rapporteur",
        "people": [{"name": called, "duty": duty} for duty in ("facilitator", "timekeeper", "")],
        "companions": 10,
        "reasons": [called, called],
        "before_number": 2,
        "failures": [{"name": called, "subject": called, "state": "bounced"}] * digests.NAMED,
        "failed": digests.NAMED + 3,
        "others": 3,
        "drafts": 2,
        **other,
    }


def a_letter(kind, language, called, **other):
    written = composing.write(kind, language, writing="median", about=told(called, **other))
    return Letter(
        id=UUID(int=7),
        kind=kind,
        message_id="<7@palabre.example>",
        email="ada@example.org",
        name=words.full_name(called, called),
        sender_name=called,
        reply_to=called,
        language=language,
        subject=written.subject,
        text=written.text,
        html=written.html,
        is_solicitation=KINDS[kind].is_solicitation,
        queued_at=MORNING,
        created_at=MORNING,
    )


kinds, languages = st.sampled_from(sorted(KINDS)), st.sampled_from(composing.LANGUAGES)


@settings(max_examples=60, deadline=None)
@given(kind=kinds, language=languages, called=hostile)
def test_every_letter_is_read_back_by_the_standard_library_and_by_a_validator(kind, language, called):
    letter = a_letter(kind, language, called)

    message = opened(letter)

    assert message["Subject"].split() == letter.subject.split()
    assert [address.addr_spec for address in message["To"].addresses] == ["ada@example.org"]
    assert {"Bcc", "Cc", "Sender"}.isdisjoint(message.keys())
    strictly(body(message, "html"))


@settings(max_examples=60, deadline=None)
@given(kind=kinds, language=languages, called=hostile)
def test_the_text_comes_first_and_its_html_twin_after_it(kind, language, called):
    message = opened(a_letter(kind, language, called))

    assert [part.get_content_type() for part in message.walk() if not part.is_multipart()] == [
        "text/plain",
        "text/html",
    ]
    assert body(message, "plain").strip()


@settings(max_examples=60, deadline=None)
@given(kind=kinds, language=languages, called=hostile)
def test_both_twins_say_the_same_words_and_lead_to_the_same_places(kind, language, called):
    letter = a_letter(kind, language, called)

    page = html5lib.parse(letter.html, namespaceHTMLElements=False)
    shown = "".join(page.find("body").itertext())
    led_to = {anchor.get("href") for anchor in page.iter("a")}

    assert led_to <= {LINK, PUBLIC}
    assert all(link in letter.text for link in led_to)
    # A button shows its link once more beside it; lists have their sign.
    assert sorted(set(_words(shown))) == sorted(set(_words(letter.text)))


@settings(max_examples=60, deadline=None)
@given(kind=kinds, language=languages, called=hostile)
def test_no_letter_loads_anything_from_elsewhere(kind, language, called):
    page = html5lib.parse(a_letter(kind, language, called).html, namespaceHTMLElements=False)

    tags = {element.tag for element in page.iter() if isinstance(element.tag, str)}
    attributes = {name for element in page.iter() for name in element.attrib}
    style = "".join(element.text or "" for element in page.iter("style"))

    assert tags <= {"html", "head", "meta", "title", "style", "body", "table", "tbody", "tr", "td", "p", "a"}
    assert attributes.isdisjoint(
        {"src", "srcset", "background", "poster", "data", "action", "onload", "onclick"}
    )
    assert not re.search(r"url\(|@import", style)
    assert not any("url(" in element.get("style", "") for element in page.iter())


@settings(max_examples=60, deadline=None)
@given(kind=kinds, language=languages, called=hostile)
@example(kind="digest", language="fr", called="🎉" * 120)
@example(kind="digest", language="fr", called="é" * 120)
@example(kind="digest", language="en", called="\u0645" * 120)
def test_no_letter_is_longer_than_forty_kilobytes(kind, language, called):
    letter = a_letter(kind, language, called)

    assert len(letter.html.encode()) <= composing.HTML_LIMIT
    assert len(seal(letter, "palabre@passerelles.example")) <= WHOLE_LIMIT


@pytest.mark.parametrize("called", ["\u202egnp.exe", "Ada\u2066\u2067x", "\u200fAda\u202d"])
def test_nothing_a_person_is_called_turns_the_words_around_it(called):
    letter = a_letter("registered", "en", called)

    for said in (letter.subject, letter.text, letter.html):
        assert not re.search("[\u202a-\u202e\u2066\u2067]", said)
        # What was opened around a name is closed behind it.
        assert said.count("\u2068") == said.count("\u2069")


@settings(max_examples=60, deadline=None)
@example(typed=".@example.org")
@example(typed="ada..lovelace@example.org")
@example(typed="ada@example..org")
@given(typed=st.one_of(st.emails(), st.text(max_size=40).map(lambda local: f"{local}@example.org"), hostile))
def test_whatever_an_organiser_types_as_their_address_the_letter_is_valid(typed):
    letter = a_letter("registered", "en", "Ada")
    letter.reply_to = typed

    answers = opened(letter)["Reply-To"]

    assert answers is None or len(answers.addresses) == 1


def test_a_header_cannot_be_made_of_a_name():
    raw = seal(
        a_letter("registered", "en", "Ada\r\nBcc: all@example.org\r\n\r\nHello"), "p@passerelles.example"
    )

    assert message_from_bytes(raw, policy=default)["Bcc"] is None


def _words(said):
    """What is read, without the signs that only one of the twins needs."""
    return [sign for sign in re.sub(r"[\s\u2022-]+", "", said)]
