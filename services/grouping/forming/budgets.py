"""When a search has to stop."""

from __future__ import annotations

import time
from dataclasses import dataclass


@dataclass
class Budget:
    """Stop after `seconds`, or after `evaluations` proposals (the same answer on any machine)."""

    seconds: float | None
    evaluations: int | None
    seed: int
    began: float
    spent: int = 0

    @classmethod
    def of(cls, seconds: float | None, evaluations: int | None, seed: int) -> Budget:
        return cls(seconds=seconds, evaluations=evaluations, seed=seed, began=time.perf_counter())

    @property
    def used(self) -> float:
        """The share that is gone, 0 to 1."""
        by_count = self.spent / self.evaluations if self.evaluations else 0.0
        by_clock = (time.perf_counter() - self.began) / self.seconds if self.seconds else 0.0
        return max(by_count, by_clock)

    @property
    def is_first_only(self) -> bool:
        """Stop at the first answer with all hard rules and no gap."""
        return self.seconds == 0 and self.evaluations is None

    def block(self, most: int) -> int:
        """How many proposals to try before the clock is looked at again."""
        return most if self.evaluations is None else max(1, min(most, self.evaluations - self.spent))
