"""The printing room: sheets of paper as PDF, set by typst in a process of their own.

A service lays its template in its folder `print/` and hands over what the sheets say. That travels as JSON and is set
as plain text, so that no name can run as a template. Another process sets it: the web process goes on answering, a
sheet that takes too long is ended, and its memory is given back.
"""

from __future__ import annotations

import json
import subprocess
import sys
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any

from services.chassis import figures
from services.chassis.errors import Refused
from services.chassis.printing import fonts

SERVICES = Path(__file__).parent.parent.parent
LIMIT_S = 60.0
WAIT_S = 20.0
# Two at once leave six of the eight threads of a web process, and one of two cores, to people on the pages.
_presses = BoundedSemaphore(2)


class PrintingBusy(Refused):
    code, status = "printing-busy", HTTPStatus.SERVICE_UNAVAILABLE


def sheets(
    template: Path, said: Mapping[str, Any], *, limit_s: float = LIMIT_S, wait_s: float = WAIT_S
) -> bytes:
    """The PDF that `template` makes of `said`, which must be JSON.

    Raises PrintingBusy when others print for longer than `wait_s` or this takes longer than `limit_s`, RuntimeError
    when the template is wrong.
    """
    if not _presses.acquire(timeout=wait_s):
        raise PrintingBusy("Others are printing now. Come back in a minute.")
    try:
        order = {"template": str(template.relative_to(SERVICES)), "said": said}
        done = subprocess.run(  # noqa: S603 - our own press, and nothing of the order is on its command line
            [sys.executable, "-m", "services.chassis.printing.press"],
            input=json.dumps(order).encode(),
            capture_output=True,
            cwd=SERVICES.parent,
            timeout=limit_s,
        )
    except subprocess.TimeoutExpired:
        raise PrintingBusy("This takes too long to print now. Come back in a minute.") from None
    finally:
        _presses.release()
    if done.returncode:
        raise RuntimeError(f"{template.name} was not printed: {done.stderr.decode(errors='replace')[-2000:]}")
    return done.stdout


def printed_sign(territories: Sequence[Mapping[str, Any]], letter: str) -> dict[str, str] | None:
    """A territory as sheets show it: its name, and its letter in its shape, which tell it apart without colour."""
    name = next((one["name"] for one in territories if one["letter"] == letter), None)
    if name is None:
        return None
    path = figures.outline(letter, 12, 12, 10.5)
    shape = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><path fill="#0c3b31" d="{path}"/></svg>'
    )
    return {"letter": letter, "name": name, "shape": shape}


def is_rtl(text: str) -> bool:
    """Whether a line begins at the right: its first letter that has a direction goes that way. Empty: no."""
    for letter in text:
        direction = unicodedata.bidirectional(letter)
        if direction in ("L", "R", "AL"):
            return direction != "L"
    return False


def unprintable(texts: Iterable[str]) -> list[str]:
    """The texts that hold a letter which no font of ours has; it would be an empty box on paper."""
    known = fonts.scripts()
    return [text for text in texts if any(_script(letter) not in known for letter in text if letter.isalpha())]


def _script(letter: str) -> str:
    return unicodedata.name(letter, "").replace("FULLWIDTH ", "").replace("-", " ").partition(" ")[0]
