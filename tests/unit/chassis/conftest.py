"""A real broker of one test's own."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from services.chassis.settings import Settings


@pytest.fixture
def broker(valkey: Callable[..., int]) -> Settings:
    """Settings that name it."""
    return Settings(redis_url=f"redis://127.0.0.1:{valkey()}/0")
