from __future__ import annotations

import pytest
from kombu.exceptions import OperationalError

from services.chassis.celery_app import RECONNECT, celery_app
from services.chassis.settings import Settings
from tests.postgres import free_port


def test_a_worker_looks_for_its_broker_again_soon():
    app = celery_app("grouping", Settings(redis_url=f"redis://127.0.0.1:{free_port()}/0"))
    pauses: list[float] = []

    with pytest.raises(OperationalError):
        app.connection_for_read().ensure_connection(lambda _error, pause: pauses.append(pause), 3)

    assert pauses == pytest.approx([0.2, 0.5, 0.8])
    assert RECONNECT["interval_max"] <= 2
