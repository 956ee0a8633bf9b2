"""The parts of the street and what each of them does. Names are cheap to ask; `load` reads every service's code."""
# ruff: noqa: PLC0415  the launcher only asks for names, and a broker needs no service

from __future__ import annotations

import dataclasses
import http.client
import json
import os
import sys
import time
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from services.chassis.service import Service
    from services.chassis.settings import Settings

SERVICES = ("registration", "grouping", "feedback", "notifications")
PUBLIC_FD = "PALABRE_STREET_FD"
WITHIN_S = 85


def parts() -> dict[str, str]:
    """Every process by name, with its stage: the broker first, `once` at each start, services until the end."""
    kept = ["web"]
    for service in SERVICES:
        kept += [f"{service}.worker", f"{service}.relay"]
    return {
        "broker": "broker",
        "prepare": "once",
        **dict.fromkeys([*kept, "notifications.mail"], "services"),
        "greet": "once",
    }


def serves_the_public(name: str) -> bool:
    return name == "web"
