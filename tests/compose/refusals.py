"""Bad input, in containers: each is said in one clear line, and ends with a code that is not 0 unless waiting helps."""

from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from tests.compose.stack import ROOT, Stack

WITHIN_S = 90.0


@dataclass(frozen=True)
class Case:
    """A container like that of `part`, in its networks, with other settings: its exit code and a line it must say.

    Without a `code` any but 0 will do: it is another program's.
    """

    name: str
    part: str
    command: tuple[str, ...]
    code: int | None
    says: str
    settings: dict[str, str] = field(default_factory=dict)


CASES = (
    Case("unknown service", "feedback", ("serve",), 2, "There is no service 'kitchen' here", {"SERVICE": "kitchen"}),
    Case("port in use", "feedback", ("serve",), 1, "Cannot listen on 0.0.0.0:8000: Address already in use"),
    Case(
        "missing secret", "feedback", ("serve",), 1, "PALABRE_SECRET_KEY is missing", {"PALABRE_SECRET_KEY": ""}
    ),
    Case(
        "development secret", "feedback", ("serve",), 1, "PALABRE_SECRET_KEY is too short",
        {"PALABRE_SECRET_KEY": "secret"},
    ),
    Case(
        "unknown setting", "feedback", ("serve",), 1, "Did you mean PALABRE_LOG_LEVEL?",
        {"PALABRE_LOG_LEVL": "INFO"},
    ),
    Case(
        "SQLite", "feedback", ("serve",), 1, "production needs PostgreSQL, not SQLite",
        {"PALABRE_DATABASE_URL": "sqlite:////tmp/{service}.db"},
    ),
    Case("held letters", "feedback", ("serve",), 1, "production needs a mail server", {"PALABRE_SMTP_URL": "held:"}),
    Case(
        "database refuses", "feedback-relay", ("relay",), 1, "password authentication failed",
        {"PALABRE_DATABASE_URL": "postgresql+psycopg://feedback:another-word@postgres/feedback"},
    ),
    Case(
        "database that never comes", "feedback", ("migrate",), 1, "does not answer",
        {"PALABRE_DATABASE_URL": "postgresql+psycopg://feedback:another-word@nowhere/feedback"},
    ),
    Case(
        "broker refuses", "feedback-worker", ("work", "--pool", "solo"), 1, "The broker refuses us",
        {"PALABRE_REDIS_URL": "redis://:another-word@broker:6379/0"},
    ),
)  # fmt: skip


def broken(stack: Stack) -> list[str]:
    """What was not said, or not ended, as it should be; one line each."""
    with ThreadPoolExecutor(3) as hands:
        tried = list(hands.map(lambda case: _wrong(stack, case), CASES))
    return [wrong for wrong in (*tried, *(also(stack) for also in OTHERS)) if wrong]


def _wrong(stack: Stack, case: Case) -> str:
    one = stack.inspect(stack.containers(case.part)[0])
    told = dict(line.split("=", 1) for line in one["Config"]["Env"])
    settings = {**told, "PALABRE_ALIVE": "", **case.settings}
    given = [word for name, value in settings.items() for word in ("--env", f"{name}={value}")]
    return _judge(
        case, stack, "run", "--rm", "--read-only", "--tmpfs", "/tmp",  # noqa: S108
        "--network", f"container:{one['Id']}", *given, one["Config"]["Image"], *case.command,
    )  # fmt: skip


def _judge(case: Case, stack: Stack, *words: str) -> str:
    """Why what `docker …` said and returned is not what it should be; nothing when it is."""
    try:
        ended = stack.ended(*words, within_s=WITHIN_S)
    except subprocess.TimeoutExpired:
        return f"refusal: {case.name}: nothing had ended after {WITHIN_S:.0f} s"
    said = (ended.stdout + ended.stderr).strip().splitlines()
    lines = [line for line in said if case.says in line]
    as_wanted = ended.returncode == case.code if case.code is not None else ended.returncode != 0
    if as_wanted and lines and not any("Traceback" in line for line in said):
        return ""
    return f"refusal: {case.name}: ended with {ended.returncode}, saying {said[-1:]}"


def _build(stack: Stack) -> str:
    case = Case("unknown service in a build", "", (), 2, "There is no service 'kitchen'")
    return _judge(case, stack, "build", "--build-arg", "SERVICE=kitchen", "-f", "infra/docker/Dockerfile", ".")


def _config(stack: Stack) -> str:
    """Compose starts nothing while a secret is missing."""
    without = stack.folder / "without.env"
    lines = stack.env_file.read_text(encoding="utf-8").splitlines(keepends=True)
    without.write_text(
        "".join(line for line in lines if not line.startswith("BROKER_PASSWORD=")), encoding="utf-8"
    )
    case = Case("missing in .env", "", (), None, "BROKER_PASSWORD")
    return _judge(
        case, stack, "compose", "--project-name", stack.project, "--env-file", str(without), "up", "-d"
    )


def _late(stack: Stack) -> str:
    """A database that is not there yet is waited for."""
    stack.compose("stop", "postgres")
    words = ("run", "--rm", "--no-deps", "-T", "feedback-migrate", "migrate")
    command = ["docker", "compose", "--project-name", stack.project, "--env-file", str(stack.env_file), *words]
    with subprocess.Popen(
        command, env=stack.environ, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as migrating:
        assert migrating.stdout is not None
        said, waits = "", False
        for line in migrating.stdout:
            said += line
            if "waiting_for_database" in line and not waits:
                waits = True
                stack.compose("start", "postgres")
        code = migrating.wait(timeout=WITHIN_S)
    if not waits:
        stack.compose("start", "postgres")
    if code == 0 and waits:
        return ""
    return f"refusal: database that comes late: ended with {code}, saying {said.strip()[-200:]}"


def _door(stack: Stack) -> str:
    """The engine itself says that another has the gateway's port."""
    case = Case("gateway's port in use", "", (), None, "already")
    return _judge(case, stack, "run", "--rm", "--publish", f"{stack.port}:443", "caddy:2-alpine", "true")


# What no container of the stack is asked.
OTHERS = (_build, _config, _door, _late)
