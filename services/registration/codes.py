"""The code on a badge or a phone that the welcome desk reads. It says who comes and opens nothing."""

from __future__ import annotations

import io
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


def drawn(participant_id: UUID) -> str:
    """The code as an SVG for paper, with the empty border that readers need."""
    file = io.BytesIO()
    segno.make_qr(of(participant_id), "m").save(file, kind="svg", xmldecl=False, omitsize=True)
    return file.getvalue().decode()
