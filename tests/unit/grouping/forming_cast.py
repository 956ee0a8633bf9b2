"""Instances the engine's tests make up for themselves."""

from __future__ import annotations

from typing import Any

import numpy as np


def a_day(n: int = 132, groups: int = 12, *, seed: int = 7, rounds: int = 1) -> dict[str, Any]:
    """The plain fields of a day like the reference one: 8 territories, 5 trades, about 2 people a structure."""
    draw = np.random.default_rng(seed)
    territory, trade = draw.integers(0, 8, n), draw.integers(0, 5, n)
    structure = territory * 6 + draw.integers(0, 6, n)
    carriers = draw.permutation(n)[:groups]
    free = [p for p in draw.permutation(n).tolist() if p not in set(carriers.tolist())]
    return {
        "n": n,
        "G": groups,
        "attr_names": ["territory", "profession", "structure"],
        "attrs": np.stack([territory, trade, structure], 1).tolist(),
        "bringers": carriers.tolist(),
        "pref": [draw.permutation(groups)[:3].tolist() for _ in range(n)],
        "keep_together": [free[0:2], free[2:4]] if n > 40 else [],
        "keep_apart": [free[4:6], free[6:8], [free[0], free[8]]] if n > 40 else [],
        "history": [draw.permutation(np.arange(n) % groups).tolist() for _ in range(rounds)],
        "noshow": free[10 : 10 + n // 10],
        "late": [],
    }
