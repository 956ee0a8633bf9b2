"""Grouping for people: the rounds, the board, private rules, syntheses, the wall, and my place."""

from __future__ import annotations

from services.grouping.web import board, kit, links, moves, overview, places, rebalances, roles, syntheses
from services.grouping.web.doors import blueprint

__all__ = [
    "blueprint",
    "board",
    "kit",
    "links",
    "moves",
    "overview",
    "places",
    "rebalances",
    "roles",
    "syntheses",
]
