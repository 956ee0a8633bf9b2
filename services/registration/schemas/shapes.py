"""The shapes everything is made of, and clean text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, fields

from services.chassis.catalogues import N_
from services.chassis.shapes import Shape
from services.registration import addresses, names

__all__ = ["LANGUAGES", "Address", "Shape", "Text", "each_line"]

LANGUAGES = ("fr", "en")


class Text(fields.String):
    """One line of clean text, `longest` characters at most; what is blank counts as missing."""

    def __init__(self, *, longest: int = names.LONGEST, lines: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.longest, self.lines = longest, lines

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        # Nobody cleans 400 kB of pasted text to find that it is too long.
        if len(text) > self.longest * 20:
            raise ValidationError("Longer than maximum length %d." % self.longest)  # noqa: UP031
        lines = text.splitlines() if self.lines else [text]
        clean = "\n".join(names.clean(line) for line in lines).strip()
        if len(clean) > self.longest:
            raise ValidationError("Longer than maximum length %d." % self.longest)  # noqa: UP031
        if self.required and not clean:
            raise self.make_error("required")
        return clean


class Address(fields.String):
    """An e-mail address as it is kept: lower case, no spaces around it."""

    default_error_messages = {"address": N_("This is not an e-mail address. Example: ada@example.org")}

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs).strip()
        if not text:
            if self.required:
                raise self.make_error("required")
            return ""
        try:
            return addresses.read(text)
        except addresses.NotAnAddress as error:
            raise self.make_error("address") from error


def each_line(text: str) -> list[str]:
    return [line for line in text.split("\n") if line]
