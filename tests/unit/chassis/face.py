"""A house app with nobody living in it: the face alone, on a database of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from flask import Flask

from services.chassis import auth, settings, web
from services.chassis.db import Database, own_tables
from services.chassis.inbox import Inbox
from services.chassis.service import Service
from services.chassis.settings import Settings

SIGNING, VERIFY = auth.new_keys()


def some_settings(**given: object) -> Settings:
    keys = {"signing_key": SIGNING, "verify_key": VERIFY, "secret_key": "s" * 32}
    return settings.read({}, **{"mode": "test", **keys, **given})


def an_app(database: Database, folder: Path, name: str = "registration", **given: object) -> Flask:
    """An app whose own templates stand in `folder`/templates."""
    service = Service(name, own_tables(), Inbox(name), (), create_app=lambda *_: Flask(name), folder=folder)
    return web.new_app(service, database, some_settings(**given))


Apps = Callable[..., Flask]
