"""The sender's domain: what a real DNS server says of it, what to write there, and the page that shows it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import update

from services.notifications import domains, records
from services.notifications.models import SenderDomain
from tests.unit.chassis.face import some_settings
from tests.unit.notifications.nameserver import Nameserver
from tests.unit.notifications.test_pages import HERE, press

HOME = "passerelles.example"
KEY = "v=DKIM1; k=rsa; p=MIGfMA0" + "A" * 380
GOOD = {
    (HOME, "TXT"): ["v=spf1 a:mail.passerelles.example -all", "another=thing"],
    (f"s1._domainkey.{HOME}", "TXT"): [KEY],
    (f"_dmarc.{HOME}", "TXT"): ["v=DMARC1; p=quarantine"],
    (HOME, "MX"): ["10 mail.passerelles.example."],
}


@pytest.fixture
def a_nameserver():
    made = []

    def make(records=(), **other):
        made.append(Nameserver(records, **other))
        return made[-1]

    yield make
    for server in made:
        server.stop()


def judged(server, *, keys=((f"s1._domainkey.{HOME}", KEY),)):
    found = records.judge(
        HOME,
        domains.resolver(server.address),
        keys=keys,
        sender=f"palabre@{HOME}",
        servers=["mail.passerelles.example"],
    )
    return {one.record: one for one in found}


def test_a_domain_that_says_all_of_it_is_well(a_nameserver):
    found = judged(a_nameserver(GOOD))

    assert {name: one.state for name, one in found.items()} == dict.fromkeys(
        ("SPF", "DKIM", "DMARC", "MX"), "good"
    )
    assert [one.write for one in found.values()] == [""] * 4


def test_an_empty_domain_is_told_what_to_write(a_nameserver):
    found = judged(a_nameserver())

    assert {name: one.why for name, one in found.items()} == {
        "SPF": "no-spf",
        "DKIM": "no-dkim",
        "DMARC": "no-dmarc",
        "MX": "no-mx",
    }
    assert found["SPF"].write == "v=spf1 a:mail.passerelles.example -all"
    assert (found["DKIM"].name, found["DKIM"].write) == (f"s1._domainkey.{HOME}", KEY)
    assert (found["DMARC"].name, found["DMARC"].write) == (
        f"_dmarc.{HOME}",
        f"v=DMARC1; p=none; rua=mailto:palabre@{HOME}",
    )


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (["v=spf1 a -all", "v=spf1 mx ~all"], "two-spf"),
        (["v=spf1 a +all"], "spf-lets-all"),
        (["v=spf1 all"], "spf-lets-all"),
        (["v=spf1 a ?all"], "spf-refuses-none"),
        (["v=spf1 a"], "spf-refuses-none"),
        (["v=spf1 " + " ".join(f"a:h{k}.example" for k in range(11)) + " -all"], "spf-too-long"),
        (["v=spf1 " + " ".join(f"a:h{k}.example" for k in range(10)) + " -all"], "spf-good"),
        (["v=spf1 include:around.example -all"], "spf-too-long"),
        (["v=spf1 redirect=other.example"], "spf-good"),
        (["v=spf10 -all"], "no-spf"),
        (["V=SPF1 A ~ALL"], "spf-good"),
    ],
)
def test_spf_is_read_as_readers_read_it(a_nameserver, said, why):
    around = {("around.example", "TXT"): ["v=spf1 include:around.example -all"]}

    assert judged(a_nameserver({(HOME, "TXT"): said, **around}))["SPF"].why == why


def test_a_record_that_lets_all_is_written_anew_with_the_rest_of_it(a_nameserver):
    found = judged(a_nameserver({(HOME, "TXT"): ["v=spf1 include:mail.example +all"]}))

    assert found["SPF"].write == "v=spf1 include:mail.example -all"


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (["v=DKIM1; k=rsa; p=Other"], "dkim-other-key"),
        (["v=DKIM1; p="], "dkim-revoked"),
        ([KEY, "v=DKIM1; p=Other"], "two-dkim"),
        ([KEY.replace("; ", ";")], "dkim-good"),
        (["k=rsa; " + KEY.partition("; k=rsa; ")[2]], "dkim-good"),
    ],
)
def test_the_key_in_the_dns_is_held_against_the_one_that_signs(a_nameserver, said, why):
    assert judged(a_nameserver({(f"s1._domainkey.{HOME}", "TXT"): said}))["DKIM"].why == why


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (["v=DMARC1; p=none"], "dmarc-none"),
        (["v=DMARC1; p=reject"], "dmarc-good"),
        (["v=DMARC1; rua=mailto:a@b.example"], "dmarc-no-policy"),
        (["v=DMARC1; p=none", "v=DMARC1; p=reject"], "two-dmarc"),
    ],
)
def test_dmarc_is_read_as_readers_read_it(a_nameserver, said, why):
    assert judged(a_nameserver({(f"_dmarc.{HOME}", "TXT"): said}))["DMARC"].why == why


def test_the_domain_above_may_say_what_readers_do():
    asked = []

    def ask(name, kind):
        asked.append(name)
        return ("v=DMARC1; p=reject",) if name == "_dmarc.passerelles.example" else ()

    (found,) = (
        one
        for one in records.judge("mail.passerelles.example", ask, keys=(), sender="a@b", servers=())
        if one.record == "DMARC"
    )

    assert (found.name, found.why) == ("_dmarc.passerelles.example", "dmarc-good")
    assert "_dmarc.example" not in asked


def test_a_domain_that_takes_no_letters_is_said(a_nameserver):
    assert judged(a_nameserver({(HOME, "MX"): ["0 ."]}))["MX"].why == "mx-nobody"


def test_without_mx_the_domain_s_own_address_takes_letters(a_nameserver):
    assert judged(a_nameserver({(HOME, "A"): ["192.0.2.1"]}))["MX"].why == "mx-good"


def test_without_keys_it_says_that_nobody_signs_here(a_nameserver):
    assert judged(a_nameserver(GOOD), keys=())["DKIM"].why == "no-key"


def test_a_dns_that_fails_is_not_a_missing_record(a_nameserver):
    names = (HOME, f"_dmarc.{HOME}", f"s1._domainkey.{HOME}")
    found = judged(a_nameserver(GOOD, broken=names))

    assert {one.state for one in found.values()} == {"silent"}
    assert {one.write for one in found.values()} == {""}


def test_a_dns_that_never_answers_is_left_in_time(a_nameserver, monkeypatch):
    monkeypatch.setattr(domains, "ONE_S", 0.2)
    monkeypatch.setattr(domains, "ALL_S", 0.5)
    found = judged(a_nameserver(GOOD, silent=(HOME, f"_dmarc.{HOME}", f"s1._domainkey.{HOME}")))

    assert {one.state for one in found.values()} == {"silent"}


@settings(max_examples=200, deadline=None)
@given(
    st.dictionaries(st.sampled_from(["TXT", "MX", "A"]), st.lists(st.text(max_size=60), max_size=3)), st.text()
)
def test_whatever_stands_in_the_dns_is_judged(texts, last):
    def ask(name, kind):
        return tuple(
            f"{version}{one}" for version in ("v=spf1 ", "v=DMARC1;", "") for one in texts.get(kind, ()) if one
        )

    found = records.judge(HOME, ask, keys=[("s._domainkey.x.example", KEY)], sender=last, servers=[last])

    assert [one.record for one in found] == ["SPF", "DKIM", "DMARC", "MX"]


@pytest.fixture
def settings_of(a_nameserver):
    """Settings of a platform that sends, and whose DNS says these records."""

    def make(records=(), **other):
        server = a_nameserver(records)
        chosen = {"sender": f"palabre@{HOME}", "smtp_url": "smtp://mail.passerelles.example", **other}
        return some_settings(resolver=server.address, **chosen)

    return make


def looked(street, ours, now=None):
    with street.database.transaction(settings=ours) as session:
        calls = domains.find(session, now or datetime.now(UTC))
    return [domains.look(street.database, ours, *call) for call in calls]


def test_a_platform_that_sends_looks_once_a_day(street, settings_of):
    ours, now = settings_of(GOOD), datetime.now(UTC)

    assert looked(street, ours) == [3]
    assert looked(street, ours, now + timedelta(hours=23)) == []
    assert looked(street, ours, now + timedelta(hours=25)) == [3]


def test_a_platform_that_keeps_its_letters_asks_nobody_until_somebody_wants_it(street, settings_of):
    ours = settings_of(GOOD, smtp_url="held:")
    assert looked(street, ours) == []

    with street.database.transaction() as session:
        domains.ask(session, ours, datetime.now(UTC))

    assert looked(street, ours) == [3]


def test_a_sender_without_a_domain_is_never_looked_up(street, settings_of):
    ours = settings_of(GOOD, sender="palabre@localhost.localdomain")

    assert looked(street, ours) == []
    with street.database.transaction() as session:
        domains.ask(session, ours, datetime.now(UTC))
    assert looked(street, ours) == []


def test_a_look_that_was_lost_is_taken_again_after_a_minute(street, settings_of):
    ours, now = settings_of(GOOD), datetime.now(UTC)
    with street.database.transaction(settings=ours) as session:
        assert domains.find(session, now) == [[]]

    assert looked(street, ours, now + timedelta(seconds=50)) == []
    assert looked(street, ours, now + timedelta(seconds=70)) == [3]


def test_the_page_says_what_is_wrong_and_what_to_write(odile, street, settings_of):
    page = odile.get(f"{HERE}/expediteur")
    assert "Personne n’a encore regardé" in page.get_data(as_text=True)

    assert press(odile, page, f"{HERE}/expediteur").status_code == 303
    assert "La recherche est en cours" in odile.get(f"{HERE}/expediteur").get_data(as_text=True)
    looked(street, settings_of({(HOME, "TXT"): ["v=spf1 +all"]}))
    shown = odile.get(f"{HERE}/expediteur").get_data(as_text=True)

    assert "Il laisse tout le monde écrire en votre nom." in shown
    assert "v=spf1 -all" in shown
    assert f"_dmarc.{HOME}" in shown


def test_what_stands_in_the_dns_cannot_write_on_the_page(odile, street, settings_of):
    ours = settings_of({(HOME, "TXT"): ["v=spf1 <script>alert(1)</script>"]})
    looked(street, ours)

    assert "<script>alert" not in odile.get(f"{HERE}/expediteur").get_data(as_text=True)


def test_a_clock_that_was_set_back_does_not_stop_the_looking(street, settings_of):
    ours, now = settings_of(GOOD), datetime.now(UTC)
    looked(street, ours)
    with street.database.transaction() as session:
        session.execute(update(SenderDomain).values(next_at=now + timedelta(days=9)))

    assert looked(street, ours) == [3]
