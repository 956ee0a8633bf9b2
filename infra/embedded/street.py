"""The parts of the street and what each does. Names are cheap to ask; `load` reads every service's code."""
# ruff: noqa: PLC0415  the launcher only asks for names, and a broker needs no service

from __future__ import annotations

import dataclasses
import http.client
import json
import os
import sys
import time
from contextlib import suppress
from functools import cache, partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask

    from services.chassis.service import Service
    from services.chassis.settings import Settings

ROOT = Path(__file__).parents[2]
SERVICES = ("registration", "grouping", "feedback", "notifications")
# What the launcher tells its street, beside the settings.
PUBLIC_FD, INSIDE, NO_SAMPLE = "STREET_FD", "STREET_INSIDE", "STREET_NO_SAMPLE"
# Where the web processes write down what they count, under the folder of what runs.
COUNTS = "counts"
WITHIN_S = 85
# A relay that has not turned for so long hangs; a chore may take some seconds.
RELAY_TURNS_S = 30.0
# Of 132 seats, 14 are left for whoever tries the form.
GUESTS = 118
# What the parts would else import each for itself, after the fork.
ALSO_READ = (
    *("infra.embedded.web", "gunicorn.workers.gthread"),
    *("services.chassis.relay", "services.chassis.worker", "kombu.transport.redis"),
    *("celery.app.amqp", "celery.app.control", "celery.app.events", "celery.app.log", "celery.apps.worker"),
    *("celery.backends.base", "celery.concurrency.solo", "celery.events.receiver", "celery.fixups.django"),
    *(
        "celery.worker.autoscale",
        "celery.worker.components",
        "celery.worker.consumer",
        "celery.worker.strategy",
    ),
    *("celery.worker.consumer.delayed_delivery", "billiard.connection", "billiard.dummy", "billiard.pool"),
    *("kombu.matcher", "kombu.mixins", "kombu.pidbox", "kombu.serialization", "encodings.idna"),
    "sqlalchemy.dialects.sqlite.pysqlite",
)


def parts() -> dict[str, str]:
    """Every process by name, with its stage: the broker first, `once` at each start, services until the end."""
    from services.chassis import settings

    web = [f"web.{number}" for number in range(1, settings.read().web_workers + 1)]
    kept = [*web, *(f"{service}.worker" for service in SERVICES), "notifications.mail", "relays"]
    return {"broker": "broker", "prepare": "once", **dict.fromkeys(kept, "services"), "greet": "once"}


def serves_the_public(name: str) -> bool:
    return name.startswith("web.")


@cache
def _settings() -> Settings:
    """The settings of this street: the environment, else the keys of its own data folder."""
    from services.chassis import settings

    chosen = settings.read()
    folder = chosen.data / "keys"
    kept = {path.name: path.read_text().strip() for path in folder.iterdir()} if folder.is_dir() else {}
    return dataclasses.replace(
        chosen,
        secret_key=chosen.secret_key or kept.get("secret_key", ""),
        signing_key=chosen.signing_key or kept.get("signing_key", ""),
        verify_key=chosen.verify_key or kept.get("verify_key", ""),
        mailbox_key=chosen.mailbox_key or kept.get("mailbox_key", ""),
    )


def _settings_of(service: str) -> Settings:
    """Only registration may sign."""
    chosen = _settings()
    return chosen if service == "registration" else dataclasses.replace(chosen, signing_key="")


@cache
def _services() -> dict[str, Service]:
    return {name: import_module(f"services.{name}.app").service for name in SERVICES}


def load() -> None:
    """Read all the code that any part needs, so that every fork has it."""
    # One thread only until the fork, and no arrays here are large enough for more.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ.setdefault("REMAP_SIGTERM", "SIGQUIT")
    # structlog would read rich and pygments for coloured tracebacks that our logs never have.
    sys.modules.setdefault("rich", None)  # type: ignore[arg-type]
    for name in ALSO_READ:
        import_module(name)
    _services()
    _read_tables()
    _make_keys(Path(os.environ["PALABRE_DATA"]) / "keys")
    _apps()


