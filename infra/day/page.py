"""What a person sees of a page: its words, its links, its forms."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin

NO_VALUE = "\0"
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
UNSEEN = {"script", "style", "template", "noscript", "title"}
BLOCKS = {"p", "div", "li", "tr", "td", "th", "h1", "h2", "h3", "h4", "br", "label", "section", "dt", "dd"}


class NotOnThisPage(AssertionError):
    """The person looks for something and the page does not offer it."""


@dataclass
class Field:
    """One control of a form: what it is called, its kind, and what it holds as the page comes."""

    name: str
    kind: str
    value: str = ""
    checked: bool = False
    options: list[tuple[str, str]] = field(default_factory=list)
    label: str = ""


@dataclass
class Form:
    """A form of a page, to be filled and sent."""

    action: str
    method: str
    fields: list[Field]
    words: str
    typed: dict[str, list[str]] = field(default_factory=dict)
    files: dict[str, tuple[str, bytes, str]] = field(default_factory=dict)

    def has(self, name: str) -> bool:
        return any(each.name == name for each in self.fields)

    def shows(self, name: str) -> bool:
        """Whether a person can see and fill this field."""
        return any(each.name == name and each.kind != "hidden" for each in self.fields)

    def options(self, name: str) -> dict[str, str]:
        """What can be chosen under `name`: value to label, in the order of the page."""
        found: dict[str, str] = {}
        for each in self.fields:
            if each.name == name and each.kind in ("radio", "checkbox"):
                found[each.value] = each.label
            elif each.name == name:
                found.update(each.options)
        return found

    def value(self, name: str) -> str:
        """What stands under `name` now."""
        return next((value for key, value in self.data() if key == name), "")

    def fill(self, **typed: str | list[str]) -> Form:
        """Type `value` in the field `name`. Raises NotOnThisPage when there is no such field or choice."""
        for name, value in typed.items():
            values = [value] if isinstance(value, str) else value
            if not self.has(name):
                raise NotOnThisPage(f"{self.action} has no field {name!r}, only {self.names()}")
            choices = self.options(name)
            if choices and any(each not in choices for each in values):
                raise NotOnThisPage(
                    f"{self.action} does not offer {values!r} for {name!r}, only {list(choices)}"
                )
            self.typed[name] = values
        return self

    def attach(self, name: str, filename: str, content: bytes, kind: str = "text/csv") -> Form:
        if not self.has(name):
            raise NotOnThisPage(f"{self.action} takes no file {name!r}, only {self.names()}")
        self.files[name] = (filename, content, kind)
        return self

    def names(self) -> list[str]:
        return list(dict.fromkeys(each.name for each in self.fields if each.name))

    def data(self, button: str | None = None) -> list[tuple[str, str]]:
        """The pairs a browser would send; `button` is the name or the value of the button pressed."""
        pairs: list[tuple[str, str]] = []
        told: set[str] = set()
        for each in self.fields:
            if not each.name or each.kind == "file":
                continue
            if each.kind == "button":
                if button is not None and button in (each.name, each.value):
                    pairs.append((each.name, each.value))
            elif each.name in self.typed:
                if each.name not in told:
                    told.add(each.name)
                    pairs += [(each.name, value) for value in self.typed[each.name]]
            elif each.kind not in ("radio", "checkbox") or each.checked:
                pairs.append((each.name, each.value))
        return pairs


@dataclass
class Page:
    """An answer as it stands on the screen."""

    url: str
    status: int
    html: str
    forms: list[Form] = field(default_factory=list)
    links: list[tuple[str, str]] = field(default_factory=list)
    text: str = ""

    def form(self, action: str = "", *, having: str = "", showing: str = "") -> Form:
        """The first form whose address matches `action`, which has the field `having` and shows `showing`."""
        for each in self.forms:
            named = (not having or each.has(having)) and (not showing or each.shows(showing))
            if named and re.search(action, each.action):
                return each
        offered = [(each.action, each.names()) for each in self.forms]
        raise NotOnThisPage(
            f"{self.status} {self.url} has no form {action!r} with {having or showing!r}, only {offered}"
        )

    def has_form(self, action: str = "", *, having: str = "") -> bool:
        return any(re.search(action, each.action) and (not having or each.has(having)) for each in self.forms)

    def link(self, address: str) -> str:
        """The first link whose address matches."""
        for href, _ in self.links:
            if re.search(address, href):
                return href
        raise NotOnThisPage(f"{self.status} {self.url} has no link {address!r}")


def read(url: str, status: int, html: str) -> Page:
    """Take a page apart. Never fails: what is not HTML has no forms and no links."""
    reader = _Reader(url)
    reader.feed(html)
    reader.close()
    text = re.sub(r"[ \t\u00a0\u202f]+", " ", "".join(reader.words))
    text = re.sub(r"\s*\n\s*", "\n", text).strip()
    return Page(url, status, html, reader.forms, reader.links, text)


class _Reader(HTMLParser):
    def __init__(self, url: str) -> None:
        super().__init__(convert_charrefs=True)
        self.url = url
        self.forms: list[Form] = []
        self.links: list[tuple[str, str]] = []
        self.words: list[str] = []
        self.unseen = 0
        self.form: Form | None = None
        self.by_id: dict[str, Form] = {}
        self.select: Field | None = None
        self.option: list[str] | None = None
        self.area: Field | None = None
        self.label: list[Field] | None = None
        self.label_words = ""
        self.link: list[str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        bare = {name for name, _ in attrs}
        if tag in UNSEEN and tag not in VOID:
            self.unseen += 1
        if tag in BLOCKS:
            self.words.append("\n")
        if tag == "form":
            action = urljoin(self.url, told.get("action") or self.url)
            self.form = Form(action, told.get("method", "get").lower(), [], "")
            self.forms.append(self.form)
            if "id" in told:
                self.by_id[told["id"]] = self.form
        elif tag == "a" and told.get("href"):
            self.link = [urljoin(self.url, told["href"]), ""]
        elif tag == "label":
            self.label, self.label_words = [], ""
        elif tag == "option" and self.select is not None:
            self.end_option()
            self.option = [told.get("value", NO_VALUE), ""]
            if "selected" in bare:
                self.select.value = told.get("value", "")
        elif tag in ("input", "select", "textarea", "button"):
            self.control(tag, told, bare)

    def control(self, tag: str, told: dict[str, str], bare: set[str]) -> None:
        if "disabled" in bare:
            return
        kind = (
            told.get("type", "text" if tag == "input" else "submit").lower()
            if tag in ("input", "button")
            else tag
        )
        if kind in ("submit", "image"):
            kind = "button"
        elif tag == "button":
            return
        value = told.get("value", "on" if kind in ("checkbox", "radio") else "")
        each = Field(told.get("name", ""), kind, value, "checked" in bare)
        form = self.by_id.get(told["form"]) if told.get("form") else self.form
        if form is not None:
            form.fields.append(each)
        if tag == "select":
            self.select = each
        elif tag == "textarea":
            self.area = each
        if self.label is not None:
            self.label.append(each)

    def handle_endtag(self, tag: str) -> None:
        if tag in UNSEEN and self.unseen:
            self.unseen -= 1
        end = getattr(self, f"end_{tag}", None)
        if end is not None:
            end()

    def end_form(self) -> None:
        self.form = None

    def end_a(self) -> None:
        if self.link is not None:
            self.links.append((self.link[0], self.link[1].strip()))
        self.link = None

    def end_option(self) -> None:
        if self.option is not None and self.select is not None:
            value, label = self.option[0], " ".join(self.option[1].split())
            self.select.options.append((label if value == NO_VALUE else value, label))
        self.option = None

    def end_select(self) -> None:
        self.end_option()
        if self.select is not None and not self.select.value and self.select.options:
            self.select.value = self.select.options[0][0]
        self.select = None

    def end_textarea(self) -> None:
        if self.area is not None:
            self.area.value = self.area.value.removeprefix("\n")
        self.area = None

    def end_label(self) -> None:
        for each in self.label or ():
            each.label = " ".join(self.label_words.split())
        self.label = None

    def handle_data(self, data: str) -> None:
        if self.area is not None:
            self.area.value += data
            return
        if self.option is not None:
            self.option[1] += data
            return
        if self.unseen:
            return
        self.words.append(data)
        if self.label is not None:
            self.label_words += data
        if self.link is not None:
            self.link[1] += data
        if self.form is not None:
            self.form.words += data
