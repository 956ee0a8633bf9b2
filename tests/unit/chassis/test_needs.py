"""Bad input at a process's start: one clear line; a retry where waiting helps, else an exit that is not 0."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
import redis
from sqlalchemy import make_url

from services.chassis import needs
from services.chassis.db import Database
from tests.postgres import free_port

ROOT = Path(__file__).parents[3]
PASSWORD = "gk4Ry7sWq"  # noqa: S105


def start(*words: str, **given: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "services.registration", *words],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **given},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process: subprocess.Popen[str]) -> tuple[int, list[str]]:
    """Its exit code and what it said on stderr, without lines of the log."""
    try:
        _, said = process.communicate(timeout=60)
    finally:
        process.kill()
    return process.returncode, [line for line in said.splitlines() if not line.startswith("{")]


@pytest.fixture
def broker(valkey: Callable[..., int]) -> int:
    """The port of a broker that wants a password."""
    return valkey(password=PASSWORD)


@pytest.fixture
def sqlite(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/{{service}}.db"


def test_an_unknown_service_is_named_with_those_that_are_here() -> None:
    process = subprocess.run(
        [sys.executable, "-m", "services", "grouppping", "serve"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    said = "There is no service 'grouppping' here; there is feedback, grouping, notifications, registration."
    assert (process.returncode, process.stderr.strip()) == (2, said)


def test_a_service_is_started_by_its_name() -> None:
    process = subprocess.run(
        [sys.executable, "-m", "services", "grouping", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert process.returncode == 0
    assert process.stdout.startswith("usage: python -m services.grouping")


def test_a_port_in_use_is_said_and_ends_it(sqlite: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        code, said = ended(start("serve", PALABRE_PORT=str(port), PALABRE_DATABASE_URL=sqlite))

    line = (
        f"Cannot listen on 127.0.0.1:{port}: Address already in use. PALABRE_HOST and PALABRE_PORT say where."
    )
    assert (code, said) == (1, [line])


def test_a_missing_secret_is_said_and_ends_it() -> None:
    code, said = ended(
        start(
            "serve",
            PALABRE_MODE="production",
            PALABRE_DATABASE_URL="postgresql+psycopg://registration:gk4Ry7sWq@postgres/registration",
            PALABRE_SMTP_URL="smtp://mail.example.org",
        )
    )

    line = "PALABRE_SECRET_KEY is missing; `python -m infra.embedded keys` makes one."
    assert (code, said) == (1, [line])


@pytest.mark.parametrize("verb", ["work", "relay"])
def test_a_broker_that_refuses_ends_who_needs_it(verb: str, broker: int, sqlite: str) -> None:
    address = f"redis://:wrong@127.0.0.1:{broker}/0"

    code, said = ended(start(verb, PALABRE_REDIS_URL=address, PALABRE_DATABASE_URL=sqlite))

    assert code == 1
    assert len(said) == 1
    assert said[0].startswith("The broker refuses us: ")
    assert said[0].endswith("PALABRE_REDIS_URL says who we are.")
    assert "wrong@" not in said[0]


def test_a_broker_that_is_away_is_waited_for(sqlite: str, valkey: Callable[..., int]) -> None:
    assert ended(start("migrate", PALABRE_DATABASE_URL=sqlite))[0] == 0
    port = free_port()
    process = start("relay", PALABRE_REDIS_URL=f"redis://127.0.0.1:{port}/0", PALABRE_DATABASE_URL=sqlite)
    assert process.stderr is not None
    assert "broker_away" in process.stderr.readline()
    valkey(port=port)
    try:
        until = time.monotonic() + 60
        while not _canaries(port):
            assert time.monotonic() < until
            assert process.poll() is None
            time.sleep(0.1)
    finally:
        process.kill()
        process.wait()


def _canaries(port: int) -> int:
    try:
        return int(redis.Redis(port=port).llen("registration.events"))  # type: ignore[arg-type]
    except redis.RedisError:
        return 0


def test_a_database_that_is_not_there_yet_is_waited_for(
    postgres: str, new_databases: Callable[..., None]
) -> None:
    name = f"late_{uuid4().hex}"
    maker = threading.Timer(1.5, new_databases, args=(name,))
    maker.start()

    code, said = ended(start("migrate", PALABRE_DATABASE_URL=postgres.replace("{service}", name)))

    maker.join()
    assert (code, said) == (0, [])


def test_a_database_that_does_not_come_is_said(tmp_path: Path) -> None:
    nowhere = Database(f"postgresql+psycopg://registration:{PASSWORD}@127.0.0.1:{free_port()}/registration")

    with pytest.raises(needs.Missing) as trouble:
        needs.database(nowhere, within_s=0.5)

    said = str(trouble.value)
    assert said.startswith("The database postgresql://registration:***@127.0.0.1:")
    assert "does not answer" in said
    assert PASSWORD not in said


@pytest.mark.parametrize("verb", ["migrate", "serve", "work", "relay"])
def test_a_database_that_refuses_ends_who_asks(verb: str, postgres: str) -> None:
    url = make_url(postgres.replace("{service}", "postgres")).set(username="nobody_here", password=PASSWORD)

    code, said = ended(
        start(
            verb,
            PALABRE_DATABASE_URL=url.render_as_string(hide_password=False),
            PALABRE_PORT=str(free_port()),
            PALABRE_REDIS_URL=f"redis://127.0.0.1:{free_port()}/0",
        )
    )

    assert (code, len(said)) == (1, 1)
    assert said[0].startswith("The database postgresql://nobody_here:***@")
    assert 'role "nobody_here" does not exist' in said[0]
    assert PASSWORD not in said[0]


def test_a_role_that_may_not_come_in_is_refused_at_once(postgres: str) -> None:
    admin = make_url(postgres.replace("{service}", "postgres")).set(drivername="postgresql")
    role = f"r{uuid4().hex}"
    with psycopg.connect(admin.render_as_string(hide_password=False), autocommit=True) as connection:
        connection.execute(f'create role "{role}" login')
        connection.execute(f'create database "{role}"')
        connection.execute(f'revoke all on database "{role}" from public')
    url = make_url(postgres.replace("{service}", role)).set(username=role)

    with pytest.raises(needs.Missing, match="permission denied for database"):
        needs.database(Database(url.render_as_string(hide_password=False)), within_s=30)
