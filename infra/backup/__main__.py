"""python -m infra.backup save [FILE] | restore FILE     (--compose: the containers; else this machine's data)"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from infra.backup import archive, order
from infra.backup.archive import About, NotABackup
from infra.backup.order import NoOrder
from infra.backup.places import Compose, OneMachine, Place, Server, Trouble
from services.chassis import settings
from services.chassis.settings import WrongSetting


def save(place: Place, file: Path) -> None:
    """Write everything into one file while it is used. Raises Trouble, NoOrder."""
    with tempfile.TemporaryDirectory(prefix="palabre-backup-") as name:
        folder, began = Path(name), datetime.now(UTC)
        services = order.hearers_first()
        parts: dict[str, Path] = {}
        for service in services:
            parts[f"{service}.dump"] = folder / f"{service}.dump"
            place.save(service, parts[f"{service}.dump"])
        about = About(place.kind, services, began.isoformat(), datetime.now(UTC).isoformat())
        archive.write(file, about, {**parts, **place.keys()})


def restore(place: Place, file: Path) -> About:
    """Put everything back as it was then. Raises NotABackup before anything is touched, and Trouble."""
    with tempfile.TemporaryDirectory(prefix="palabre-backup-") as name:
        about = archive.read(file, Path(name))
        if about.kind != place.kind:
            raise NotABackup(f"{file} holds {about.kind} databases, and these are {place.kind}.")
        place.put_back(Path(name), about)
        return about


def _place(options: argparse.Namespace) -> Place:
    if options.compose:
        return Compose()
    chosen = settings.read()
    if chosen.database_url.startswith("postgresql"):
        return Server(chosen)
    return OneMachine(options.data or chosen.data)


def main() -> None:
    options = argparse.ArgumentParser(prog="python -m infra.backup", description="Saves and puts back.")
    options.add_argument("--compose", action="store_true", help="the containers of docker-compose.yml")
    options.add_argument("--data", type=Path, default=None, help="data folder of one machine (PALABRE_DATA)")
    options.add_argument("verb", choices=("save", "restore"))
    options.add_argument("file", type=Path, nargs="?")
    chosen = options.parse_args()
    if chosen.verb == "restore" and chosen.file is None:
        sys.exit("Which backup? make restore FILE=backups/palabre-….tar")
    began = time.monotonic()
    file: Path = chosen.file or Path("backups") / f"palabre-{datetime.now(UTC):%Y%m%d-%H%M%S}.tar"
    try:
        if chosen.verb == "save":
            save(_place(chosen), file)
            print(f"{file}: {file.stat().st_size / 1e6:.1f} MB in {time.monotonic() - began:.1f} s")
        else:
            about = restore(_place(chosen), file)
            print(
                f"Everything is as it was at {about.ended:%Y-%m-%d %H:%M:%S} UTC. Letters that were under way then are "
                "`unknown`: look at them on the page of letters."
            )
    except (Trouble, NotABackup, NoOrder, WrongSetting) as trouble:
        sys.exit(str(trouble))


if __name__ == "__main__":
    main()
