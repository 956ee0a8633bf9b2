"""A poster's notes: what it did with each letter it holds, kept where a killed process leaves them.

The database learns of letters several at a time. Between two commits these notes say, to a line, which letters of a
dead poster never left, which were answered, and the one or two of which nobody can know. They are written before and
after each final dot without waiting for the disk: what a process wrote outlives it in the kernel. It does not outlive
the machine, so notes of an earlier boot are not believed, and what was handed then is doubted instead.
"""

from __future__ import annotations

import fcntl
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from uuid import UUID, uuid4

_BOOT = Path("/proc/sys/kernel/random/boot_id")
BEGUN = "begun"


@dataclass(frozen=True, slots=True)
class Word:
    """The last that was noted of one letter: `begun`, or how it ended, by which server and with what reply."""

    outcome: str
    server: str = ""
    reply: str = ""


@dataclass(slots=True)
class Left:
    """What a dead poster noted. Letters of `turn` that have no word here never left."""

    turn: UUID
    words: dict[UUID, Word] = field(default_factory=dict)


class Notes:
    """The notes of one turn of one poster; in a `with` block.

    They are thrown away when the block ends, but for an exception: then what was noted may not be in the database, and
    waits to be taken up. `turn` is the name under which the poster holds letters. `are_kept` is False where nothing
    tells one boot of the machine from the next: the poster should then hold one letter at a time.
    """

    def __init__(self, folder: Path) -> None:
        self.turn = uuid4()
        boot = _boot()
        self.are_kept = bool(boot)
        self._path = folder / f"{self.turn}.notes"
        folder.mkdir(parents=True, exist_ok=True)
        # Locked under another name first: under its own it would look like a dead poster's for a moment.
        hidden = folder / f"{self.turn}.new"
        self._file = os.open(hidden, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        fcntl.flock(self._file, fcntl.LOCK_EX)
        self._write(boot)
        hidden.rename(self._path)

    def begin(self, letter_id: UUID) -> None:
        """From now on the server may have this letter."""
        self._write(f"{letter_id} {BEGUN}")

    def end(self, letter_id: UUID, word: Word) -> None:
        """What became of it."""
        self._write(f"{letter_id} {word.outcome} {json.dumps([word.server, word.reply])}")

    def __enter__(self) -> Notes:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._path.unlink(missing_ok=True)
        os.close(self._file)

    def _write(self, line: str) -> None:
        os.write(self._file, f"{line}\n".encode())


def folder_in(data: Path) -> Path:
    """Where posters keep their notes: in the folder of data, or where temporary files go when there is none."""
    if data.is_dir() and os.access(data, os.W_OK):
        return data / "posting"
    ours = Path(tempfile.gettempdir()) / f"palabre-posting-{os.getuid()}"
    ours.mkdir(mode=0o700, exist_ok=True)
    if ours.stat().st_uid != os.getuid():
        raise PermissionError(f"{ours} belongs to somebody else: who writes there says what was sent")
    return ours


def left(folder: Path) -> Iterator[Left]:
    """What dead posters noted; each is thrown away once the caller comes back for the next one.

    Notes of an earlier boot are thrown away unread. A poster that lives holds a lock, so its notes are not touched.
    """
    boot = _boot()
    for path in sorted(folder.glob("*.notes")):
        try:
            file = os.open(path, os.O_RDONLY)
        except FileNotFoundError:
            continue
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            continue
        try:
            first, *lines = path.read_text(encoding="utf-8").split("\n")
            if boot and first == boot:
                yield Left(UUID(path.stem), _words(lines))
            path.unlink(missing_ok=True)
        except FileNotFoundError:
            continue  # somebody else took it up between the listing and the lock
        finally:
            os.close(file)


def _words(lines: list[str]) -> dict[UUID, Word]:
    found: dict[UUID, Word] = {}
    for line in lines:
        name, _space, said = line.partition(" ")
        outcome, _space, about = said.partition(" ")
        # The last line may have been cut by a full disk: half an answer is no answer.
        with suppress(ValueError):
            found[UUID(name)] = Word(outcome, *json.loads(about)) if about else Word(BEGUN)
    return found


def _boot() -> str:
    try:
        return _BOOT.read_text(encoding="ascii").strip()
    except OSError:
        return ""
