"""DKIM as readers' servers check it: dkimpy verifies what our posters gave to a real server."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from email import message_from_bytes
from email.policy import default

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric import dsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import settings as bounds
from hypothesis import strategies as st

from services.chassis import settings as house
from services.chassis.settings import WrongSetting
from services.notifications import signatures
from services.notifications.app import service
from services.notifications.doors import Doors
from services.notifications.posters import seal
from services.notifications.signatures import Key
from services.notifications.writing import composing
from tests.unit.notifications.posted import SENDER, a_letter, queue

HOST = "passerelles.example"
RSA = Key("s1", HOST, generate_private_key(65537, 2048))
EDWARDS = Key("s2", HOST, Ed25519PrivateKey.generate())
BOTH = (EDWARDS, RSA)
DOORS = Doors("https://palabre.example", "s" * 32)


def is_believed(message, which=0, keys=BOTH):
    """Whether a reader's server believes the signature number `which`, with the DNS that the keys ask for."""
    zone = {f"{key.name}.": key.record.encode() for key in keys}
    try:
        return dkim.DKIM(message).verify(which, dnsfunc=lambda name, timeout=5: zone.get(name.decode()))
    except dkim.ValidationError:  # the body's sum is another
        return False


def kept(tmp_path, key, name="key.pem"):
    """The key in a file."""
    path = tmp_path / name
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return str(path)


def an_invitation(**other):
    return a_letter(kind="invitation", is_solicitation=True, **other)


ICS = "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"


@pytest.mark.parametrize("other", [{}, {"ics": ICS, "ics_method": "REQUEST"}, {"email": "zoé@example.org"}])
def test_what_a_server_received_is_believed_by_both_keys(sink, a_poster, street, other):
    queue(street.database, an_invitation(**other))

    a_poster(sink.start(enable_SMTPUTF8=True), doors=DOORS, keys=BOTH).post(street.database)

    (message,) = sink.messages
    assert [is_believed(message, which) for which in (0, 1)] == [True, True]


def test_a_letter_stays_whole_under_its_signatures():
    letter = an_invitation()

    plain, with_both = (seal(letter, SENDER, doors=DOORS, keys=keys) for keys in ((), BOTH))

    assert with_both.endswith(plain)
    assert len(message_from_bytes(with_both, policy=default).get_all("DKIM-Signature")) == 2
    assert max(len(line) for line in with_both.removesuffix(plain).split(b"\r\n")) <= 78


@bounds(max_examples=60, deadline=None)
@given(
    text=st.text(max_size=300),
    name=st.text(max_size=100),
    subject=st.text(max_size=100),
    tail=st.sampled_from(["", "\n", "\n\n\n", " \t\n", "  x \t \n"]),
)
def test_whatever_a_letter_says_its_signatures_hold(text, name, subject, tail):
    clean = composing.rewrite("", text, language="fr").text
    letter = an_invitation(text=clean + tail, name=name, subject=subject, html=clean)

    message = seal(letter, SENDER, doors=DOORS, keys=BOTH)

    assert [is_believed(message, which) for which in (0, 1)] == [True, True]


@pytest.mark.parametrize(
    ("header", "instead"),
    [
        (b"List-Unsubscribe: <https", b"List-Unsubscribe: <http"),
        (b"List-Unsubscribe-Post: List-Unsubscribe=One-Click", b"List-Unsubscribe-Post: x"),
        (b"Subject: ", b"Subject: Re: "),
        (b"\r\n\r\n", b"\r\nFrom: somebody@else.example\r\n\r\n"),
        (b"\r\n\r\n", b"\r\nReply-To: somebody@else.example\r\n\r\n"),
        (b"Bonjour", b"Au revoir"),
    ],
)
def test_who_changes_a_letter_on_its_way_is_not_believed(header, instead):
    message = seal(an_invitation(subject="Venez"), SENDER, doors=DOORS, keys=BOTH)
    at = message.index(header, message.index(b"From:"))

    changed = message[:at] + message[at:].replace(header, instead, 1)

    assert not any(is_believed(changed, which) for which in (0, 1))


def test_blanks_that_change_on_the_way_break_nothing():
    message = seal(an_invitation(subject="Venez donc"), SENDER, doors=DOORS, keys=BOTH)

    changed = message.replace(b"Subject: Venez donc", b"subject:  Venez\r\n\tdonc ") + b"\r\n\r\n"

    assert [is_believed(changed, which) for which in (0, 1)] == [True, True]


def test_without_a_key_a_letter_is_as_it_was():
    assert b"DKIM" not in seal(an_invitation(), SENDER, doors=DOORS)


def test_keys_are_read_from_their_files(tmp_path):
    wanted = (
        (RSA.name, kept(tmp_path, RSA.private, "one.pem")),
        (EDWARDS.name, kept(tmp_path, EDWARDS.private, "two.pem")),
    )

    found = signatures.keys(wanted, SENDER)

    assert [(key.name, key.record) for key in found] == [(key.name, key.record) for key in (RSA, EDWARDS)]


def test_a_house_above_the_sender_may_sign(tmp_path):
    wanted = (("s1._domainkey.example.org", kept(tmp_path, EDWARDS.private)),)

    assert [key.domain for key in signatures.keys(wanted, "palabre@letters.example.org")] == ["example.org"]


@pytest.mark.parametrize("wrong", ["absent", "words", "dsa", "domain", "public"])
def test_a_key_that_cannot_sign_is_refused_at_start_by_its_setting(street, settings, tmp_path, wrong):
    path, name = tmp_path / "key.pem", RSA.name
    if wrong == "words":
        path.write_text("not a key")
    elif wrong == "dsa":
        kept(tmp_path, dsa.generate_private_key(2048))
    elif wrong == "domain":
        kept(tmp_path, RSA.private)
        name = "s1._domainkey.es.example"
    elif wrong == "public":
        path.write_text(RSA.record)

    with pytest.raises(WrongSetting, match=r"^PALABRE_DKIM: .*\.$"):
        service.create_app(service, street.database, replace(settings, dkim=((name, str(path)),)))


@pytest.mark.parametrize(
    "wrong",
    ["/run/key.pem", "s1=/run/key.pem", "s1._domainkey.example.org", "._domainkey.x=/k", "s 1._domainkey.x=k"],
)
def test_a_key_without_a_name_in_the_dns_is_refused_by_its_setting(wrong):
    with pytest.raises(WrongSetting, match="PALABRE_DKIM cannot be"):
        house.read({"PALABRE_DKIM": wrong})


def test_the_records_of_the_keys_are_printed(tmp_path):
    setting = f"{RSA.name}={kept(tmp_path, RSA.private)}"
    env = {"PALABRE_DKIM": setting, "PALABRE_SENDER": SENDER}

    told = subprocess.run(
        [sys.executable, "-m", "services.notifications.signatures"], env=env, capture_output=True, text=True
    )

    assert (told.returncode, told.stdout) == (0, f'{RSA.name}. TXT "{RSA.record}"\n')
