"""The fonts on paper: Noto, from wheels, so that a sheet is the same on every machine and nothing is fetched."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path

# Latin faces and emoji with the scripts that Unicode names in capitals; the second is the extra `cjk`.
_WHEELS = {
    "manimgx_fonts": (
        "LATIN GREEK CYRILLIC COMBINING MODIFIER MICRO MASCULINE FEMININE KELVIN OHM ANGSTROM "
        "ARABIC ARMENIAN BENGALI DEVANAGARI ETHIOPIC GEORGIAN GUJARATI GURMUKHI HEBREW KANNADA KHMER LAO MALAYALAM "
        "MYANMAR ORIYA SINHALA TAMIL TELUGU THAI"
    ),
    "manimgx_fonts_cjk": "CJK HIRAGANA KATAKANA HANGUL BOPOMOFO IDEOGRAPHIC",
}


@cache
def folders() -> tuple[Path, ...]:
    """Where the font files are."""
    return tuple(Path(place) for name in _WHEELS for place in _places(name))


@cache
def scripts() -> frozenset[str]:
    """The scripts whose letters can be printed here, as Unicode begins their names."""
    return frozenset(word for name, words in _WHEELS.items() if _places(name) for word in words.split())


def _places(name: str) -> list[str]:
    spec = find_spec(name)
    return list(spec.submodule_search_locations or ()) if spec else []
