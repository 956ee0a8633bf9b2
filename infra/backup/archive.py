"""The file of a backup: a tar whose first entry says what it is. It is written beside its place and then renamed."""

from __future__ import annotations

import io
import json
import os
import shutil
import tarfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

FORMAT = 1
ABOUT = "about.json"


class NotABackup(Exception):
    """Why a file cannot be restored, in one line."""


@dataclass(frozen=True)
class About:
    """What a backup holds. `kind` is sqlite or postgresql; `began_at` and `ended_at` are UTC, in ISO 8601."""

    kind: str
    services: list[str]
    began_at: str
    ended_at: str
    format: int = FORMAT

    @property
    def began(self) -> datetime:
        return datetime.fromisoformat(self.began_at)

    @property
    def ended(self) -> datetime:
        return datetime.fromisoformat(self.ended_at)


def write(file: Path, about: About, parts: Mapping[str, Path]) -> None:
    """Pack `parts` by their names in the archive. The file is there whole or not at all, and only for its owner."""
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_name(f".{file.name}.part")
    with os.fdopen(os.open(unfinished, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as raw:
        with tarfile.open(fileobj=raw, mode="w") as packed:
            told = json.dumps(asdict(about), indent=1).encode()
            head = tarfile.TarInfo(ABOUT)
            head.size = len(told)
            packed.addfile(head, io.BytesIO(told))
            for name, path in parts.items():
                packed.add(path, arcname=name, recursive=False)
        raw.flush()
        os.fsync(raw.fileno())
    unfinished.replace(file)


def read(file: Path, folder: Path) -> About:
    """Unpack into `folder`. Raises NotABackup."""
    try:
        with tarfile.open(file) as packed:
            first = packed.next()
            held = packed.extractfile(first) if first is not None and first.name == ABOUT else None
            if held is None:
                raise NotABackup(f"{file} is no backup of Palabre: it does not say what it holds.")
            told = json.loads(held.read())
            if told.get("format") != FORMAT:
                raise NotABackup(
                    f"{file} is of another version of Palabre; restore it with that one and upgrade."
                )
            _unpack(packed, folder)
    except FileNotFoundError:
        raise NotABackup(f"There is no file {file}.") from None
    except (tarfile.TarError, OSError, ValueError, TypeError) as trouble:
        raise NotABackup(f"{file} cannot be read as a backup: {trouble}.") from None
    about = About(**told)
    missing = [name for name in about.services if not (folder / f"{name}.dump").is_file()]
    if missing:
        raise NotABackup(f"{file} is not whole: {', '.join(missing)} is missing.")
    return about


def _unpack(packed: tarfile.TarFile, folder: Path) -> None:
    """The plain files of an archive, for their owner only; what would be written outside of `folder` is not.

    By hand, because Python 3.11 knows the filters of `extractall` from 3.11.4 on only.
    """
    inside = folder.resolve()
    for member in packed:
        place = (inside / member.name).resolve()
        held = packed.extractfile(member) if member.isreg() and place.is_relative_to(inside) else None
        if held is None:
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as part:
            shutil.copyfileobj(held, part)
