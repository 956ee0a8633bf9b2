"""What an operator types: python -m services.<name> serve | work | relay | migrate | dead | …"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from gunicorn.app.base import BaseApplication
from sqlalchemy import select

from services.chassis import health, migrations, relay, replays, settings, telemetry, worker
from services.chassis.db import Database, inbox, parked
from services.chassis.opening import open_database
from services.chassis.service import Service
from services.chassis.settings import Settings, WrongSetting


@dataclass(frozen=True)
class Command:
    """A command of the service's own: `run(database, settings, args)` returns the exit code."""

    name: str
    help: str
    run: Callable[[Database, Settings, list[str]], int]


def main(service: Service, *own: Command, argv: Sequence[str] | None = None) -> None:
    """Run one command and exit with its code; a wrong setting is one line and exit 2."""
    parser = argparse.ArgumentParser(
        prog=f"python -m services.{service.name}", description=service.inbox.service
    )
    verbs = parser.add_subparsers(dest="verb", required=True)
    serve = verbs.add_parser("serve", help="answer HTTP")
    serve.add_argument("--bind", default="")
    work = verbs.add_parser("work", help="hear facts and do tasks")
    work.add_argument("--queues", default="")
    work.add_argument("--pool", default="prefork", choices=("prefork", "solo", "threads"))
    work.add_argument("--concurrency", type=int, default=1)
    verbs.add_parser("relay", help="send facts and do chores")
    verbs.add_parser("migrate", help="bring the database to the newest state")
    verbs.add_parser("alive", help="exit 0 while a canary goes round: relay, broker and worker together")
    migration = verbs.add_parser("migration", help="write the next migration from the models")
    migration.add_argument("message")
    dead = verbs.add_parser("dead", help="facts that could not be heard")
    dead.add_argument("act", choices=("list", "show", "retry", "discard"))
    dead.add_argument("event_id", nargs="?", type=UUID)
    replay = verbs.add_parser("replay", help="be told everything again, and write anew what is kept of it")
    replay.add_argument("--from", dest="sources", action="append", choices=service.inbox.sources or None)
    replay.add_argument("--check", action="store_true", help="list the rows that were not as they were told")
    replay.add_argument("--no-wait", action="store_true", help="begin, and let worker and relay go on")
    for command in own:
        verbs.add_parser(command.name, help=command.help, add_help=False)
    args, rest = parser.parse_known_args(argv)
    names = {command.name: command for command in own}
    if rest and args.verb not in names:
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    try:
        chosen = settings.read()
    except WrongSetting as error:
        sys.exit(f"{error}")
    telemetry.configure(chosen, service.name, args.verb)
    if args.verb == "work":
        queues = [q for q in args.queues.split(",") if q]
        sys.exit(worker.run(service, chosen, queues, pool=args.pool, concurrency=args.concurrency))
    if args.verb == "relay":
        sys.exit(relay.run(service, chosen))
    if args.verb == "serve":
        sys.exit(_serve(service, chosen, args.bind))
    database = open_database(service.name, chosen)
    if args.verb in names:
        sys.exit(names[args.verb].run(database, chosen, rest))
    sys.exit(_on_database(service, database, args))


def _on_database(service: Service, database: Database, args: argparse.Namespace) -> int:
    if args.verb == "migrate":
        migrations.run(service, database)
    elif args.verb == "migration":
        migrations.write(service, database, args.message)
    elif args.verb == "alive":
        with database.reading() as session:
            return 0 if health.of(session, datetime.now(UTC))["ready"] else 1
    elif args.verb == "replay":
        return replays.run(
            service,
            database,
            args.sources or service.inbox.sources,
            kind="check" if args.check else "rebuild",
            waits=not args.no_wait,
        )
    else:
        return _dead(service, database, args.act, args.event_id)
    return 0


class _Server(BaseApplication):  # type: ignore[misc]
    def __init__(self, service: Service, chosen: Settings, bind: str) -> None:
        self._service, self._settings, self._bind = service, chosen, bind
        super().__init__()

    def load_config(self) -> None:
        self.cfg.set("bind", self._bind or f"{self._settings.host}:{self._settings.port}")
        self.cfg.set("workers", self._settings.web_workers)
        self.cfg.set("threads", self._settings.web_threads)
        self.cfg.set("worker_class", "gthread")
        self.cfg.set("graceful_timeout", 25)
        self.cfg.set("control_socket_disable", True)

    def load(self) -> object:
        telemetry.configure(self._settings, self._service.name, "web")
        return self._service.create_app(
            self._service, open_database(self._service.name, self._settings), self._settings
        )


def _serve(service: Service, chosen: Settings, bind: str) -> int:
    _Server(service, chosen, bind).run()
    return 0


def _in_a_line(error: str) -> str:
    """What went wrong, out of a whole traceback: the line that names the exception, or the last one."""
    lines = error.strip().splitlines() or [""]
    named = [line for line in lines if re.match(r"[\w.]+(Error|Exception|Refused)?: ", line)]
    return (named or lines)[-1]


def _dead(service: Service, database: Database, act: str, event_id: UUID | None) -> int:
    if act == "list":
        with database.reading() as session:
            rows = session.execute(
                select(inbox).where(inbox.c.status == "dead").order_by(inbox.c.heard_at)
            ).all()
            for row in rows:
                behind = session.execute(
                    select(parked.c.version).where(
                        parked.c.source == row.source, parked.c.subject == row.subject
                    )
                ).all()
                print(  # noqa: T201
                    f"{row.event_id}  {row.type}  since {row.heard_at:%Y-%m-%d %H:%M}  "
                    f"{len(behind)} parked behind  {_in_a_line(row.error or '')}"
                )
            print(f"{len(rows)} dead")  # noqa: T201
        return 0
    if event_id is None:
        sys.exit(f"dead {act} needs the id of a fact; dead list shows them")
    try:
        if act == "show":
            with database.reading() as session:
                found = session.execute(select(inbox).where(inbox.c.event_id == event_id)).one_or_none()
            if found is None:
                raise LookupError(f"no fact {event_id}")
            for name, value in found._mapping.items():
                print(f"{name}: {value}")  # noqa: T201
        elif act == "retry":
            print(service.inbox.retry(database, event_id))  # noqa: T201
        else:
            service.inbox.discard(database, event_id, now=datetime.now(UTC))
            print("discarded")  # noqa: T201
    except LookupError as error:
        sys.exit(str(error.args[0]))
    return 0
