from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra import prefixes
from infra.docker.check import BY_HAND, BY_HAND_OF_OVERRIDES, OVERRIDES
from infra.embedded import secrets_for_env

ROOT = Path(__file__).parents[3]
SERVICES = ("registration", "grouping", "feedback", "notifications")
TEXT = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
FILE: dict[str, Any] = yaml.safe_load(TEXT)
PARTS: dict[str, Any] = FILE["services"]


def test_every_service_has_its_web_its_worker_its_relay_and_its_migration() -> None:
    parts = {name + part for name in SERVICES for part in ("", "-worker", "-relay", "-migrate")}

    assert set(PARTS) == {*parts, "notifications-mail", "gateway", "broker", "postgres"}


def test_what_runs_is_watched_and_starts_again() -> None:
    kept = {name: part for name, part in PARTS.items() if not name.endswith("-migrate")}

    assert [name for name, part in kept.items() if part["restart"] != "unless-stopped"] == []
    assert [name for name, part in kept.items() if "healthcheck" not in part] == []


def test_only_the_gateway_can_be_reached_from_outside() -> None:
    assert [name for name, part in PARTS.items() if "ports" in part] == ["gateway"]


def test_no_service_is_given_the_password_of_another() -> None:
    for name in SERVICES:
        given = str(PARTS[name]["environment"])

        assert [other for other in SERVICES if f"{other.upper()}_DB_PASSWORD" in given] == [name]
        assert ("PALABRE_SIGNING_KEY" in given) is (name == "registration")


def test_no_secret_has_a_default_and_each_is_explained() -> None:
    secrets = {line.split("=")[0] for line in secrets_for_env.lines().splitlines()}
    asked = dict(re.findall(r"\$\{(\w+)(:\?|:-)", TEXT))
    explained = set(
        re.findall(r"^#?([A-Z_]+)=", (ROOT / ".env.example").read_text(encoding="utf-8"), re.MULTILINE)
    )

    assert {name for name, how in asked.items() if how == ":?"} == secrets | set(BY_HAND)
    assert explained == set(asked)


def test_the_check_fills_in_all_that_the_overrides_ask_for() -> None:
    texts = [path.read_text(encoding="utf-8") for path in sorted((ROOT / OVERRIDES).glob("*.yml"))]
    asked = {name for text in texts for name in re.findall(r"\$\{(\w+):\?", text)}
    secrets = {line.split("=")[0] for line in secrets_for_env.lines().splitlines()}

    assert asked
    assert asked <= secrets | set(BY_HAND) | set(BY_HAND_OF_OVERRIDES)


def test_the_gateway_sends_each_prefix_where_the_table_says() -> None:
    text = (ROOT / "infra" / "gateway" / "Caddyfile").read_text(encoding="utf-8")
    told = {name: set(paths.split()) for name, paths in re.findall(r"@(\w+) path (.*)", text)}
    table = prefixes.read()
    rest = table.pop("registration")

    assert told.pop("inside") == {"/metrics", "/healthz", "/readyz"}

    assert told == {name: {p for prefix in row for p in (prefix, f"{prefix}/*")} for name, row in table.items()}
    assert "/" in rest
    assert re.findall(r"reverse_proxy (\w+):8000", text) == [*told, "registration"]


@pytest.mark.parametrize("name", SERVICES)
def test_an_image_needs_the_chassis_and_its_own_folder_only(name: str, tmp_path: Path) -> None:
    for kept in (
        "services/__init__.py",
        "services/__main__.py",
        "services/chassis",
        f"services/{name}",
        "infra/routes.toml",
    ):
        (tmp_path / kept).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / kept).symlink_to(ROOT / kept)
    environ = {"PATH": "/usr/bin:/bin", "PALABRE_DATABASE_URL": f"sqlite:///{tmp_path}/{{service}}.db"}

    ended = subprocess.run(
        [sys.executable, "-m", "services", name, "migrate"],
        cwd=tmp_path,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ended.returncode, ended.stderr[-2000:]) == (0, "")
