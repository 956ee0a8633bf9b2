"""The code on a badge or a phone that the welcome desk reads. It says who comes and opens nothing."""

from __future__ import annotations

from uuid import UUID

import segno

# Capitals, digits and a colon: what a QR code writes in the fewest squares.
_PREFIX = "PALABRE:"


def of(participant_id: UUID) -> str:
    """What the code of a participant says."""
    return f"{_PREFIX}{participant_id.hex.upper()}"


def svg(participant_id: UUID, *, squares_px: int = 5) -> str:
    """The code as an SVG for a page, dark on white in every colour scheme; a square is `squares_px` wide."""
    return segno.make_qr(of(participant_id), "m").svg_inline(
        scale=squares_px, dark="#000", light="#fff", svgclass=None, lineclass=None
    )
