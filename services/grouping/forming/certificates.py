"""Anyone can recompute an answer from the question alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.grouping.forming.figures import cost_bound, figures
from services.grouping.forming.instances import Instance, Ints
from services.grouping.forming.moves import count_moves


def certificate(instance: Instance, groups: Ints, plan: Ints | None = None) -> dict[str, Any]:
    """What is true of an answer: its figures, the bound, and the moves from `plan` where there is one."""
    found = figures(instance, groups)
    told: dict[str, Any] = {
        "cost": found.cost,
        "gap": list(found.gap),
        "repeats": found.repeats,
        "wishes": found.wishes,
        "broken": found.broken,
        "sizes": list(found.sizes),
    }
    if plan is None:
        told["bound"] = cost_bound(instance)
    else:
        told["moves"] = count_moves(plan, groups)
    return told


def differences(claimed: Mapping[str, Any], true: Mapping[str, Any]) -> list[str]:
    """The figures an answer claims and that are not so, a sentence each."""
    return [
        f"{name}: {claimed[name]!r} is claimed, {value!r} is true"
        for name, value in true.items()
        if name in claimed and claimed[name] != value
    ]
