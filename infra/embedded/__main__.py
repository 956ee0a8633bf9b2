"""python -m infra.embedded up | down | keys"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import sys
import time
from pathlib import Path

from infra.embedded import broker, launcher, pulse, running
from infra.embedded.street import INSIDE, NO_SAMPLE, PUBLIC_FD
from services.chassis import settings
from services.chassis.settings import Settings, WrongSetting

SQLITE = "sqlite:///{folder}/db/{{service}}.db"


class Refusal(Exception):
    """Why it does not start, in one line."""


def up(options: argparse.Namespace) -> int:
    """Start the street and stay until it is told to end."""
    given = {"data": options.data, "port": options.port}
    chosen = settings.read(**{name: value for name, value in given.items() if value is not None})
    if chosen.mode == "production":
        raise Refusal("PALABRE_MODE=production is for docker-compose.yml; `make up` runs one machine only.")
    data = _folder(chosen.data)
    held = running.lock(data)
    if held is None:
        there = running.read(data)
        raise Refusal(
            f"Palabre runs already on {chosen.data}: {there.get('address')} (process {there.get('pid')}). "
            "`make down` ends it."
        )
    if left := running.end_leftovers(data):
        sys.stdout.write(f"Ended {left} processes that an earlier start had left behind.\n")
    (data / running.RUN).unlink(missing_ok=True)
    public = _listen(chosen)
    launcher.rotate(data / "log")
    street = _street(chosen, data, public, held, options)
    first = not (data / "run" / "prepare.json").exists()
    for done in (data / "run").glob("*.json"):
        done.unlink()
    sys.stdout.write(f"Starting Palabre on {street.address}, data in {chosen.data}\n")
    if first:
        sys.stdout.write("First start: making keys, databases and the sample gathering\n")
    sys.stdout.flush()
    return launcher.Launcher(street).run()


def _folder(data: Path) -> Path:
    data = data.absolute()
    try:
        for name in ("", "keys", "db", "log", "run", pulse.BEATS):
            (data / name).mkdir(parents=True, exist_ok=True)
            probe = data / name / ".writable"
            probe.touch()
            probe.unlink()
        (data / "keys").chmod(0o700)
    except OSError as error:
        raise Refusal(
            f"The data folder {data} cannot be written: {error.strerror}. Set PALABRE_DATA."
        ) from None
    return data


def _listen(chosen: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in chosen.host else socket.AF_INET
    try:
        return socket.create_server((chosen.host, chosen.port), family=family, backlog=1024)
    except OverflowError:
        raise Refusal(f"{chosen.port} is no port.") from None
    except OSError as error:
        raise Refusal(
            f"Cannot listen on {chosen.host}:{chosen.port}: {os.strerror(error.errno or 0)}. "
            f"Choose another port: make up PALABRE_PORT={chosen.port + 1}"
        ) from None


def _street(
    chosen: Settings, data: Path, public: socket.socket, held: int, options: argparse.Namespace
) -> launcher.Street:
    port = public.getsockname()[1]
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(chosen.host, chosen.host)  # noqa: S104 compared, not bound
    inside = f"http://{host}:{port}"
    address = chosen.public_url if "PALABRE_PUBLIC_URL" in os.environ else inside
    own_broker = not (os.environ.get("PALABRE_REDIS_URL") or os.environ.get("REDIS_URL"))
    environ = {
        **os.environ,
        "PALABRE_DATA": str(data),
        "PALABRE_PUBLIC_URL": address,
        "PALABRE_PORT": str(port),
        INSIDE: inside,
        # Threads share two heaps: a heap each would cost memory and gain nothing under one interpreter lock.
        "MALLOC_ARENA_MAX": os.environ.get("MALLOC_ARENA_MAX", "2"),
        PUBLIC_FD: str(public.fileno()),
        NO_SAMPLE: "1" if options.no_sample else "0",
        "PYTHONPATH": os.pathsep.join(filter(None, (os.getcwd(), os.environ.get("PYTHONPATH")))),
    }
    if "PALABRE_DATABASE_URL" not in os.environ:
        environ["PALABRE_DATABASE_URL"] = SQLITE.format(folder=data)
    if own_broker:
        _, environ["PALABRE_REDIS_URL"] = broker.configure(data)
    return launcher.Street(
        data=data,
        module=options.street,
        public=public,
        lock=held,
        address=address,
        environ=environ,
        own_broker=own_broker,
        sample=not options.no_sample,
    )


def adopt(options: argparse.Namespace) -> int:
    """Take over from a launcher that was killed; the zygote starts this with the environment it has itself."""
    data = Path(options.data)
    left = running.read(data)
    street = launcher.Street(
        data=data,
        module=options.street,
        public=socket.socket(fileno=options.public),
        lock=options.lock,
        address=left["address"],
        environ=dict(os.environ),
        own_broker=left["own_broker"],
        sample=left["sample"],
        started_at=left["started_at"],
    )
    return launcher.Launcher(street).adopt(socket.socket(fileno=options.control), options.zygote, left)


def down(options: argparse.Namespace) -> int:
    """End the street that runs on the data folder, wherever it was started."""
    data = Path(options.data or os.environ.get("PALABRE_DATA", "var")).absolute()
    pid = running.read(data).get("pid")
    if not pid or not running.born(pid):
        sys.stdout.write(f"Nothing runs on {data}.\n")
        return 0
    os.kill(pid, signal.SIGTERM)
    until = time.monotonic() + 30
    while running.born(pid) and time.monotonic() < until:
        time.sleep(0.05)
    return 1 if running.born(pid) else 0


def _arguments() -> argparse.Namespace:
    options = argparse.ArgumentParser(prog="python -m infra.embedded", description="The whole platform, here.")
    verbs = options.add_subparsers(dest="verb", required=True)
    for verb, says in (("up", "start it and stay"), ("down", "end it"), ("adopt", argparse.SUPPRESS)):
        one = verbs.add_parser(verb, help=says)
        one.add_argument(
            "--data", type=Path, help="folder of keys, databases and logs (PALABRE_DATA, default var)"
        )
        one.add_argument("--street", default="infra.embedded.street", help=argparse.SUPPRESS)
        if verb == "up":
            one.add_argument("--port", type=int, help="port to listen on; 0: any free one (PALABRE_PORT, 8000)")
            one.add_argument("--no-sample", action="store_true", help="without the sample gathering")
        if verb == "adopt":
            for name in ("control", "public", "lock", "zygote"):
                one.add_argument(f"--{name}", type=int, required=True)
    fresh = verbs.add_parser("keys", help="print fresh secrets for .env")
    fresh.add_argument(
        "--into", type=Path, help="write them into files of this folder, for infra/compose/secrets.yml"
    )
    return options.parse_args()


def keys(options: argparse.Namespace) -> int:
    """Print the secrets that a deployment needs, each made anew; or write them into files, and print what is left."""
    from infra.embedded import secrets_for_env  # noqa: PLC0415 cryptography is large, and only this needs it

    told = secrets_for_env.made()
    sys.stdout.write(secrets_for_env.into(options.into, told) if options.into else secrets_for_env.lines())
    return 0


def main() -> None:
    options = _arguments()
    try:
        sys.exit({"up": up, "down": down, "adopt": adopt, "keys": keys}[options.verb](options))
    except (Refusal, WrongSetting) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
