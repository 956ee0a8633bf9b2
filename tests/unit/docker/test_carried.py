"""A process holds in its memory what it works with, and no library of its neighbours (infra/decisions/0037)."""

from __future__ import annotations

import subprocess
import sys

import pytest

SERVICES = ("registration", "grouping", "feedback", "notifications")
# Who speaks to the broker, changes tables, reads workbooks, prints or proves: none of them is a web at rest.
NOT_A_WEBS = ("redis", "kombu", "celery", "alembic", "openpyxl", "typst", "highspy", "ortools")
NOT_A_RELAYS = ("flask", "gunicorn", "webauthn", "celery", "alembic", "openpyxl", "typst")
WEB = """
import importlib, sys
from services.chassis import serving, settings
from services.chassis.db import Database
service = importlib.import_module("services.{name}.__main__").service
database = Database("sqlite:///{folder}/{name}.db", "{name}")
service.create_app(service, database, settings.read({{"PALABRE_MODE": "test"}}))
"""
RELAY = """
import sys
import services.{name}.__main__
from services.chassis import relay
"""


@pytest.mark.parametrize("name", SERVICES)
def test_a_web_holds_only_what_it_answers_with(name, tmp_path):
    assert _held(WEB.format(name=name, folder=tmp_path), NOT_A_WEBS) == []


@pytest.mark.parametrize("name", SERVICES)
def test_a_relay_holds_neither_pages_nor_tasks(name):
    assert _held(RELAY.format(name=name), NOT_A_RELAYS) == []


def _held(program: str, unwanted: tuple[str, ...]) -> list[str]:
    """Which of them a new process has in its memory after this program."""
    told = f"{program}\nprint(*(name for name in {unwanted!r} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    return done.stdout.split()
