"""Where the databases are: files of this machine, a PostgreSQL that its tools reach, or the containers of Compose."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Protocol

import redis
from sqlalchemy import make_url

from infra.backup.archive import About
from infra.embedded import broker, running
from services.chassis import broker as rooms
from services.chassis import cli, settings
from services.chassis.settings import Settings

TOOL_WITHIN_S = 3600


class Trouble(Exception):
    """Why it cannot be saved or put back, in one line."""


class Place(Protocol):
    """What each kind of place can do; `restore` stops and empties what must not go on before it puts back."""

    kind: str

    def save(self, service: str, to: Path) -> None: ...
    def keys(self) -> dict[str, Path]: ...
    def put_back(self, folder: Path, about: About) -> None: ...


class OneMachine:
    """The data folder of `make up`: a SQLite file for each service, and the keys."""

    kind = "sqlite"

    def __init__(self, data: Path) -> None:
        self.data = data.absolute()

    def save(self, service: str, to: Path) -> None:
        """One read transaction, so writers go on and the copy is of one moment."""
        source = self._file(service)
        if not source.exists():
            raise Trouble(f"There is no database {source}; has Palabre run here?")
        with closing(sqlite3.connect(source, timeout=30)) as connection:
            connection.execute("vacuum into ?", (str(to),))

    def keys(self) -> dict[str, Path]:
        return _keys(self.data)

    def put_back(self, folder: Path, about: About) -> None:
        """Databases and keys in their places; those that were there are kept beside them under another name."""
        with _at_rest(self.data):
            _set_aside(self.data, "db")
            (self.data / "db").mkdir()
            for service in about.services:
                shutil.copy(folder / f"{service}.dump", self._file(service))
            _put_keys_back(self.data, folder)
            url = f"sqlite:///{self.data}/db/{{service}}.db"
            for service in about.services:
                settle(service, settings.read(database_url=url, data=self.data), about)

    def _file(self, service: str) -> Path:
        return self.data / "db" / f"{service}.db"


class Server:
    """A PostgreSQL that PALABRE_DATABASE_URL names, its tools on PATH; keys are saved where this machine has them."""

    kind = "postgresql"

    def __init__(self, chosen: Settings) -> None:
        self.settings = chosen

    def save(self, service: str, to: Path) -> None:
        with to.open("wb") as out:
            _tool(["pg_dump", "--format=custom", f"--dbname={self._address(service)}"], stdout=out)

    def keys(self) -> dict[str, Path]:
        return _keys(self.settings.data)

    def put_back(self, folder: Path, about: About) -> None:
        """Each database in one transaction; nothing may run on them meanwhile."""
        with _at_rest(self.settings.data):
            for service in about.services:
                with (folder / f"{service}.dump").open("rb") as dump:
                    _tool(
                        ["pg_restore", "--clean", "--if-exists", "--no-owner", "--exit-on-error",
                         "--single-transaction", f"--dbname={self._address(service)}"],
                        stdin=dump,
                    )  # fmt: skip
            if (folder / "keys").is_dir():
                _put_keys_back(self.settings.data, folder)
            else:
                self._empty_broker()
            for service in about.services:
                settle(service, self.settings, about)

    def _empty_broker(self) -> None:
        try:
            rooms.client(self.settings).flushdb()
        except redis.RedisError as error:
            raise Trouble(
                f"The databases are back, but the broker at PALABRE_REDIS_URL cannot be emptied "
                f"({type(error).__name__}): it may hold facts of a time to come. Start it and restore again."
            ) from None

    def _address(self, service: str) -> str:
        url = make_url(self.settings.database_of(service)).set(drivername="postgresql")
        return url.render_as_string(hide_password=False)


@contextmanager
def _at_rest(data: Path) -> Iterator[None]:
    """While nothing runs on this data folder. Raises Trouble when something does."""
    data.mkdir(parents=True, exist_ok=True)
    held = running.lock(data)
    if held is None:
        raise Trouble(f"Palabre runs on {data}; end it first: make down")
    try:
        yield
    finally:
        os.close(held)


def _keys(data: Path) -> dict[str, Path]:
    folder = data / "keys"
    return {f"keys/{path.name}": path for path in sorted(folder.iterdir())} if folder.is_dir() else {}


def _put_keys_back(data: Path, folder: Path) -> None:
    _set_aside(data, "keys")
    (data / "keys").mkdir(mode=0o700)
    for key in (folder / "keys").iterdir():
        shutil.copy(key, data / "keys" / key.name)
    # The broker holds facts of a time that has not happened; migrations are to look again.
    broker.set_aside(data)
    (data / "prepared").unlink(missing_ok=True)


def _set_aside(data: Path, name: str) -> None:
    if (data / name).exists():
        aside = data / "before-restore"
        aside.mkdir(exist_ok=True)
        (data / name).rename(aside / f"{name}-{datetime.now(UTC):%Y%m%d-%H%M%S-%f}")


class Compose:
    """The containers of docker-compose.yml; COMPOSE_PROJECT_NAME and COMPOSE_ENV_FILES are heeded."""

    kind = "postgresql"

    def save(self, service: str, to: Path) -> None:
        with to.open("wb") as out:
            _tool([*_IN_POSTGRES, "pg_dump", "-U", "postgres", "--format=custom", service], stdout=out)

    def keys(self) -> dict[str, Path]:
        return {}  # they are in .env, which is the operator's

    def put_back(self, folder: Path, about: About) -> None:
        """All but the database is stopped, the broker emptied; in the end everything runs again."""
        names = _said(["docker", "compose", "config", "--services"]).split()
        _tool(["docker", "compose", "stop", *(name for name in names if name != "postgres")])
        _tool(["docker", "compose", "up", "--detach", "--wait", "--no-build", "postgres", "broker"])
        for service in about.services:
            for statement in (
                f"drop database if exists {service} with (force)",
                f"create database {service} owner {service}",
                f"revoke all on database {service} from public",
            ):
                _tool([*_IN_POSTGRES, "psql", "-U", "postgres", "-q", "-v", "ON_ERROR_STOP=1", "-c", statement])
            with (folder / f"{service}.dump").open("rb") as dump:
                _tool(
                    [*_IN_POSTGRES, "pg_restore", "-U", "postgres", "--no-owner", f"--role={service}",
                     "--exit-on-error", "--single-transaction", "-d", service],
                    stdin=dump,
                )  # fmt: skip
        _tool(["docker", "compose", "exec", "-T", "broker", "sh", "-c", _FLUSH])
        words = ["restored", about.began_at, about.ended_at]
        with ThreadPoolExecutor() as hands:
            # Each begins with its migrations; nobody waits for another's.
            settling = [
                hands.submit(
                    _tool, ["docker", "compose", "run", "--rm", "--no-deps", "-T", f"{name}-migrate", *words]
                )
                for name in about.services
            ]
            for one in settling:
                one.result()
        _tool(["docker", "compose", "up", "--detach", "--wait", "--no-build"])


# Its password is in its environment or in a file.
_SAID = '"${REDISCLI_AUTH:-$(sed "s/^requirepass //" /run/secrets/broker 2>/dev/null)}"'
_FLUSH = f"REDISCLI_AUTH={_SAID} valkey-cli flushall"
_IN_POSTGRES = ["docker", "compose", "exec", "-T", "postgres"]


def settle(service: str, chosen: Settings, about: About) -> None:
    """Bring one restored database to this version and make it fit to go on."""
    cli.restored(import_module(f"services.{service}.app").service, chosen, about.began, about.ended)


def _tool(command: Sequence[str], **how: object) -> None:
    try:
        ended = subprocess.run(
            command,
            stderr=subprocess.PIPE,
            timeout=TOOL_WITHIN_S,
            check=False,
            **{"stdout": subprocess.DEVNULL, **how},  # type: ignore[call-overload]
        )
    except FileNotFoundError:
        raise Trouble(f"{command[0]} is not here; install PostgreSQL's client programs.") from None
    if ended.returncode:
        raise Trouble(f"{' '.join(command[:6])}: {ended.stderr.decode(errors='replace').strip()[-500:]}")


def _said(command: Sequence[str]) -> str:
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    if ended.returncode:
        raise Trouble(f"{' '.join(command)}: {ended.stderr.strip()[-500:]}")
    return ended.stdout
