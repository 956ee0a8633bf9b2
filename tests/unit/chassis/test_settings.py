"""A wrong setting is refused at start, by its name and in one line; production refuses what is for development."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.chassis import auth, settings
from services.chassis.settings import WrongSetting

SECRET = "N3bq8Zt4uWm7Lx2Rk9Ys5Vd1Hf6Jg0Pc"  # noqa: S105
SIGNING, VERIFY = auth.new_keys()
PRODUCTION = {
    "PALABRE_MODE": "production",
    "PALABRE_PUBLIC_URL": "https://palabre.example.org",
    "PALABRE_DATABASE_URL": "postgresql+psycopg://registration:gk4Ry7sWq@postgres/registration",
    "PALABRE_REDIS_URL": "redis://:Zt8uQm3Lx@broker:6379/0",
    "PALABRE_SECRET_KEY": SECRET,
    "PALABRE_VERIFY_KEY": VERIFY,
    "PALABRE_SMTP_URL": "smtp://palabre:Ue5kPw9Tn@mail.example.org:587",
    "PALABRE_SENDER": "palabre@example.org",
}


def refused(**given: str) -> str:
    with pytest.raises(WrongSetting) as refusal:
        settings.read(given)
    return str(refusal.value)


def in_production(**given: str) -> str:
    return refused(**{**PRODUCTION, **{f"PALABRE_{name}": value for name, value in given.items()}})


def test_production_starts_with_what_it_needs() -> None:
    assert settings.read(PRODUCTION).mode == "production"


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("MODE", "prod", "one of embedded, production, test"),
        ("PORT", "http", "invalid literal"),
        ("PORT", "70000", "a port is between 0 and 65535"),
        ("WEB_WORKERS", "0", "at least 1"),
        ("LOG_LEVEL", "loud", "one of DEBUG, INFO, WARNING, ERROR"),
        ("PUBLIC_URL", "palabre.example.org", "an address that begins with http:// or https://"),
        ("REDIS_URL", "broker:6379", "an address that begins with redis://"),
        ("DATABASE_URL", "mysql://postgres/registration", "sqlite:/// or postgresql+psycopg://"),
        ("SMTP_URL", "mail.example.org", "an address that begins with smtp://"),
        ("SENDER", "Palabre", "an e-mail address alone"),
        ("OPERATORS", "odile@example.org,otto", "otto is none"),
        ("VERIFY_KEY", "abc", "32 bytes in urlsafe base64"),
        ("ALLOW", "everything", "everything is none of them"),
        ("PROXIES", "-1", "0 or more"),
        ("CROWD", "many", "invalid literal"),
        ("OIDC_ISSUER", "http://accounts.example.org", "begins with https://"),
        ("OIDC_ISSUER", "accounts.example.org", "begins with https://"),
        ("OIDC_ISSUER", "https://accounts.example.org?tenant=1", "begins with https://"),
        ("PASSKEY_DOMAIN", "elsewhere.example", "PALABRE_PUBLIC_URL's host, 127.0.0.1, or a domain above"),
    ],
)
def test_a_wrong_value_is_refused_by_the_name_of_its_setting(name: str, value: str, why: str) -> None:
    said = refused(**{f"PALABRE_{name}": value})

    assert said.startswith(f"PALABRE_{name} cannot be ")
    assert why in said
    assert "\n" not in said


@pytest.mark.parametrize("left_out", ["OIDC_ISSUER", "OIDC_CLIENT", "OIDC_SECRET"])
def test_half_a_provider_is_refused_by_the_setting_that_is_missing(left_out: str) -> None:
    whole = {
        "PALABRE_OIDC_ISSUER": "https://accounts.example.org/",
        "PALABRE_OIDC_CLIENT": "palabre",
        "PALABRE_OIDC_SECRET": "known-to-both",
    }
    assert settings.read(whole).oidc_issuer == "https://accounts.example.org/"

    said = refused(**{name: value for name, value in whole.items() if name != f"PALABRE_{left_out}"})

    assert f"PALABRE_{left_out} is missing" in said
    assert "known-to-both" not in said


def test_a_secret_that_is_wrong_is_not_shown() -> None:
    assert "hunter2" not in refused(PALABRE_REDIS_URL="http://:hunter2@broker/0")


def test_an_unknown_setting_is_refused_with_the_nearest_one() -> None:
    assert (
        refused(PALABRE_SEKRET_KEY="x")
        == "Unknown setting PALABRE_SEKRET_KEY. Did you mean PALABRE_SECRET_KEY?"
    )


def test_a_setting_is_read_from_the_file_that_is_named(tmp_path: Path) -> None:
    (tmp_path / "secret_key").write_text(f"{SECRET}\n")

    chosen = settings.read({"PALABRE_SECRET_KEY_FILE": str(tmp_path / "secret_key")})

    assert chosen.secret_key == SECRET


def test_a_file_that_is_not_there_is_said_by_its_setting() -> None:
    said = refused(**{"PALABRE_SECRET_KEY_FILE": "/nowhere/secret_key"})

    assert (
        said
        == "PALABRE_SECRET_KEY_FILE: the file /nowhere/secret_key cannot be read: No such file or directory."
    )


def test_what_a_file_says_wrongly_is_refused_and_not_shown(tmp_path: Path) -> None:
    (tmp_path / "redis_url").write_text("http://:hunter2@broker/0")

    said = refused(PALABRE_REDIS_URL_FILE=str(tmp_path / "redis_url"))

    assert said.startswith("PALABRE_REDIS_URL_FILE cannot be what it is set to")
    assert "hunter2" not in said


def test_a_setting_that_is_empty_leaves_the_word_to_its_file(tmp_path: Path) -> None:
    (tmp_path / "secret_key").write_text(SECRET)
    place = str(tmp_path / "secret_key")

    chosen = [
        settings.read({"PALABRE_SECRET_KEY": "", "PALABRE_SECRET_KEY_FILE": place}),
        settings.read({"PALABRE_SECRET_KEY_FILE": place, "PALABRE_SECRET_KEY": ""}),
    ]

    assert [one.secret_key for one in chosen] == [SECRET, SECRET]


def test_a_setting_and_its_file_at_once_are_refused(tmp_path: Path) -> None:
    said = refused(**{"PALABRE_SECRET_KEY": "x", "PALABRE_SECRET_KEY_FILE": str(tmp_path)})

    assert said == "PALABRE_SECRET_KEY and PALABRE_SECRET_KEY_FILE are both set; leave one of them out."


@pytest.mark.parametrize("name", ["SECRET_KEY", "VERIFY_KEY"])
def test_production_without_a_secret_does_not_start(name: str) -> None:
    given = {key: value for key, value in PRODUCTION.items() if key != f"PALABRE_{name}"}

    assert refused(**given).startswith(f"PALABRE_{name} is missing;")


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("DATABASE_URL", "sqlite:///here.db", "production needs PostgreSQL"),
        ("SMTP_URL", "held:", "production needs a mail server"),
        ("MAILBOX_KEY", "open", "production has no local mailbox"),
        ("SECRET_KEY", "dev", "too short"),
        ("SECRET_KEY", "x" * 40, "can be guessed"),
        ("DATABASE_URL", "postgresql+psycopg://registration:changeme@postgres/registration", "can be guessed"),
        (
            "DATABASE_URL",
            "postgresql+psycopg://registration:registration@postgres/registration",
            "can be guessed",
        ),
        ("REDIS_URL", "redis://:password@broker/0", "can be guessed"),
    ],
)
def test_production_refuses_what_is_for_development(name: str, value: str, says: str) -> None:
    said = in_production(**{name: value})

    assert said.startswith(f"PALABRE_{name}")
    assert says in said


@pytest.mark.parametrize(
    ("allow", "name", "value"),
    [
        ("sqlite", "DATABASE_URL", "sqlite:///here.db"),
        ("held", "SMTP_URL", "held:"),
        ("development-secrets", "SECRET_KEY", "dev"),
    ],
)
def test_production_does_what_it_would_refuse_when_it_is_told(allow: str, name: str, value: str) -> None:
    told = settings.read({**PRODUCTION, f"PALABRE_{name}": value, "PALABRE_ALLOW": f"{allow}, sqlite"})

    assert getattr(told, name.lower()) == value
