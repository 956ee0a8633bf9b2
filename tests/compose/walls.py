"""What must not be possible: to reach another's database or web, to write to the image, to be root, to compile."""

from __future__ import annotations

from tests.compose.bars import image_mb
from tests.compose.stack import SERVICES, WORKERS, Stack

# Says which of the addresses it is given can be reached.
REACH = """
import socket, sys
for there in sys.argv[1:]:
    host, port = there.rsplit(":", 1)
    try:
        socket.create_connection((host, int(port)), timeout=1).close()
        print(there)
    except OSError:
        pass
"""
# Says whose rows a role can open: every database of the server but the one that is its own.
OPEN = """
import os, psycopg
own = os.environ["PALABRE_DATABASE_URL"].replace("+psycopg", "")
base, _, mine = own.rpartition("/")
for name in ("registration", "grouping", "feedback", "notifications"):
    if name != mine:
        try:
            psycopg.connect(f"{base}/{name}", connect_timeout=3).close()
            print(name)
        except psycopg.OperationalError:
            pass
"""
INSIDE = "id -u; ls /app/services; touch /app/here 2>/dev/null && echo written; command -v gcc cc clang || true"


def broken(stack: Stack) -> list[str]:
    """Every wall that has a hole, in one line each."""
    return [*_networks(stack), *_databases(stack), *_containers(stack), *_labels(stack)]


def sizes(stack: Stack) -> dict[str, float]:
    """Megabytes of each image, with its base."""
    return {name: image_mb(stack, f"palabre/{name}:local") for name in SERVICES}


def _networks(stack: Stack) -> list[str]:
    """By address, since a name that cannot be found says nothing about the wire."""
    doors = {name: [f"{ip}:8000" for ip in _addresses(stack, name)] for name in SERVICES}
    broker = [f"{ip}:6379" for ip in _addresses(stack, "broker")]
    found = []
    for name in SERVICES:
        strange = [there for other, theirs in doors.items() if other != name for there in theirs]
        for part, closed in ((name, [*strange, *broker]), (f"{name}-worker", [*strange, *doors[name][:1]])):
            reached = _run(stack, part, REACH, *closed)
            own = set(doors[name])
            found += [f"{part} reaches {there}" for there in reached if there not in own]
        if _run(stack, name, REACH, "postgres:5432") != ["postgres:5432"]:
            found.append(f"{name} does not reach its own database")
    return found


def _databases(stack: Stack) -> list[str]:
    return [f"{name} opens the database of {other}" for name in SERVICES for other in _run(stack, name, OPEN)]


def _containers(stack: Stack) -> list[str]:
    found = []
    for name in (*SERVICES, *WORKERS):
        service = name.partition("-")[0]
        said = stack.compose("exec", "-T", name, "sh", "-c", INSIDE).split()
        wanted = ["10001", *sorted(["__init__.py", "__main__.py", "__pycache__", "chassis", service])]
        if said != wanted:
            found.append(f"{name} holds or may more than its own: {' '.join(said)}")
    return found


def _labels(stack: Stack) -> list[str]:
    told = {
        name: stack.docker(
            "image", "inspect", "--format",
            '{{index .Config.Labels "org.opencontainers.image.title"}}', f"palabre/{name}:local",
        ).strip()
        for name in SERVICES
    }  # fmt: skip
    return [f"{name} is labelled {title!r}" for name, title in told.items() if title != f"palabre/{name}"]


def _addresses(stack: Stack, service: str) -> list[str]:
    networks = stack.inspect(stack.containers(service)[0])["NetworkSettings"]["Networks"]
    return [str(one["IPAddress"]) for one in networks.values()]


def _run(stack: Stack, service: str, program: str, *words: str) -> list[str]:
    return stack.compose("exec", "-T", service, "python", "-c", program, *words).split()
