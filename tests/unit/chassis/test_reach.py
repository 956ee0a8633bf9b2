"""A host that nobody reaches any more is given up soon by whoever is connected to it."""

from __future__ import annotations

import os
import socket
from uuid import uuid4

import pytest
from sqlalchemy import text

from services.chassis.db import Database

AT_MOST_S = 8


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="this system has no such limit")
def test_both_ends_of_a_connection_to_postgresql_give_up_a_silent_host(postgres, new_databases):
    name = f"reach_{uuid4().hex}"
    new_databases(name)
    database = Database(postgres.replace("{service}", name))
    with database.engine.connect() as connection:
        asked = ("tcp_user_timeout", "tcp_keepalives_idle", "tcp_keepalives_interval", "tcp_keepalives_count")
        setting = text("select setting from pg_settings where name = :name")
        theirs = [int(connection.scalar(setting, {"name": one})) for one in asked]
        ours = socket.socket(fileno=os.dup(connection.connection.driver_connection.fileno()))
        with ours:
            limits = ("TCP_USER_TIMEOUT", "TCP_KEEPIDLE", "TCP_KEEPINTVL", "TCP_KEEPCNT")
            mine = [ours.getsockopt(socket.IPPROTO_TCP, getattr(socket, one)) for one in limits]
    database.dispose()

    for unanswered_ms, idle_s, interval_s, count in (theirs, mine):
        assert 0 < unanswered_ms <= 1000 * AT_MOST_S
        assert 0 < idle_s + interval_s * count <= AT_MOST_S
