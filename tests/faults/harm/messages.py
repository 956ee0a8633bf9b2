"""What is put on the queues by hand."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable

from tests.faults.harm.scene import Harm, Scene
from tests.faults.queues import Queue
from tests.faults.rig import kill


def queued(do: Callable[[Queue], None]) -> Harm:
    def act(scene: Scene) -> None:
        do(Queue(scene.rig))

    act.__doc__ = do.__doc__
    return act


def while_relays_stand(do: Callable[[Queue], None]) -> Harm:
    def act(scene: Scene) -> None:
        pid = scene.rig.pid("relays")
        kill(pid, signal.SIGSTOP)
        try:
            time.sleep(scene.row.lasts or 2)
            do(Queue(scene.rig))
        finally:
            kill(pid, signal.SIGCONT)

    act.__doc__ = do.__doc__
    return act
