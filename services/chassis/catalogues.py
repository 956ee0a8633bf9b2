"""The sentences of a service and their French: English in the code, French in `translations/fr.po`.

`python -m services.chassis.catalogues registration` brings a service's `fr.po` up to date with its code: new
sentences come in empty, sentences nobody says any more go out. The file is read as it is when a process starts.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from functools import cache
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from babel.support import Translations

from services.chassis.typography import typo_page

SERVICES = Path(__file__).parent.parent
LANGUAGES = ("fr", "en")
_SAYS = {"_", "N_", "say", "gettext", "lazy_gettext", "ValidationError"}
_COUNTS = {"ngettext"}
_PLACEHOLDER = re.compile(r"%\((\w+)\)([sd])")

Sentence = str | tuple[str, str]


def N_(sentence: str) -> str:  # noqa: N802 - the name that translators' tools know
    """Marks a sentence that is said later, where the language is known."""
    return sentence


class Sentences(Translations):
    """A catalogue in which nothing is never one thing.

    French counts 0 with 1, so that "Une personne attend" would be said of nobody: a singular that does not print its
    number gives way to the plural.
    """

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        said: str = super().ngettext(msgid1, msgid2, n)
        return said if n or "%(num)" in said else str(super().ngettext(msgid1, msgid2, 2))

    def ungettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return self.ngettext(msgid1, msgid2, n)


@cache
def catalogue(service: str, language: str) -> Sentences:
    """What `service` says in `language`: the chassis's sentences and its own, typography set.

    A sentence without a translation stays English. Raises ValueError for a language we do not speak.
    """
    if language not in LANGUAGES:
        raise ValueError(f"we do not speak {language!r}")
    said = Catalog(locale=language)
    if language == "fr":
        for name in dict.fromkeys(("chassis", service)):
            for message in kept(name).values():
                forms = (message.string,) if isinstance(message.string, str) else message.string or ("",)
                if all(forms) and not message.fuzzy:
                    said.add(message.id, _with_typography(message))
    binary = BytesIO()
    write_mo(binary, said)
    binary.seek(0)
    return Sentences(binary)


def _with_typography(message: Message) -> str | tuple[str, ...]:
    if isinstance(message.string, str):
        return typo_page(message.string)
    return tuple(typo_page(form) for form in message.string or ())


def kept(service: str) -> dict[Sentence, Message]:
    """What stands in the service's catalogue; nothing when it has none yet."""
    path = _path(service)
    if not path.exists():
        return {}
    with path.open("rb") as file:
        catalog = read_po(file, locale="fr", charset="utf-8")
    return {_key(message.id): message for message in catalog if message.id}


def said(service: str) -> dict[Sentence, str]:
    """Every sentence that the service's code and templates can say, with the place that says it."""
    root, found = SERVICES / service, dict[Sentence, str]()
    for path in sorted(root.rglob("*.py")):
        for line, sentence in _in_python(path):
            found.setdefault(sentence, f"{path.relative_to(SERVICES)}:{line}")
    templates = extract_from_dir(
        root,
        method_map=[("**/templates/**", "jinja2.ext.babel_extract")],
        options_map={"**/templates/**": {"silent": "false", "trimmed": "true", "newstyle_gettext": "true"}},
        keywords={"_": None, "gettext": None, "ngettext": (1, 2)},
    )
    for name, line, told, _, _ in templates:
        found.setdefault(_key(told), f"{service}/{name}:{line}")
    return found


def missing(service: str) -> dict[Sentence, str]:
    """What a person who reads French would be told in English, or with the wrong placeholders."""
    french = kept("chassis") | kept(service)
    return {
        sentence: place
        for sentence, place in said(service).items()
        if sentence not in french or not _is_good(french[sentence])
    }


def stale(service: str) -> list[Sentence]:
    """Sentences that stand in the service's catalogue and that nobody says any more."""
    spoken = said(service)
    return [sentence for sentence in kept(service) if sentence not in spoken]


