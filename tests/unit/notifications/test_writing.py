"""Words, twins, envelopes and calendars, with whatever people type."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.header import decode_header, make_header
from email.policy import compat32
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.notifications.models import Letter
from services.notifications.posters import seal
from services.notifications.writing import calendars, composing, envelopes, labels, twins, words
from services.notifications.writing.kinds import KINDS
from tests.unit.notifications.reading import appointment, body, opened, strictly

MORNING = datetime(2027, 4, 8, 7, 30, tzinfo=UTC)
HOSTILE = [
    "Ada\r\nBcc: everybody@example.org",
    'Ann "Q" O\'Connor, <ann@x.example>; \\',
    "<script>alert(1)</script><b>Bo</b>",
    "\u202eنور الهدى\u202c",
    "🎉👩‍👩‍👧 Cléo",
    "Maximilienne-Éléonore de La Tour-Saint-Quelque-Chose du Bois-Joli de Haute-Rivière",
    "=?utf-8?q?Bcc=3A?=",
    "Nguyễn Thị",
    "{{ link }} {% raw %}",
    "\ue0000\ue001",
    "BEGIN:VEVENT;X=1:,\\n",
    "a\x00b\x07c\u2028d\ufeff",
    "- liste\n\n  citation\n\nVoir :\nhttps://evil.example",
]
anything = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=90))


def about(**other):
    return {
        "given": "Ada",
        "family": "Kermarrec",
        "title": "La table",
        "purpose": "",
        "starts_at": MORNING,
        "ends_at": MORNING + timedelta(hours=7, minutes=30),
        "zone": "Europe/Paris",
        "place": "Rennes",
        "organiser": "Clarisse",
        "public_url": "https://palabre.example/r/table",
        "link": "https://palabre.example/moi/7hq2",
        **other,
    }


def a_letter(name, **other):
    written = composing.write(
        "registered", "fr", about=about(given=name, title=name, place=name, organiser=name)
    )
    letter_id = uuid4()
    ics = calendars.render(
        calendars.Appointment(
            uid=f"{letter_id}@palabre.example",
            sequence=0,
            title=name,
            purpose=name,
            starts_at=MORNING,
            ends_at=MORNING + timedelta(hours=1),
            place=name,
            url="https://palabre.example/r/table",
            organiser_name=name,
            organiser_email="equipe@passerelles.example",
            attendee_name=name,
            attendee_email="ada@example.org",
        ),
        "REQUEST",
        now=MORNING,
    )
    return Letter(
        **{
            "id": letter_id,
            "message_id": f"<{letter_id}@palabre.example>",
            "email": "ada@example.org",
            "name": name,
            "sender_name": name,
            "reply_to": "equipe@passerelles.example",
            "language": "fr",
            "subject": written.subject,
            "text": written.text,
            "html": written.html,
            "ics": ics,
            "ics_method": "REQUEST",
            "is_solicitation": False,
            "queued_at": MORNING,
            "created_at": MORNING,
            **other,
        }
    )


def spoken_in(letter, header):
    """A header as an older reader decodes it: Python 3.11's own address parser adds spaces between encoded words."""
    raw = message_from_bytes(seal(letter, "palabre@passerelles.example"), policy=compat32)
    return str(make_header(decode_header(raw[header])))


def quoted(name):
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


@settings(max_examples=60, deadline=None)
@given(name=anything)
def test_whatever_a_person_is_called_their_letter_is_valid(name):
    letter = a_letter(name)

    message = opened(letter)

    spoken, shown = words.one_line(name), words.one_line(name, limit=120)
    assert set(message.keys()) == {
        "From",
        "To",
        "Reply-To",
        "Subject",
        "Date",
        "Message-ID",
        "Content-Language",
        "Auto-Submitted",
        "X-Auto-Response-Suppress",
        "MIME-Version",
        "Content-Type",
    }
    (to,) = message["To"].addresses
    assert to.addr_spec == "ada@example.org"
    assert spoken_in(letter, "To").rpartition("<")[0].split() in (shown.split(), quoted(shown).split())
    assert message["Subject"].split() == letter.subject.split()
    assert body(message, "plain").replace("\r\n", "\n") == letter.text
    strictly(body(message, "html"))
    method, event = appointment(letter)
    assert method == "REQUEST"
    assert str(event["summary"]) == words.one_line(name, limit=250)
    assert str(event.get("location", "")) == words.one_line(name, limit=250)
    assert event["attendee"] == "mailto:ada@example.org"
    # Their name is words: it is neither a button nor a quotation, in whichever twin.
    assert letter.html.count("<a ") == 2
    assert spoken.replace(" ", "") in letter.text.replace("\n", "").replace(" ", "") or "\u2068" in letter.text


def test_a_name_that_reads_from_right_to_left_does_not_turn_the_sentence():
    written = composing.write("registered", "fr", about=about(given="\u202eنور"))

    assert written.text.startswith("Bonjour \u2068نور\u2069,")


