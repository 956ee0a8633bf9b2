"""What the files of infra/compose promise, seen on a running stack: figures and alerts, letters caught, lines cut.

`docker compose config` says that Compose understands a file; only a stack that runs with it says that it works.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx
import yaml

from infra.day import play
from infra.day.board import Board, Step
from infra.day.browser import Browser
from tests.compose.stack import NAME, ROOT, SERVICES, Broken, Stack

DASHBOARDS = ROOT / "infra" / "observability" / "grafana" / "dashboards"
ALERTS = ROOT / "infra" / "observability" / "alerts.yml"
METRIC = re.compile(r"\bpalabre_\w+")
FEW = 16
# The canary may be a minute old, the alert waits for a minute more, and Prometheus looks every quarter of a minute.
FIRES_WITHIN_S, CALM_WITHIN_S, SCRAPED_WITHIN_S = 210.0, 120.0, 60.0
ARRIVES_WITHIN_S = 90.0
RELOADED_WITHIN_S = 60.0
CHANGED = "changed-while-it-runs"
# What is written at the end of registration's site.py.
RELOADED = f"""
_built = build


def build(*given):
    app = _built(*given)
    app.add_url_rule("/{CHANGED}", "changed", lambda: "{CHANGED}")
    return app
"""
# What is asked of the proxy at the beginning of a step of the day: slow lines, then each of them cut and healed.
SLOW = {"type": "latency", "attributes": {"latency": 100, "jitter": 0}}
BLOWS: dict[str, tuple[tuple[str, dict[str, Any]], ...]] = {
    "Invitations": (("/proxies/broker/toxics", SLOW),),
    "Forms": (("/proxies/broker", {"enabled": False}),),
    "Addresses": (("/proxies/broker", {"enabled": True}),),
    "Wishes": (("/proxies/postgres", {"enabled": False}), ("/proxies/postgres", {"enabled": True})),
    "Angles": (("/proxies/postgres/toxics", {"type": "latency", "attributes": {"latency": 10}}),),
    "Questionnaire": (("/reset", {}),),
}
ORGANISER = "odile@example.org"


def expressions() -> list[str]:
    """What every panel of every dashboard asks, in its order."""
    return [
        target["expr"]
        for path in sorted(DASHBOARDS.glob("*.json"))
        for panel in json.loads(path.read_text(encoding="utf-8"))["panels"]
        for target in panel["targets"]
    ]


def run(stack: Stack, board: Board) -> list[str]:
    """Each override in its turn, one line for each; what is not as promised. Goes on with the next when one breaks."""
    seen: dict[str, Callable[[Stack, Board, Step], list[str]]] = {
        "observe": _observe, "dev": _dev, "faults": _faults,
    }  # fmt: skip
    broken = []
    for name, look in seen.items():
        with board.step(f"Override {name}") as step:
            try:
                found = look(stack, board, step)
            except (Broken, httpx.HTTPError, subprocess.TimeoutExpired, LookupError) as trouble:
                found = [f"{type(trouble).__name__}: {trouble}"]
            broken += [f"override {name}: {rule}" for rule in found]
    return broken


class _With:
    """The same stack with one file more; `told` are settings of that file."""

    def __init__(self, stack: Stack, override: str, *, folder: Path = ROOT, **told: str) -> None:
        self.stack = stack
        named = (folder / "docker-compose.yml", folder / "infra" / "compose" / f"{override}.yml")
        self._files = tuple(word for path in named for word in ("--file", str(path)))
        self._env_file = stack.folder / f"{override}.env"
        self._env_file.write_text(
            stack.env_file.read_text(encoding="utf-8") + "".join(f"{k}={v}\n" for k, v in told.items()),
            encoding="utf-8",
        )

    def compose(self, *words: str, check: bool = True) -> str:
        given = ("--project-name", self.stack.project, "--env-file", str(self._env_file))
        return self.stack.docker("compose", *given, *self._files, *words, check=check)

    def up(self, *services: str) -> None:
        self.compose("up", "--detach", "--pull", "never", "--no-build", "--wait", *services)

    def address(self, service: str) -> str:
        """Where this machine reaches one of its containers."""
        networks = self.stack.inspect(self.compose("ps", "--quiet", service).split()[0])["NetworkSettings"]
        return str(next(one["IPAddress"] for one in networks["Networks"].values() if one["IPAddress"]))


@contextmanager
def _and_without(stack: Stack) -> Iterator[None]:
    """Afterwards the stack is what docker-compose.yml alone makes of it."""
    try:
        yield
    finally:
        stack.up("--remove-orphans")


def _until(within_s: float, what: str, is_so: Callable[[], Any]) -> float:
    """Seconds until `is_so`. Raises Broken."""
    began = time.monotonic()
    while not is_so():
        if time.monotonic() - began > within_s:
            raise Broken(f"{what}: not after {within_s:.0f} s")
        time.sleep(1)
    return time.monotonic() - began


# Prometheus


def _observe(stack: Stack, board: Board, step: Step) -> list[str]:
    """Grafana has no stand-in: what its panels ask is asked of Prometheus, as it would be."""
    seen = _With(stack, "observe", GRAFANA_PASSWORD="for-the-test-alone")  # noqa: S106 nobody asks it
    with _and_without(stack):
        seen.up("prometheus")
        asked = httpx.Client(base_url=f"http://{seen.address('prometheus')}:9090/api/v1", trust_env=False)
        _until(SCRAPED_WITHIN_S, "four services are asked", lambda: _services_up(asked) == set(SERVICES))
        broken = list(play.play(stack.street(), seats=FEW, seed=2027, hands=8, board=board).figures["broken"])
        time.sleep(2 * 15)  # what the day left is asked for twice, so that every rate has something to say
        broken += _rules(asked)
        broken += _panels(asked)
        step.notes.append(f"4 services asked, {len(expressions())} panels' questions answered")
        stack.compose("stop", "grouping-relay")
        fired_s = _until(FIRES_WITHIN_S, "the alert of a stopped relay", lambda: _firing(asked))
        wrong = _firing(asked) - {("FactsDoNotGoRound", "grouping")}
        broken += [f"{name} of {service} fires as well" for name, service in wrong]
        stack.compose("start", "grouping-relay")
        calm_s = _until(CALM_WITHIN_S, "calm", lambda: not _firing(asked))
        step.notes.append(f"alert after {fired_s:.0f} s without a relay, calm {calm_s:.0f} s after its return")
        step.notes.append("Grafana itself was not run")
    return broken


def _asked(asked: httpx.Client, expression: str) -> list[dict[str, Any]]:
    told = asked.get("/query", params={"query": expression}).json()
    if told["status"] != "success":
        raise Broken(f"{expression}: {told.get('error')}")
    found: list[dict[str, Any]] = told["data"]["result"]
    return found


def _services_up(asked: httpx.Client) -> set[str]:
    """The services whose own figures have come, once nothing that is asked fails."""
    try:
        targets = asked.get("/targets").json()["data"]["activeTargets"]
        if not targets or any(one["health"] != "up" for one in targets):
            return set()
        return {one["metric"]["service"] for one in _asked(asked, "palabre_facts_waiting")}
    except httpx.TransportError:  # it is only just starting
        return set()


def _rules(asked: httpx.Client) -> list[str]:
    groups = asked.get("/rules").json()["data"]["groups"]
    loaded = {rule["name"]: rule for group in groups for rule in group["rules"]}
    wanted = [
        rule["alert"]
        for group in yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"]
        for rule in group["rules"]
    ]
    return [
        f"rule {name}: {loaded[name].get('lastError') if name in loaded else 'not loaded'}"
        for name in wanted
        if name not in loaded or loaded[name]["health"] != "ok"
    ]


def _panels(asked: httpx.Client) -> list[str]:
    """What cannot be asked, and figures that nobody tells after a day."""
    names = set(asked.get("/label/__name__/values").json()["data"])
    broken = []
    for expression in expressions():
        _asked(asked, expression)
        broken += [f"{name} is told by nobody" for name in METRIC.findall(expression) if name not in names]
    return broken


def _firing(asked: httpx.Client) -> set[tuple[str, str]]:
    return {
        (one["labels"]["alertname"], one["labels"].get("service", ""))
        for one in asked.get("/alerts").json()["data"]["alerts"]
        if one["state"] == "firing"
    }


# A catcher of letters, and code that is read anew


def _dev(stack: Stack, board: Board, step: Step) -> list[str]:
    """On a copy of this folder, so that nothing of it has to be changed."""
    copy = stack.folder.resolve() / "copy"
    shutil.rmtree(copy, ignore_errors=True)
    for part in ("services", "infra"):
        shutil.copytree(ROOT / part, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "docker-compose.yml", copy)
    seen = _With(stack, "dev", folder=copy)
    email = _organiser(stack)
    with _and_without(stack):
        seen.up()
        mail = httpx.Client(base_url="http://127.0.0.1:8025", trust_env=False)
        person = Browser(stack.lines(), f"https://{NAME}")
        form = person.get("/entrer").form("/entrer$", having="email")
        form.fill(email=email)
        person.send(form)
        caught_s = _until(
            ARRIVES_WITHIN_S, "a letter in the catcher", lambda: email in mail.get("/api/email").text
        )
        step.notes.append(f"a letter lies in the catcher after {caught_s:.0f} s")
        path = copy / "services" / "registration" / "site.py"
        with path.open("a", encoding="utf-8") as code:
            code.write(RELOADED)
        served_s = _until(
            RELOADED_WITHIN_S,
            "a changed file is served",
            lambda: _status(stack, f"/{CHANGED}") == HTTPStatus.OK,
        )
        step.notes.append(f"a changed file is served after {served_s:.0f} s without a build")
    return []


def _organiser(stack: Stack) -> str:
    """The address of somebody who may come in; on a platform where nobody can yet, one is made."""
    stack.sql(
        "registration",
        "insert into organisers (id, email, name, created_at)"  # noqa: S608 all of it is ours
        f" values (gen_random_uuid(), '{ORGANISER}', 'Odile', now()) on conflict (email) do nothing",
    )
    return ORGANISER


def _status(stack: Stack, path: str) -> int:
    """What the gateway answers now; 0 for nothing."""
    with stack.lines().client(f"https://{NAME}") as client:
        try:
            return client.get(path).status_code
        except httpx.TransportError:
            return 0


# Lines that are slow or cut


def _faults(stack: Stack, board: Board, step: Step) -> list[str]:
    seen, ordered = _With(stack, "faults"), dict(BLOWS)
    with _and_without(stack):
        seen.up()
        asked = httpx.Client(base_url="http://127.0.0.1:8474", trust_env=False)
        did: list[str] = []

        def watch(now: Step) -> None:
            for way, told in ordered.pop(now.name, ()):
                answer = asked.post(way, json=told)
                did.append(f"{way} {answer.status_code}")

        board.watch = watch
        try:
            day = play.play(stack.street(), seats=FEW, seed=2027, hands=8, board=board)
        finally:
            board.watch = None
        wrong = [one for one in did if not one.endswith((" 200", " 204"))]
        step.notes.append(f"{len(did)} faults through the proxy, none lost, none twice" if not wrong else "")
        unmet = [f"{name}: its step never came" for name in ordered]
    return [*day.figures["broken"], *wrong, *unmet]
