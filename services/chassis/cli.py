"""What an operator types: python -m services.<name> serve | work | relay | migrate | dead | …"""

from __future__ import annotations

import argparse
import gc
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from services.chassis import (
    dead,
    health,
    heart,
    needs,
    replays,
    restores,
    settings,
    telemetry,
)
from services.chassis.db import Database
from services.chassis.dead import DeadFact
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
    parser = _parser(service, own)
    args, rest = parser.parse_known_args(argv)
    names = {command.name: command for command in own}
    if rest and args.verb not in names:
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    try:
        chosen = settings.read()
    except WrongSetting as error:
        sys.exit(f"{error}")
    telemetry.configure(chosen, service.name, args.verb)
    try:
        _run(service, own, chosen, args, rest)
    except (needs.Missing, WrongSetting) as error:
        sys.exit(f"{error}")


def _run(
    service: Service, own: Sequence[Command], chosen: Settings, args: argparse.Namespace, rest: list[str]
) -> None:
    names = {command.name: command for command in own}
    if args.verb in ("work", "relay", "serve"):
        _look_round(service, chosen, args)
        heart.begin(service.name, chosen, door=args.verb == "serve")
    if args.verb == "work":
        # What was read so far is shared with the children for as long as nobody counts it again.
        from services.chassis import worker  # noqa: PLC0415  only workers have Celery in their memory

        gc.freeze()
        queues = [q for q in args.queues.split(",") if q]
        sys.exit(worker.run(service, chosen, queues, pool=args.pool, concurrency=args.concurrency))
    if args.verb == "relay":
        from services.chassis import relay  # noqa: PLC0415  only who speaks to the broker has its client in its memory

        sys.exit(relay.run(service, chosen))
    if args.verb == "serve":
        from services.chassis import serving  # noqa: PLC0415  the web server is for the web alone

        sys.exit(serving.run(service, chosen, args.bind, reloads=args.reload))
    if args.verb == "restored":
        sys.exit(restored(service, chosen, args.began_at, args.ended_at))
    database = open_database(service.name, chosen)
    if args.verb == "migrate":
        needs.database(database)
    if args.verb in names:
        sys.exit(names[args.verb].run(database, chosen, rest))
    sys.exit(_on_database(service, database, args))


def _parser(service: Service, own: Sequence[Command]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"python -m services.{service.name}", description=service.inbox.service
    )
    verbs = parser.add_subparsers(dest="verb", required=True)
    serve = verbs.add_parser("serve", help="answer HTTP")
    serve.add_argument("--bind", default="")
    serve.add_argument("--reload", action="store_true", help="start anew when the code changes (development)")
    work = verbs.add_parser("work", help="hear facts and do tasks")
    work.add_argument("--queues", default="")
    work.add_argument("--pool", default="prefork", choices=("prefork", "solo", "threads"))
    work.add_argument("--concurrency", type=int, default=1)
    verbs.add_parser("relay", help="send facts and do chores")
    verbs.add_parser("migrate", help="bring the database to the newest state")
    verbs.add_parser("alive", help="exit 0 while a canary goes round: relay, broker and worker together")
    migration = verbs.add_parser("migration", help="write the next migration from the models")
    migration.add_argument("message")
    settled = verbs.add_parser("dead", help="facts that could not be heard")
    settled.add_argument("act", choices=("list", "show", "retry", "discard"))
    settled.add_argument("event_id", nargs="?", type=UUID)
    settled.add_argument("--json", action="store_true", help="for programs (list and show)")
    after = verbs.add_parser("restored", help="make a restored database fit to go on")
    for moment in ("began_at", "ended_at"):
        after.add_argument(moment, type=datetime.fromisoformat)
    replay = verbs.add_parser("replay", help="be told everything again, and write anew what is kept of it")
    replay.add_argument("--from", dest="sources", action="append", choices=service.inbox.sources or None)
    replay.add_argument("--check", action="store_true", help="list the rows that were not as they were told")
    replay.add_argument("--no-wait", action="store_true", help="begin, and let worker and relay go on")
    for command in own:
        verbs.add_parser(command.name, help=command.help, add_help=False)
    return parser