def _read_tables() -> None:
    """The large tables that libraries read at first use: megabytes that all processes can share."""
    from datetime import UTC, datetime

    from babel.dates import format_datetime
    from babel.numbers import format_decimal
    from slugify import slugify

    for language in ("fr", "en"):
        format_datetime(datetime.now(UTC), "full", locale=language)
        format_decimal(1.5, locale=language)
    slugify("été")


def be(name: str) -> None:
    """Be one part of the street until it ends."""
    from services.chassis import worker

    beat = _beat_of(name)
    match name.partition(".")[::2]:
        case "broker", _:
            _broker()
        case "prepare", _:
            _prepare()
        case "greet", _:
            _greet()
        case "web", _:
            _web(beat)
        case "relays", _:
            sys.exit(_relays(beat))
        case service, "worker":
            sys.exit(worker.run(_services()[service], _settings_of(service), pool="solo", beat=beat))
        case service, task:
            queues = [f"{service}.{task}"]
            sys.exit(worker.run(_services()[service], _settings_of(service), queues, pool="solo", beat=beat))


def _beat_of(name: str) -> Callable[[], None]:
    """What a process calls to say that it does its work; the launcher ends who says so no more."""
    from infra.embedded import pulse

    return partial(pulse.beat, Path(os.environ["PALABRE_DATA"]), name)


def _broker() -> None:
    from infra.embedded import broker

    program = broker.program()
    if program is None:
        sys.exit(
            "No Valkey for this machine; install one (apt install valkey or redis-server) or set REDIS_URL."
        )
    configuration = Path(os.environ["PALABRE_DATA"]) / "broker" / "server.conf"
    os.execv(program, [program, str(configuration)])  # noqa: S606 no shell is the point


def _write(name: str, result: dict[str, Any]) -> None:
    from infra.embedded import running

    folder = _settings().data / "run"
    folder.mkdir(exist_ok=True)
    running.write(folder / f"{name}.json", result)


def _prepare() -> None:
    """Keys, databases, and the sample gathering: what is there already stays. What was counted begins anew."""
    import shutil

    shutil.rmtree(_settings().data / "run" / COUNTS, ignore_errors=True)
    known = _settings().data / "prepared"
    if known.exists() and known.read_text() == _fingerprint():
        _write("prepare", {"new": False})
        return

    from datetime import UTC, datetime

    from infra.sample.cast import cast
    from services.chassis import migrations, needs
    from services.chassis.opening import open_database
    from services.registration import sample

    for name, service in _services().items():
        database = open_database(name, _settings())
        try:
            needs.database(database)
        except needs.Missing as trouble:
            sys.exit(str(trouble))
        migrations.run(service, database)
    if os.environ.get(NO_SAMPLE) != "1":
        chosen, day = _settings(), cast()
        with open_database("registration", chosen).transaction() as session:
            # People who do not exist have no post office either: they come only while letters stay here.
            guests = day.invited[:GUESTS] if chosen.smtp_url == "held:" else ()
            sample.load(
                session,
                chosen,
                now=datetime.now(UTC),
                guests=guests,
                told=day.stories if guests else (),
                asked=day.topics if guests else (),
            )
    if _settings().database_url.startswith("sqlite"):
        known.write_text(_fingerprint())
    _write("prepare", {"new": True})


