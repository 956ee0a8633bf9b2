"""Reading files and fields that others wrote: whatever is wrong with them is said in one line."""

from __future__ import annotations

import gzip
import json
import struct
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Pair = tuple[int, int]

# What numpy, zipfile, gzip and json raise on bytes that are not theirs; OSError is told apart by its own words.
_UNREADABLE = (
    ValueError, TypeError, KeyError, EOFError, AttributeError, SyntaxError, RecursionError, MemoryError,
    NotImplementedError, RuntimeError, struct.error, zipfile.BadZipFile, zlib.error,
)  # fmt: skip


class BadInput(ValueError):
    """What was given cannot be read as a question; the message is one line and names the field."""


def load(path: Path) -> dict[str, Any]:
    """The plain fields of a JSON or NPZ file, either of them gzipped or not. Raises BadInput with one line."""
    try:
        return _arrays(path) if path.suffix == ".npz" else _document(text(path))
    except BadInput as failure:
        raise BadInput(str(failure) if str(failure).startswith(str(path)) else f"{path}: {failure}") from None
    except OSError as failure:
        raise BadInput(f"{path}: {_line(failure.strerror or failure)}") from failure
    except _UNREADABLE as failure:
        raise BadInput(f"{path}: {_line(failure)}") from failure


def text(path: Path) -> str:
    """What a text file says, gzipped or not. Raises BadInput with one line."""
    try:
        written = path.read_bytes()
        return (gzip.decompress(written) if written[:2] == b"\x1f\x8b" else written).decode("utf-8")
    except OSError as failure:
        raise BadInput(f"{path}: {_line(failure.strerror or failure)}") from failure
    except (EOFError, ValueError, zlib.error, struct.error) as failure:
        raise BadInput(f"{path}: {_line(failure)}") from failure


def count(source: Mapping[str, Any], name: str, *, least: int) -> int:
    """A whole number of at least `least`."""
    if source.get(name) is None:
        raise BadInput(f"{name}: missing")
    value = source[name]
    if isinstance(value, np.integer):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value < 2**31:
        raise BadInput(f"{name}: a whole number of at least {least} is expected, not {_short(value)}")
    return value


def given(source: Mapping[str, Any], name: str) -> Any:
    """A field that may be left out or null: nothing, then."""
    found = source.get(name)
    return [] if found is None else found


def whole(values: Any, name: str) -> Ints:
    """Whole numbers of any shape; a fraction, a NaN, a truth value, a word or ragged rows are refused."""
    if values is None:
        raise BadInput(f"{name}: missing")
    if not isinstance(values, (list, tuple, np.ndarray)):
        raise BadInput(f"{name}: a list is expected, not {_short(values)}")
    if not isinstance(values, np.ndarray):
        odd = _odd(values)
        if odd is not None:
            raise BadInput(f"{name}: whole numbers are expected, not {_short(odd[0])}")
    try:
        found = np.asarray(values)
    except (ValueError, OverflowError) as failure:
        raise BadInput(f"{name}: its rows are not equally long") from failure
    if found.size == 0:
        return found.astype(np.int64)
    if found.dtype.kind not in "iu" or (found.dtype.kind == "u" and found.max() > np.iinfo(np.int64).max):
        raise BadInput(f"{name}: whole numbers are expected")
    return found.astype(np.int64)


def table(source: Mapping[str, Any], name: str, *, rows: int, optional: bool = False) -> Ints:
    """(rows, columns) whole numbers; no columns where an optional field is left out."""
    if optional and source.get(name) is None:
        return np.empty((rows, 0), np.int64)
    found = whole(source.get(name), name)
    if found.size == 0 and len(found) in (0, rows):
        columns = found.shape[1] if found.ndim == 2 and not rows else 0
        return np.empty((rows, columns), np.int64)
    if found.ndim != 2 or len(found) != rows:
        raise BadInput(f"{name}: {len(found)} rows for n = {rows}")
    return found


