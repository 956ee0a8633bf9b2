"""One stack of docker-compose.yml, unchanged: its secrets, its start, its doors, and what can be done to it."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from infra.day.street import Street
from infra.embedded import secrets_for_env
from services.registration.web.describing import ZONES
from tests.compose.catcher import Catcher
from tests.compose.lines import ThroughTheGateway
from tests.postgres import free_port

ROOT = Path(__file__).parents[2]
SERVICES = ("registration", "grouping", "feedback", "notifications")
WORKERS = (*(f"{name}-worker" for name in SERVICES), "notifications-mail")
KEPT = (*SERVICES, *WORKERS, *(f"{name}-relay" for name in SERVICES), "broker", "postgres", "gateway")
NAME = "palabre.localhost"
PROJECT = "palabre-test"


class Broken(Exception):
    """What the stack did not do, in one line."""


class Stack:
    """A project of Compose; `up` starts it, `down` takes it away with everything it kept."""

    def __init__(
        self,
        environ: Mapping[str, str],
        folder: Path,
        catcher: Catcher,
        *,
        project: str = PROJECT,
        **settings: str,
    ) -> None:
        self.environ = {name: value for name, value in environ.items() if not name.startswith("PALABRE_")}
        self.folder = folder
        self.catcher = catcher
        self.project = project
        self.port = free_port()
        folder.mkdir(parents=True, exist_ok=True)
        self.env_file = folder / f"{project}.env"
        told = {
            "PALABRE_PUBLIC_URL": f"https://{NAME}",
            "PALABRE_SMTP_URL": f"smtp://{self.this_machine()}:{catcher.smtp_port}",
            "PALABRE_SENDER": "palabre@palabre.example",
            "PALABRE_HTTP_PORT": str(free_port()),
            "PALABRE_HTTPS_PORT": str(self.port),
            **settings,
        }
        self._told = "".join(f"{name}={value}\n" for name, value in told.items())
        self.rotate()

    def rotate(self) -> None:
        """Write every secret anew into the file that Compose reads."""
        self.env_file.write_text(self._told + secrets_for_env.lines())

    def type(self, command: str, tools: Path) -> str:
        """What an operator types in this folder, with `tools` first on their path; why it failed, or nothing."""
        environ = {
            **self.environ,
            "PATH": f"{tools.resolve()}:{self.environ['PATH']}",
            "COMPOSE_PROJECT_NAME": self.project,
            "COMPOSE_ENV_FILES": str(self.env_file.resolve()),
        }
        ended = subprocess.run(
            ["bash", "-euc", command],
            env=environ,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        return (ended.stderr or ended.stdout).strip()[-600:] if ended.returncode else ""

    def ended(self, *words: str, within_s: float, **how: Any) -> subprocess.CompletedProcess[str]:
        """`docker …` once it has ended, well or not. Raises subprocess.TimeoutExpired."""
        return subprocess.run(
            ["docker", *words],
            env=self.environ,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=within_s,
            check=False,
            **how,
        )

    def docker(self, *words: str, check: bool = True, within_s: float = 600, **how: Any) -> str:
        """What `docker …` says. Raises Broken with its last words."""
        ended = self.ended(*words, within_s=within_s, **how)
        if check and ended.returncode:
            raise Broken(f"docker {' '.join(words[:9])}: {(ended.stderr or ended.stdout).strip()[-800:]}")
        return ended.stdout + (ended.stderr if not check else "")

    def compose(self, *words: str, check: bool = True, within_s: float = 600, **how: Any) -> str:
        """What `docker compose …` says on this stack."""
        return self.docker(
            "compose", "--project-name", self.project, "--env-file", str(self.env_file), *words,
            check=check, within_s=within_s, **how,
        )  # fmt: skip

    def build(self) -> None:
        # One after the other: the first fetches what they share, and the others find it.
        for name in SERVICES:
            self.compose("build", "--quiet", f"{name}-migrate", within_s=1800)

    def up(self, *words: str, within_s: float = 240) -> float:
        """Start, wait until everything says it is healthy; seconds it took."""
        began = time.monotonic()
        try:
            self.compose("up", "--detach", "--pull", "never", "--no-build", "--wait", *words, within_s=within_s)
        except (Broken, subprocess.TimeoutExpired) as trouble:
            unwell = self.unwell()
            said = f"not healthy: {', '.join(unwell)}\n{self.logs(*unwell, tail=6)}\n{trouble}"
            raise Broken(said) from None
        return time.monotonic() - began

    def scale(self, number: int) -> None:
        """So many containers of each worker."""
        wanted = [word for name in WORKERS for word in ("--scale", f"{name}={number}")]
        self.compose(
            "up", "--detach", "--pull", "never", "--no-build", "--no-recreate", "--no-deps", *wanted, *WORKERS
        )

    def roll(self, *services: str) -> None:
        """New containers in place of the old ones, which are told to end and given their time."""
        self.compose(
            "up", "--detach", "--pull", "never", "--no-build", "--no-deps", "--force-recreate", *services
        )

    def answers(self, service: str, *, within_s: float = 60) -> None:
        """Wait until a service's web answers again. Raises Broken."""
        give_up = time.monotonic() + within_s
        while "alive" not in self.compose("exec", "-T", service, "ls", "/tmp", check=False):  # noqa: S108
            if time.monotonic() > give_up:
                raise Broken(f"{service} does not answer after {within_s:.0f} s")
            time.sleep(0.3)

    def down(self) -> None:
        self.compose("down", "--volumes", "--remove-orphans", "--timeout", "20", check=False)

    def containers(self, service: str = "", *, ended: bool = False) -> list[str]:
        """The ids of the containers of one service, or of all."""
        words = ["ps", "--quiet", *(["--all"] if ended else []), *([service] if service else [])]
        return self.compose(*words).split()

    def inspect(self, container: str) -> dict[str, Any]:
        told: list[dict[str, Any]] = json.loads(self.docker("inspect", container))
        return told[0]

    def wait(self, *services: str, within_s: float = 90) -> float:
        """Until each container of these services runs and is healthy; seconds it took. Raises Broken."""
        began = time.monotonic()
        while True:
            states = {name: [self.inspect(one)["State"] for one in self.containers(name)] for name in services}
            unwell = [name for name, found in states.items() if not found or not all(map(_is_well, found))]
            if not unwell:
                return time.monotonic() - began
            if time.monotonic() - began > within_s:
                raise Broken(f"{', '.join(unwell)} not healthy after {within_s:.0f} s")
            time.sleep(0.3)

    def unwell(self) -> list[str]:
        """The services that do not run or are not healthy."""
        told = {
            name: [self.inspect(one)["State"] for one in self.containers(name, ended=True)] for name in KEPT
        }
        return [name for name, states in told.items() if not states or not all(map(_is_well, states))]

    def logs(self, *services: str, tail: int = 40) -> str:
        return self.compose("logs", "--no-color", "--tail", str(tail), *services, check=False)

    @cached_property
    def authority(self) -> Path:
        """The certificate by which the gateway vouches for itself on a name that is nobody's."""
        kept = self.folder / "authority.crt"
        kept.unlink(missing_ok=True)
        self.compose("cp", "gateway:/data/caddy/pki/authorities/local/root.crt", str(kept))
        return kept

    def lines(self, *, patience_s: float = 60.0) -> ThroughTheGateway:
        return ThroughTheGateway(NAME, self.port, self.authority, patience_s=patience_s)

    def street(self) -> Street:
        """The platform as the day plays on it."""
        said = self.compose("exec", "-T", "registration", "python", "-m", "services.registration", "owner-link")
        return Street(
            f"https://{NAME}",
            self.catcher.url,
            said.strip().splitlines()[-1],
            lines=lambda: self.lines(),
            zone=awake(),
        )

    def sql(self, database: str, statement: str) -> str:
        """What PostgreSQL answers, as its superuser."""
        words = ("psql", "-U", "postgres", "-qtA", "-d", database, "-c", statement)
        return self.compose("exec", "-T", "postgres", *words).strip()

    def this_machine(self) -> str:
        """The address by which containers reach this machine: the engine's own bridge, else its name for it."""
        told = self.docker(
            "network", "inspect", "bridge", "--format", "{{(index .IPAM.Config 0).Gateway}}", check=False
        ).strip()
        if told and told[0].isdigit():
            return told
        subnet = self.docker(
            "network", "inspect", "bridge", "--format", "{{(index .IPAM.Config 0).Subnet}}"
        ).strip()
        return subnet.rpartition(".")[0] + ".1" if subnet else socket.gethostbyname(socket.gethostname())


def awake() -> str:
    """The zone of the form in which the sun is highest about now, so that no letter waits for the morning."""
    now = datetime.now(UTC)
    return min(ZONES, key=lambda zone: abs(now.astimezone(ZoneInfo(zone)).hour - 13))


def _is_well(state: dict[str, Any]) -> bool:
    return bool(state["Running"]) and state.get("Health", {}).get("Status", "healthy") == "healthy"


def room(folder: Path) -> Path:
    """An empty folder."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder
