"""The secrets of a deployment, in lines and in files."""

from __future__ import annotations

from pathlib import Path

import yaml

from infra.embedded import secrets_for_env
from infra.embedded.secrets_for_env import ELSEWHERE

ROOT = Path(__file__).parents[3]


def test_the_files_are_those_that_compose_reads(tmp_path: Path) -> None:
    named = yaml.safe_load((ROOT / "infra" / "compose" / "secrets.yml").read_text(encoding="utf-8"))["secrets"]

    secrets_for_env.into(tmp_path / "secrets", secrets_for_env.made())

    assert {path.name for path in (tmp_path / "secrets").iterdir()} == {*named}


def test_no_secret_is_left_among_the_lines(tmp_path: Path) -> None:
    told = secrets_for_env.made()

    left = dict(line.split("=", 1) for line in secrets_for_env.into(tmp_path / "secrets", told).splitlines())

    assert left.pop("PALABRE_VERIFY_KEY") == told.pop("PALABRE_VERIFY_KEY")
    assert left == dict.fromkeys((*told, "PALABRE_SMTP_URL"), ELSEWHERE)


def test_fresh_secrets_keep_the_address_of_the_mail_server(tmp_path: Path) -> None:
    secrets_for_env.into(tmp_path, {**secrets_for_env.made(), "PALABRE_SMTP_URL": "smtp://mail"})

    secrets_for_env.into(tmp_path, secrets_for_env.made())

    assert (tmp_path / "smtp_url").read_text(encoding="utf-8") == "smtp://mail\n"


def test_nobody_else_may_look_into_the_folder(tmp_path: Path) -> None:
    secrets_for_env.into(tmp_path / "secrets", secrets_for_env.made())

    assert (tmp_path / "secrets").stat().st_mode & 0o777 == 0o700
