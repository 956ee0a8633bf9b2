"""Everything we can say, we can say in French; and nothing a person typed is ever taken for our own words."""

from __future__ import annotations

from pathlib import Path

import pytest
from jinja2 import Environment, nodes

from services.chassis import catalogues

SERVICES = [path.name for path in sorted(catalogues.SERVICES.iterdir()) if (path / "__init__.py").exists()]
TEMPLATES = [path for path in sorted(catalogues.SERVICES.rglob("templates/**/*")) if path.is_file()]


@pytest.mark.parametrize("service", SERVICES)
def test_every_sentence_has_its_french(service):
    assert catalogues.missing(service) == {}


@pytest.mark.parametrize("service", SERVICES)
def test_no_sentence_is_kept_that_nobody_says(service):
    assert catalogues.stale(service) == []


@pytest.mark.parametrize("service", SERVICES)
def test_every_sentence_can_be_filled_in_both_languages(service):
    names = {name: 2 for sentence in catalogues.said(service) for name in _names(sentence)}
    french = catalogues.catalogue(service, "fr")

    for sentence in catalogues.said(service):
        for text in (sentence,) if isinstance(sentence, str) else sentence:
            assert isinstance(text % names, str), sentence
        if isinstance(sentence, str):
            assert isinstance(french.gettext(sentence) % names, str)
        else:
            assert all(isinstance(french.ngettext(*sentence, n) % names, str) for n in (1, 2))


def _names(sentence: catalogues.Sentence) -> set[str]:
    texts = (sentence,) if isinstance(sentence, str) else sentence
    return {"num"}.union(*(catalogues._placeholders(text) for text in texts))


@pytest.mark.parametrize(
    "template", TEMPLATES, ids=lambda path: str(Path(path).relative_to(catalogues.SERVICES))
)
def test_templates_translate_only_words_they_hold_themselves(template):
    """`_(value)` would print a value unescaped; `say(value)` translates and escapes."""
    tree = Environment(extensions=["jinja2.ext.i18n", "jinja2.ext.do"], autoescape=True).parse(  # noqa: S701
        template.read_text("utf-8")
    )
    said = {"_": 1, "gettext": 1, "ngettext": 2}
    calls = [
        call
        for call in tree.find_all(nodes.Call)
        if isinstance(call.node, nodes.Name) and call.node.name in said
    ]
    marked_safe = [filter_ for filter_ in tree.find_all(nodes.Filter) if filter_.name == "safe"]

    assert [
        call.lineno
        for call in calls
        if not all(isinstance(word, nodes.Const) for word in call.args[: said[call.node.name]])
    ] == []
    assert [filter_.lineno for filter_ in marked_safe] == []
