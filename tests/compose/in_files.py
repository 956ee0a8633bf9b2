"""The same stack with its secrets in files: everything is well, and nobody reads a secret off a container."""

from __future__ import annotations

import shutil

from infra.embedded import secrets_for_env
from tests.compose.stack import KEPT, Stack

FILES = ("--file", "docker-compose.yml", "--file", "infra/compose/secrets.yml")
PUBLIC = "PALABRE_VERIFY_KEY"


def broken(stack: Stack) -> list[str]:
    """Start everything anew with the secrets it has in files; what shows one, in one line each. Raises Broken."""
    told = dict(line.split("=", 1) for line in stack.env_file.read_text(encoding="utf-8").splitlines())
    folder, env_file = (stack.folder / "secrets").resolve(), stack.folder / "in-files.env"
    shutil.rmtree(folder, ignore_errors=True)
    left = secrets_for_env.into(folder, told)
    names = {name for name in secrets_for_env.made() if name != PUBLIC}
    kept = "".join(
        f"{name}={value}\n" for name, value in told.items() if name not in {*names, "PALABRE_SMTP_URL"}
    )
    env_file.write_text(f"{kept}{left}PALABRE_SECRETS={folder}\n", encoding="utf-8")
    stack.docker(
        "compose", "--project-name", stack.project, "--env-file", str(env_file), *FILES,
        "up", "--detach", "--pull", "never", "--no-build", "--wait",
    )  # fmt: skip
    secrets = {told[name] for name in names}
    return [
        f"in files: {part} shows a secret"
        for part in KEPT
        for one in stack.containers(part)
        if any(secret in str(stack.inspect(one)) for secret in secrets)
    ]