def update(service: str) -> tuple[int, int]:
    """Bring `fr.po` up to date. Returns (sentences still to translate, sentences removed)."""
    before, gone = kept(service), stale(service)
    shared = kept("chassis") if service != "chassis" else {}
    after = Catalog(locale="fr", charset="utf-8", header_comment=f"# What {service} says in French.")
    for sentence in sorted(said(service), key=str):
        old = before.get(sentence)
        if old is not None:
            after.add(
                sentence, old.string, flags=old.flags - {"python-format"}, user_comments=old.user_comments
            )
        elif sentence not in shared:
            after.add(sentence)
    path = _path(service)
    path.parent.mkdir(exist_ok=True)
    written = BytesIO()
    write_po(written, after, width=110, omit_header=True, no_location=True)
    head = (
        f'# What {service} says in French.\nmsgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n'
    )
    head += '"Language: fr\\n"\n"Plural-Forms: nplurals=2; plural=(n > 1);\\n"\n\n'
    path.write_text(head + written.getvalue().decode().strip() + "\n", "utf-8")
    return len(missing(service)), len(gone)


def _is_good(message: Message) -> bool:
    """Translated, sure of itself, and with the placeholders of the English; a French singular may drop its number."""
    if message.fuzzy or not message.string:
        return False
    if isinstance(message.id, str) and isinstance(message.string, str):
        return _placeholders(message.id) == _placeholders(message.string)
    one, many = tuple(message.string)
    wanted = _placeholders(message.id[1])
    return bool(one and many) and _placeholders(many) == wanted and _placeholders(one) <= wanted


def _key(sentence: str | list[str] | tuple[str, ...]) -> Sentence:
    return sentence if isinstance(sentence, str) else (sentence[0], sentence[1])


def _placeholders(sentence: str) -> set[str]:
    return {name for name, _ in _PLACEHOLDER.findall(sentence)}


def _path(service: str) -> Path:
    return SERVICES / service / "translations" / "fr.po"


def _in_python(path: Path) -> Iterator[tuple[int, Sentence]]:
    """Sentences marked by `_`, `N_`, `gettext` and `ngettext`, and those that need no mark: a refusal's message,
    the sentences of `Misshapen` and `ValidationError`, and a validator's `error` and `error_messages`."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call):
            yield from _in_call(node, _name(node.func))


def _in_call(call: ast.Call, name: str) -> Iterator[tuple[int, Sentence]]:
    if name in _COUNTS and len(call.args) >= 2:
        both = [text for argument in call.args[:2] for _, text in _constants(argument)]
        if len(both) == 2:
            yield call.lineno, (both[0], both[1])
    elif call.args and (name in _SAYS or name in _refusals()):
        yield from _constants(call.args[0])
    for keyword in call.keywords:
        if keyword.arg in ("error", "error_messages"):
            yield from _constants(keyword.value)


def _constants(node: ast.expr) -> Iterator[tuple[int, str]]:
    """The literal sentences of an expression: itself, both branches of a choice, what a list or a mapping holds."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value:
        yield node.lineno, node.value
    elif isinstance(node, ast.IfExp):
        yield from _constants(node.body)
        yield from _constants(node.orelse)
    elif isinstance(node, ast.Dict):
        for value in node.values:
            yield from _constants(value)
    elif isinstance(node, ast.List | ast.Tuple):
        for item in node.elts:
            yield from _constants(item)


@cache
def _refusals() -> frozenset[str]:
    """Names of all classes that derive from `Refused`, in whatever service."""
    parents = {
        node.name: {_name(base) for base in node.bases}
        for path in SERVICES.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ClassDef)
    }
    found = {"Refused"}
    while more := {name for name, bases in parents.items() if bases & found} - found:
        found |= more
    return frozenset(found)


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def main(services: list[str]) -> None:
    for service in services or ["chassis", *sorted(path.parent.name for path in SERVICES.glob("*/app.py"))]:
        empty, removed = update(service)
        sys.stdout.write(f"{service}: {empty} to translate, {removed} removed\n")
        for sentence, place in missing(service).items():
            sys.stdout.write(f"  {place}: {sentence!r}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