def _fingerprint() -> str:
    """What preparing depends on: where the data are, which of them are there, and every migration."""
    import hashlib

    chosen = _settings()
    kept = [*(chosen.data / "keys").iterdir(), *(chosen.data / "db").glob("*.db")]
    migrations = sorted((ROOT / "services").glob("*/migrations/versions/*.py"))
    parts = [chosen.database_url, os.environ[NO_SAMPLE], *sorted(path.name for path in kept)]
    parts += [f"{path} {path.stat().st_size}" for path in migrations]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _make_keys(folder: Path) -> None:
    import secrets

    from services.chassis.auth import new_keys

    signing, verify = new_keys()
    fresh = {
        "secret_key": secrets.token_urlsafe(48),
        "signing_key": signing,
        "verify_key": verify,
        "mailbox_key": secrets.token_urlsafe(16),
    }
    if (folder / "signing_key").exists():
        del fresh["signing_key"], fresh["verify_key"]
    for name, value in fresh.items():
        if not (folder / name).exists():
            with os.fdopen(os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(value)


def _greet() -> None:
    """Wait until a canary went round in every service since this start, then say where the doors are."""
    from datetime import UTC, datetime

    from services.chassis.opening import open_database
    from services.registration import sign_ins

    chosen, began = _settings(), time.monotonic()
    waiting = list(SERVICES)
    while waiting:
        waiting = [name for name in waiting if not _is_ready(name, time.monotonic() - began)]
        if waiting and time.monotonic() - began > WITHIN_S:
            sys.exit(f"No canary went round in {', '.join(waiting)} within {WITHIN_S} s.")
        time.sleep(0.05)
    with open_database("registration", chosen).transaction() as session:
        link = sign_ins.owner_link(session, chosen, now=datetime.now(UTC))
    _write("greet", {"sign_in": link, "mailbox": f"{chosen.public_url}/boite/{chosen.mailbox_key}"})


def _is_ready(name: str, age_s: float) -> bool:
    there = urlsplit(os.environ[INSIDE])
    connection = http.client.HTTPConnection(there.hostname or "", there.port, timeout=3)
    try:
        connection.request("GET", f"/api/{name}/health")
        health = json.loads(connection.getresponse().read())
    except (OSError, http.client.HTTPException, ValueError):
        return False
    finally:
        connection.close()
    return bool(health.get("ready")) and health.get("canary_age_s", age_s) < age_s


def _relays(beat: Callable[[], None]) -> int:
    """The four relays as threads: they wait most of the time, and a process each would cost 30 MB each."""
    import signal
    import threading
    import traceback

    import redis
    import structlog

    from services.chassis import telemetry
    from services.chassis.broker import client
    from services.chassis.relay import Relay

    stop, broken = threading.Event(), threading.Event()
    relays = {name: Relay(_services()[name], _settings_of(name)) for name in SERVICES}
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    telemetry.configure(_settings(), "street", "relays")

    def relay(name: str) -> None:
        structlog.contextvars.bind_contextvars(service=name, role="relay")
        try:
            relays[name].run(stop)
        except BaseException:  # noqa: BLE001 one relay that broke ends all, and all are started again
            traceback.print_exc()
            broken.set()
            stop.set()

    threads = [threading.Thread(target=relay, args=(name,), name=f"{name}.relay") for name in SERVICES]
    for thread in threads:
        thread.start()
    chosen, broker_beat = client(_settings()), _beat_of("broker")
    while not stop.wait(1):
        # Each relay turns at least every few seconds, also while broker or database are away.
        if all(time.monotonic() - relay.turned_at < RELAY_TURNS_S for relay in relays.values()):
            beat()
        with suppress(redis.RedisError):
            chosen.ping()
            broker_beat()
    for relay_of in relays.values():
        relay_of.wake()
    for thread in threads:
        thread.join(5)
    return int(broken.is_set())


def _web(beat: Callable[[], None]) -> None:
    from infra.embedded.web import serve
    from services.chassis import metrics, telemetry

    telemetry.configure(_settings(), "street", "web")
    metrics.share(_settings().data / "run" / COUNTS)
    serve(_apps(), _settings(), int(os.environ[PUBLIC_FD]), beat)


@cache
def _apps() -> dict[str, Flask]:
    """The four web apps, built before the fork; none of them has opened a connection yet."""
    from services.chassis.opening import open_database

    return {
        name: service.create_app(service, open_database(name, _settings_of(name)), _settings_of(name))
        for name, service in _services().items()
    }
