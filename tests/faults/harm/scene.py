"""What a fault may touch, and what it leaves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.faults.broker import Broker
from tests.faults.crowd import Crowd
from tests.faults.hosts import Host
from tests.faults.rig import Rig
from tests.faults.rows import Row
from tests.faults.wire import Wire
from tests.postgres import Server

# How long a place or a moment is waited for.
REACHED_WITHIN_S = 30.0


@dataclass
class Scene:
    """What a fault may touch, and what it leaves: `ended_at` is when the last one was over (time.time())."""

    rig: Rig
    row: Row
    crowd: Crowd
    done: int = 0
    ended_at: float = 0.0
    notes: list[str] = field(default_factory=list)
    # What a fault keeps from one time to the next; and what is looked at once all is quiet: each tells what is wrong.
    keep: dict[str, Any] = field(default_factory=dict)
    afterwards: list[Callable[[], list[str]]] = field(default_factory=list)

    @property
    def broker(self) -> Broker:
        """The harness's own."""
        assert self.rig.broker is not None
        return self.rig.broker

    @property
    def server(self) -> Server:
        """PostgreSQL."""
        assert self.rig.server is not None
        return self.rig.server

    @property
    def wire(self) -> Wire:
        """The way to whom the row speaks of."""
        assert self.rig.wire is not None
        return self.rig.wire

    @property
    def host(self) -> Host:
        """The last of the further hosts."""
        assert self.rig.net is not None
        return self.rig.net.hosts[-1]


Harm = Callable[[Scene], None]
