"""gunicorn's settings for every app of this bench: built once and frozen before the fork, as `serve` does it."""

from __future__ import annotations

import gc

preload_app = True


def pre_fork(_arbiter: object, _worker: object) -> None:
    gc.freeze()