def test_a_value_is_never_a_link():
    written = composing.write("registered", "fr", about=about(link="javascript:alert(1)"))

    assert "<a " not in written.html


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_its_words_in_both_languages(kind):
    for language in composing.LANGUAGES:
        assert (composing.FOLDER / language / f"{kind}.txt").exists()


def test_a_template_that_names_what_is_not_there_is_our_error():
    with pytest.raises(Exception, match="code"):
        composing.write("sign-in", "fr", about=about())


@pytest.mark.parametrize(
    "style, said",
    [
        ("median", "Vous êtes attendu·e."),
        ("doublet", "Vous êtes attendu ou attendue."),
        ("epicene", "Votre présence compte."),
    ],
)
def test_the_gathering_chooses_its_inclusive_writing(style, said):
    assert said in composing.write("invitation", "fr", writing=style, about=about()).text


def test_what_was_typed_keeps_its_signs_and_what_we_say_is_set():
    written = composing.write("registered", "fr", about=about(title="L'atelier : rendez-vous !"))

    assert "«\u202fL'atelier : rendez-vous !\u202f»" in written.text
    assert "Un empêchement\u202f?" in written.text


def test_edited_words_make_their_twin():
    written = composing.rewrite(
        "Bonjour",
        "Bonjour Ada,\n\nUn <mot> & un autre.\n\n- un\n- deux\n\n  à part\n\nVoir ma place :\nhttps://x.example/a?b=1&c=2\n",
        language="fr",
    )

    strictly(written.html)
    assert "Un &lt;mot&gt; &amp; un autre." in written.html
    assert written.html.count('href="https://x.example/a?b=1&amp;c=2"') == 2
    assert written.text.endswith("Voir ma place :\nhttps://x.example/a?b=1&c=2\n")


@settings(deadline=None)
@given(text=st.text(max_size=400))
def test_whatever_an_organiser_types_is_a_valid_letter_and_stays_as_it_is(text):
    once = composing.rewrite("x", text, language="fr")

    strictly(once.html)
    again = composing.rewrite("x", once.text, language="fr")
    assert twins.blocks(again.text) == twins.blocks(once.text)


@pytest.mark.parametrize(
    "zone, said",
    [
        ("Europe/Paris", "jeudi 8\u00a0avril 2027, de 9\u202fh\u202f30 à 17\u202fh (heure de Paris)"),
        ("Indian/Reunion", "jeudi 8\u00a0avril 2027, de 11\u202fh\u202f30 à 19\u202fh (heure de La Réunion)"),
        (
            "America/Guadeloupe",
            "jeudi 8\u00a0avril 2027, de 3\u202fh\u202f30 à 11\u202fh (heure de Guadeloupe)",
        ),
    ],
)
def test_the_day_is_said_in_the_gathering_s_zone(zone, said):
    assert words.span(MORNING, MORNING + timedelta(hours=7, minutes=30), zone, "fr") == said


def test_two_days_are_both_said():
    said = words.span(MORNING, MORNING + timedelta(days=1), "Europe/Paris", "en")

    assert said.startswith("Thursday 8\u00a0April 2027 at 9:30")
    assert "to Friday 9\u00a0April 2027" in said


def test_a_letter_keeps_its_message_id():
    letter_id = UUID(int=7)

    assert envelopes.message_id(letter_id, "x@éxample.fr") == f"<{letter_id}@xn--xample-9ua.fr>"


def test_changes_are_said_by_label_and_the_rest_is_not_said():
    found = labels.changes(
        {"territory": "A", "link": "old", "given": "Ada"},
        {"territory": "B", "link": "new", "given": "Ada", "trade": "coordination"},
        "fr",
        {"A": "Armorique"},
    )

    assert found == [
        {"label": "Territoire", "before": "Armorique", "after": "B"},
        {"label": "Métier", "before": "", "after": "coordination"},
    ]


def test_grouping_s_reasons_are_said_in_words_and_unknown_ones_are_not():
    codes = ["carrier", "wish:2", "territories:6", "brings_territory:A", "moon_phase:3"]

    assert labels.reasons(codes, "fr", {"A": "Armorique"}) == [
        "C’était votre deuxième choix.",
        "Il réunit 6 territoires.",
        "Personne d’autre n’y vient de votre territoire\u00a0: Armorique.",
    ]


def test_every_reason_is_known_in_both_languages():
    assert labels.REASONS["fr"].keys() == labels.REASONS["en"].keys()
    assert labels.FIELDS["fr"].keys() == labels.FIELDS["en"].keys()


@settings(max_examples=200, deadline=None)
@given(subject=anything, header=st.sampled_from(["Subject", "From", "To"]))
def test_a_header_s_words_come_back_whole_from_lines_that_are_short(subject, header):
    spoken = words.one_line(subject, limit=250)

    coded = envelopes.encoded(header, spoken)

    assert str(make_header(decode_header(coded))) == spoken
    assert all(len(line) <= 76 for line in f"{header}: {coded}".split("\r\n"))
    for word in coded.split("\r\n "):
        assert word.isascii()
        assert len(word) <= 75
        # A word that ends in the midst of a sign is none (RFC 2047, section 5).
        decode_header(word)[0][0].decode("utf-8")
