"""Whether docker-compose.yml is what Compose understands: `docker compose config`, where a Compose can be had."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from infra.embedded import secrets_for_env

HERE = Path(".venv/compose")
# What an operator fills in by hand.
BY_HAND = {
    "PALABRE_PUBLIC_URL": "https://palabre.example.org",
    "PALABRE_SMTP_URL": "smtp://user:password@mail.example.org:587",
    "PALABRE_SENDER": "palabre@example.org",
}
# What the files of infra/compose ask for besides.
BY_HAND_OF_OVERRIDES = {
    "GRAFANA_PASSWORD": "for the check alone",
    "PALABRE_OIDC_ISSUER": "https://accounts.example.org",
    "PALABRE_OIDC_CLIENT": "palabre",
    "PALABRE_OIDC_SECRET": "for the check alone",
    "PALABRE_DKIM": "s1._domainkey.example.org=/run/keys/s1.pem",
}
OVERRIDES = Path("infra/compose")


def compose() -> list[str] | None:
    """The command of a Compose v2: docker's plugin, a program of its own, or the one we took from Debian."""
    candidates = (["docker", "compose"], ["docker-compose"], [str(HERE / "docker-compose")])
    return next((command for command in candidates if _is_v2(command)), None)


def _is_v2(command: list[str]) -> bool:
    if not shutil.which(command[0]):
        return False
    ended = subprocess.run([*command, "version", "--short"], capture_output=True, text=True, check=False)
    return ended.returncode == 0 and not ended.stdout.startswith("1.")


def take_from_debian() -> None:
    """Debian 13's Compose, without touching this machine's own package lists: one program, unpacked beside us."""
    sources = Path("/etc/apt/sources.list.d/debian.sources")
    if not (sources.exists() and shutil.which("apt-get") and shutil.which("dpkg")):
        return
    for folder in ("lists/partial", "cache/archives/partial", "sources"):
        (HERE / folder).mkdir(parents=True, exist_ok=True)
    newer = sources.read_text().replace("bookworm", "trixie")
    (HERE / "sources" / "debian.sources").write_text(newer)
    place = HERE.resolve()
    (HERE / "apt.conf").write_text(
        f'Dir::Etc::sourcelist "/dev/null";\nDir::Etc::sourceparts "{place}/sources";\n'
        f'Dir::State::lists "{place}/lists";\nDir::Cache "{place}/cache";\n'
    )
    environ = {**os.environ, "APT_CONFIG": f"{place}/apt.conf"}
    for command in (["apt-get", "update", "-qq"], ["apt-get", "download", "-qq", "docker-compose"]):
        subprocess.run(command, cwd=HERE, env=environ, capture_output=True, timeout=300, check=False)
    for package in HERE.glob("docker-compose_*.deb"):
        subprocess.run(["dpkg", "-x", package.name, "unpacked"], cwd=HERE, check=False)
        found = HERE / "unpacked/usr/libexec/docker/cli-plugins/docker-compose"
        if found.exists():
            shutil.copy(found, HERE / "docker-compose")
    for package in HERE.glob("docker-compose_*.deb"):
        package.unlink()
    for folder in ("unpacked", "lists", "cache"):
        shutil.rmtree(HERE / folder, ignore_errors=True)


def main() -> None:
    if compose() is None and os.environ.get("CI") and os.geteuid() == 0:
        take_from_debian()
    command = compose()
    if command is None:
        print(
            "skipped: docker compose config (no Docker Compose v2 here); tests/unit/docker still reads the file"
        )
        return
    made = dict(line.split("=", 1) for line in secrets_for_env.lines().splitlines())
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "DOCKER_CONFIG") if name in os.environ}
    environ = {**kept, **BY_HAND, **made}
    files = ["docker-compose.yml"]
    _config(command, files, environ)
    without = {name: value for name, value in environ.items() if name != "PALABRE_SECRET_KEY"}
    if not _said(command, files, without):
        sys.exit("docker-compose.yml starts without PALABRE_SECRET_KEY")
    overrides = sorted(OVERRIDES.glob("*.yml"))
    environ |= BY_HAND_OF_OVERRIDES
    for override in overrides:
        _config(command, [*files, str(override)], environ)
    names = ", ".join(path.stem for path in overrides)
    print(f"docker compose config passes, also with {names}, and refuses to start without its secrets")


def _config(command: list[str], files: list[str], environ: dict[str, str]) -> None:
    if said := _said(command, files, environ):
        sys.exit(f"{' and '.join(files)}: {said}")


def _said(command: list[str], files: list[str], environ: dict[str, str]) -> str:
    """Why Compose refuses these files, or nothing."""
    named = [word for file in files for word in ("--file", file)]
    ended = subprocess.run(
        [*command, "--env-file", os.devnull, "--project-directory", ".", *named, "config", "--quiet"],
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    return (ended.stderr.strip() or "it ended with an error") if ended.returncode else ""


if __name__ == "__main__":
    main()
