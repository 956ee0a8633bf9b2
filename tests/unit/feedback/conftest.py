"""A day that feedback has heard of, its doors, and an organiser who may open them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from services.chassis import auth
from services.chassis.db import Database
from services.feedback.app import service
from services.feedback.models import Base
from tests.unit.feedback.cast import SETTINGS, Browser, Day, organiser_token


@pytest.fixture
def feedback(open_sqlite: Callable[..., Database]) -> Database:
    return open_sqlite(Base.metadata, "feedback")


@pytest.fixture
def day(feedback: Database) -> Day:
    described = Day(feedback)
    described.describe()
    return described


@pytest.fixture
def visitor(feedback: Database) -> Iterator[Browser]:
    client = service.create_app(service, feedback, SETTINGS).test_client()
    client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"
    yield Browser(client)


@pytest.fixture
def organiser(feedback: Database) -> Iterator[Browser]:
    client = service.create_app(service, feedback, SETTINGS).test_client()
    client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"
    client.set_cookie(auth.ORGANISER_COOKIE, organiser_token(feedback, "owner"), domain="localhost")
    yield Browser(client)