def _look_round(service: Service, chosen: Settings, args: argparse.Namespace) -> None:
    """Before anything is begun: is the port free, and does anybody refuse us? Raises Missing."""
    if args.verb == "serve" and not args.bind:
        needs.port(chosen)
    database = open_database(service.name, chosen)
    needs.refusals(database, chosen, queue=args.verb != "serve")
    database.dispose()


def restored(service: Service, chosen: Settings, began_at: datetime, ended_at: datetime) -> int:
    """Bring a restored database to this version and make it fit to go on; see restores.py. Returns the exit code."""
    database = open_database(service.name, chosen)
    _migrate(service, database)
    now = datetime.now(UTC)
    with database.transaction() as session:
        again = restores.settle(session, began_at=began_at, ended_at=ended_at, now=now)
        for do in service.restored:
            do(session, now)
    database.dispose()
    print(f"{service.name}: {again} facts are told again")  # noqa: T201
    return 0


def _migrate(service: Service, database: Database) -> None:
    from services.chassis import migrations  # noqa: PLC0415  Alembic is 6 MB that nobody needs who keeps running

    migrations.run(service, database)


def _on_database(service: Service, database: Database, args: argparse.Namespace) -> int:
    if args.verb == "migrate":
        _migrate(service, database)
    elif args.verb == "migration":
        from services.chassis import migrations  # noqa: PLC0415  as below

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
        return _dead(service, database, args)
    return 0


def _dead(service: Service, database: Database, args: argparse.Namespace) -> int:
    if args.act == "list":
        return _list_dead(database, as_json=args.json)
    if args.event_id is None:
        sys.exit(f"dead {args.act} needs the id of a fact; dead list shows them")
    with database.reading() as session:
        fact = dead.one(session, args.event_id)
        waiting = dead.behind(session, fact) if fact is not None else []
    if fact is None:
        sys.exit(f"no dead fact {args.event_id}; dead list shows them")
    try:
        if args.act == "show":
            _show_dead(fact, waiting, as_json=args.json)
        elif args.act == "retry":
            became = service.inbox.retry(database, args.event_id)
            print(became)  # noqa: T201
            return 0 if became in ("heard", "again") else 1
        else:
            service.inbox.discard(database, args.event_id, now=datetime.now(UTC))
            print(f"discarded; {len(waiting)} that waited behind it went on")  # noqa: T201
    except LookupError as error:
        sys.exit(str(error.args[0]))
    return 0


def _list_dead(database: Database, *, as_json: bool) -> int:
    with database.reading() as session:
        facts = dead.every(session)
    if as_json:
        print(json.dumps([fact.as_json() for fact in facts], indent=2))  # noqa: T201
        return 0
    for fact in facts:
        print(  # noqa: T201
            f"{fact.event_id}  {fact.type}  since {fact.since:%Y-%m-%d %H:%M}  "
            f"{fact.behind} parked behind  trace {fact.trace}  {fact.reason}"
        )
    print(f"{len(facts)} dead")  # noqa: T201
    return 0


def _show_dead(fact: DeadFact, waiting: Sequence[tuple[int, UUID, str]], *, as_json: bool) -> None:
    """The whole fact, with what it says of people: whoever types this may read the database too."""
    told = {**fact.as_json(), "error": fact.error, "envelope": fact.envelope}
    parked = [{"version": version, "id": str(event_id), "type": type_} for version, event_id, type_ in waiting]
    if as_json:
        print(json.dumps({**told, "parked": parked}, indent=2, ensure_ascii=False))  # noqa: T201
        return
    for name, value in told.items():
        print(f"{name}: {value}")  # noqa: T201
    for row in parked:
        print(f"parked behind: {row['version']} {row['type']} {row['id']}")  # noqa: T201
