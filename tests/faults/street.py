"""The real street, whose processes can be made to stand still at a gate; with a worker that has a pool where asked."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

from infra.embedded import street as real

# Further parts, separated by spaces: `grouping.pool` is a worker with two children.
ALSO = "STREET_ALSO"
# Parts that run elsewhere.
WITHOUT = "STREET_WITHOUT"
# Whoever bears this name kills each worker that hears of them.
LETHAL = "Lethal"

load = real.load
serves_the_public = real.serves_the_public


def parts() -> dict[str, str]:
    known = real.parts()
    greet = known.pop("greet")
    for name in os.environ.get(WITHOUT, "").split():
        del known[name]
    return {**known, **dict.fromkeys(os.environ.get(ALSO, "").split(), "services"), "greet": greet}


def be(name: str) -> None:
    """Be one part of the street, with the gates under it."""
    gates_folder = Path(os.environ["PALABRE_DATA"]) / "gates"
    if name != "broker":
        from tests.faults import gates  # noqa: PLC0415 the launcher asks this module for names only

        gates.install(gates_folder, name)
        from tests.faults import ages  # noqa: PLC0415 as above

        ages.become(ages.age_of(Path(os.environ["PALABRE_DATA"]), name))
    if name == "grouping.worker":
        _let_some_kill()
    service, _, role = name.partition(".")
    if role == "pool":
        from services.chassis import worker  # noqa: PLC0415

        beat = real._beat_of(name)
        house, settings = real._services()[service], real._settings_of(service)
        raise SystemExit(worker.run(house, settings, pool="prefork", concurrency=2, beat=beat))
    real.be(name)


def _let_some_kill() -> None:
    """A handler that dies as a broken library would: the whole process, without a word."""
    from services.grouping import members  # noqa: PLC0415

    expect = members.expect

    def lethal(session: Any, participant_id: Any, *, gathering_id: Any, about: dict[str, Any]) -> None:
        if about.get("given") == LETHAL:
            os.kill(os.getpid(), signal.SIGKILL)
        expect(session, participant_id, gathering_id=gathering_id, about=about)

    members.expect = lethal
