from __future__ import annotations

import stat
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from infra.backup import archive
from infra.backup.archive import About, NotABackup

ABOUT = About("sqlite", ["grouping"], "2026-05-04T10:00:00+00:00", "2026-05-04T10:00:02+00:00")


@pytest.fixture
def dump(tmp_path: Path) -> Path:
    (tmp_path / "grouping").write_bytes(b"rows")
    return tmp_path / "grouping"


def test_what_was_packed_is_unpacked(dump: Path, tmp_path: Path) -> None:
    archive.write(tmp_path / "kept" / "a.tar", ABOUT, {"grouping.dump": dump})

    about = archive.read(tmp_path / "kept" / "a.tar", tmp_path / "out")

    assert (about, (tmp_path / "out" / "grouping.dump").read_bytes()) == (ABOUT, b"rows")


def test_a_backup_is_for_its_owner_only_and_leaves_nothing_beside_it(dump: Path, tmp_path: Path) -> None:
    archive.write(tmp_path / "kept" / "a.tar", ABOUT, {"grouping.dump": dump})

    (file,) = (tmp_path / "kept").iterdir()
    assert (file.name, stat.S_IMODE(file.stat().st_mode)) == ("a.tar", 0o600)


def test_what_would_be_written_elsewhere_stays_in_the_archive(dump: Path, tmp_path: Path) -> None:
    parts = {"grouping.dump": dump, "keys/secret": dump, "../outside": dump}
    archive.write(tmp_path / "a.tar", ABOUT, parts)

    archive.read(tmp_path / "a.tar", tmp_path / "out")

    assert (tmp_path / "out" / "keys" / "secret").read_bytes() == b"rows"
    assert not (tmp_path / "outside").exists()


def test_a_backup_that_lacks_a_database_is_refused(dump: Path, tmp_path: Path) -> None:
    archive.write(
        tmp_path / "a.tar", replace(ABOUT, services=["grouping", "feedback"]), {"grouping.dump": dump}
    )

    with pytest.raises(NotABackup, match="feedback is missing"):
        archive.read(tmp_path / "a.tar", tmp_path / "out")


def test_a_backup_of_another_format_is_refused(dump: Path, tmp_path: Path) -> None:
    archive.write(tmp_path / "a.tar", replace(ABOUT, format=99), {"grouping.dump": dump})

    with pytest.raises(NotABackup, match="another version"):
        archive.read(tmp_path / "a.tar", tmp_path / "out")


def test_a_file_that_is_no_backup_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no tar")
    with tarfile.open(tmp_path / "other.tar", "w") as packed:
        packed.add(tmp_path / "text", "text")

    for name in ("text", "other.tar", "nowhere.tar"):
        with pytest.raises(NotABackup):
            archive.read(tmp_path / name, tmp_path / "out")
