"""A rolling update: every process is ended and started as the next version, one after the other, while all goes on."""

from __future__ import annotations

import json
import random
import signal
import time
from collections import Counter

from tests.faults import ages
from tests.faults.harm.scene import Scene
from tests.faults.rig import kill

# Between two processes both versions are at work together.
TOGETHER_S = 1.0


def upgrade(scene: Scene) -> None:
    """From each version to the next, in any order; to the newest, tellers first."""
    rig, age = scene.rig, ages.AGES[scene.done + 1]
    if not scene.done:
        scene.afterwards.append(lambda: _was_mixed(scene))
    names = [name for name in rig.pids() if name.startswith(("web.", "relays")) or name.count(".")]
    names = [name for name in names if name not in ("broker", "zygote", "launcher")]
    random.shuffle(names)
    if age == "newer":
        # The worst order: what is new is told, at first to somebody who does not know it.
        names.sort(key=lambda name: (not name.startswith("web."), name == f"{ages.HEARER}.worker"))
    for name in names:
        pid = rig.pid(name)
        ages.set_age(rig.data, name, age)
        kill(pid, signal.SIGTERM)
        rig.another(name, pid)
        time.sleep(TOGETHER_S)
    scene.notes.append(f"to {age or 'this version'} as {', '.join(names)}")


def _was_mixed(scene: Scene) -> list[str]:
    """Facts of all three versions were told, and those that only the next one knows were heard in the end."""
    rig, told = scene.rig, Counter[str]()
    for row in rig.rows("registration", "select type, body from outbox"):
        body = json.loads(row.body) if isinstance(row.body, str) else row.body
        later = ages.came_later(row.type)
        told["facts of a new kind"] += row.type == ages.TOLD
        told["facts with more than is known"] += ages.SAID in body
        told["facts of the shape of before"] += bool(later) and not later & body.keys()
        told["facts of our own shape"] += bool(later) and bool(later & body.keys()) and ages.SAID not in body
    new = told["facts of a new kind"]
    heard = rig.count(
        ages.HEARER, "select count(*) from inbox where type = :type and status = 'heard'", type=ages.TOLD
    )
    scene.notes.append(", ".join(f"{many} {what}" for what, many in sorted(told.items())))
    scene.notes.append(f"{scene.crowd.again} requests asked again")
    wrong = [f"there were no {what}" for what, many in told.items() if not many]
    return wrong if heard == new else [*wrong, f"{heard} of {new} facts of a new kind were heard"]
