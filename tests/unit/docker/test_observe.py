"""What Prometheus and Grafana are told to look at is what the services tell."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
import yaml
from sqlalchemy import insert

from infra import asyncapi
from services.chassis import auth
from services.chassis.db import Database, pulse
from tests.unit.chassis.face import some_settings

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "infra" / "observability"
NAME = re.compile(r"\bpalabre_\w+")


@pytest.fixture
def told(open_sqlite: Callable[..., Database]) -> set[str]:
    """The name of every sample that the four services tell."""
    settings, names = some_settings(operators=("odile@example.org",)), set()
    token = auth.issue(settings, auth.Actor("organiser", uuid4(), "odile@example.org", "Odile"), 3600)
    for service in asyncapi.street():
        database = open_sqlite(service.metadata, service.name)
        with database.transaction() as session:
            session.execute(insert(pulse).values(name="canary", value="", at=datetime.now(UTC)))
        client = service.create_app(service, database, settings).test_client()
        client.set_cookie(auth.ORGANISER_COOKIE, token)
        client.get("/nobody")
        names |= set(NAME.findall(client.get("/metrics").text))
    return names


def test_every_panel_shows_figures_that_are_told(told: set[str]) -> None:
    shown = {
        name
        for path in (FOLDER / "grafana" / "dashboards").glob("*.json")
        for panel in json.loads(path.read_text())["panels"]
        for target in panel["targets"]
        for name in NAME.findall(target["expr"])
    }

    assert shown - told == set()
    assert shown


def test_every_alert_looks_at_figures_that_are_told(told: set[str]) -> None:
    (group,) = yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"]

    assert {name for rule in group["rules"] for name in NAME.findall(rule["expr"])} - told == set()


def test_every_panel_asks_the_source_that_grafana_is_given() -> None:
    (source,) = yaml.safe_load((FOLDER / "grafana" / "datasources.yml").read_text())["datasources"]
    (provider,) = yaml.safe_load((FOLDER / "grafana" / "dashboards.yml").read_text())["providers"]
    given = yaml.safe_load((ROOT / "infra" / "compose" / "observe.yml").read_text())["services"]
    asked = {
        part["datasource"]["uid"]
        for path in (FOLDER / "grafana" / "dashboards").glob("*.json")
        for panel in json.loads(path.read_text())["panels"]
        for part in (panel, *panel["targets"])
    }

    assert asked == {source["uid"]}
    assert source["url"] == "http://prometheus:9090"
    assert "prometheus" in given
    assert any(place.split(":")[1] == provider["options"]["path"] for place in given["grafana"]["volumes"])


def test_prometheus_asks_every_service() -> None:
    (job,) = yaml.safe_load((FOLDER / "prometheus.yml").read_text())["scrape_configs"]

    assert {name for found in job["dns_sd_configs"] for name in found["names"]} == {
        service.name for service in asyncapi.street()
    }


def test_every_file_that_a_container_is_given_is_there() -> None:
    missing = [
        given
        for path in [ROOT / "docker-compose.yml", *(ROOT / "infra" / "compose").glob("*.yml")]
        for part in yaml.safe_load(path.read_text())["services"].values()
        for given in part.get("volumes", [])
        if given.startswith("./") and not (ROOT / given.split(":")[0]).exists()
    ]

    assert missing == []
