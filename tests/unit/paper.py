"""Sheets of paper looked at as pictures and as text."""

from __future__ import annotations

import pypdfium2
from PIL import Image

A4_MM = (210, 297)


def open_pdf(pdf: bytes) -> pypdfium2.PdfDocument:
    return pypdfium2.PdfDocument(pdf)


def sizes_mm(pdf: bytes) -> set[tuple[int, int]]:
    """The sizes of the sheets."""
    return {
        (round(wide / 72 * 25.4), round(high / 72 * 25.4))
        for wide, high in (page.get_size() for page in open_pdf(pdf))
    }


def texts(pdf: bytes) -> list[str]:
    """What each sheet says, spaces and line ends made one."""
    return [" ".join(page.get_textpage().get_text_range().split()) for page in open_pdf(pdf)]


def picture(pdf: bytes, page: int, dots_per_mm: int = 6) -> Image.Image:
    """A sheet in shades of grey."""
    return open_pdf(pdf)[page].render(scale=dots_per_mm * 25.4 / 72).to_pil().convert("L")


def crop(sheet: Image.Image, left: float, top: float, wide: float, high: float) -> Image.Image:
    """A part of an A4 sheet, in mm."""
    dots = sheet.width / A4_MM[0]
    return sheet.crop(tuple(round(n * dots) for n in (left, top, left + wide, top + high)))