def people(source: Mapping[str, Any], name: str, n: int) -> list[int]:
    """Ids of people, each once."""
    found = whole(given(source, name), name)
    if found.ndim != 1 or (found.size and (found.min() < 0 or found.max() >= n)):
        raise BadInput(f"{name}: ids from 0 to {n - 1} are expected")
    again = twice(found.tolist())
    if again is not None:
        raise BadInput(f"{name}: {again} stands twice")
    return [int(person) for person in found]


def pairs(source: Mapping[str, Any], name: str, n: int) -> tuple[Pair, ...]:
    """Pairs of two different people."""
    found = whole(given(source, name), name)
    if found.size == 0:
        return ()
    if found.ndim != 2 or found.shape[1] != 2:
        raise BadInput(f"{name}: pairs of ids are expected")
    for row, (a, b) in enumerate(found.tolist()):
        if not (0 <= a < n and 0 <= b < n) or a == b:
            raise BadInput(f"{name}: pair {row} is not two people of 0 to {n - 1}")
    return tuple((int(a), int(b)) for a, b in found.tolist())


def names(source: Mapping[str, Any], name: str, columns: int) -> tuple[str, ...]:
    """A word for each column; made up where there are none."""
    found = given(source, name)
    if isinstance(found, np.ndarray):
        found = found.tolist()
    if not isinstance(found, (list, tuple)) or not all(isinstance(word, str) for word in found):
        raise BadInput(f"{name}: a list of words is expected")
    told = tuple(found) or tuple(f"attribute {k + 1}" for k in range(columns))
    if len(told) != columns:
        raise BadInput(f"{name}: {len(told)} names for {columns} columns of attrs")
    again = twice(told)
    if again is not None:
        raise BadInput(f"{name}: {_short(again)} stands twice")
    return told


def twice(values: Iterable[Any]) -> Any:
    """The first value that comes again, or None."""
    seen = set()
    for value in values:
        if value in seen:
            return value
        seen.add(value)
    return None


def _arrays(path: Path) -> dict[str, Any]:
    with np.load(path, allow_pickle=False) as pages:
        found = {name: pages[name] for name in pages.files}
    return {name: page if page.ndim else page.item() for name, page in found.items()}


def _document(written: str) -> dict[str, Any]:
    try:
        found = json.loads(written, object_pairs_hook=_each_once)
    except json.JSONDecodeError as failure:
        raise BadInput(f"line {failure.lineno}: {failure.msg}") from failure
    if not isinstance(found, dict):
        raise BadInput("an object with fields is expected")
    return found


def _each_once(members: list[tuple[str, Any]]) -> dict[str, Any]:
    again = twice(name for name, _ in members)
    if again is not None:
        raise BadInput(f"{_short(again)}: given twice")
    return dict(members)


def _odd(values: Any) -> tuple[Any] | None:
    """The first entry, at any depth, that is no whole number of 64 bits; in a tuple, since it may be None."""
    waiting = [iter(values)]
    while waiting:
        for value in waiting[-1]:
            if type(value) is int:
                if not -(2**63) <= value < 2**63:
                    return (value,)
            elif isinstance(value, (list, tuple)):
                waiting.append(iter(value))
                break
            elif isinstance(value, np.ndarray):
                if value.size and value.dtype.kind not in "iu":
                    return (value.flat[0],)
            elif not isinstance(value, np.integer):
                return (value,)
        else:
            waiting.pop()
    return None


def _short(value: Any) -> str:
    """A value in a message: one line, and not the whole of a long one."""
    said = " ".join(_said(value).split())
    return said if len(said) <= 40 else said[:37] + "..."


def _said(value: Any) -> str:
    try:
        return repr(value)
    except ValueError:
        return "a very large number"


def _line(failure: object) -> str:
    said = str(failure).splitlines()
    return said[0] if said and said[0] else type(failure).__name__
