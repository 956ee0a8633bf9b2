"""What one service promises, another hears as written; the tables and documents say the same."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from infra import asyncapi
from services.chassis import routes, settings

HERE = Path(__file__).parent
INFRA = HERE.parents[1] / "infra"
# A fact's first example is <type>.json; each later shape adds <type>@<word>.json and none is ever changed.
EXAMPLES = sorted((HERE / "facts").glob("*.json"))


def fact_of(path: Path) -> str:
    return path.stem.partition("@")[0]


def test_every_promise_has_a_row_and_every_row_a_promise():
    assert asyncapi.promises().keys() == routes.hearers().keys()


def test_every_row_has_a_handler_and_every_handler_a_row():
    heard = {(fact, service.name) for service in asyncapi.street() for fact in service.inbox.ears}

    assert heard == {(fact, name) for fact, names in routes.hearers().items() for name in names}


def test_a_service_tells_only_its_own_facts():
    told = {
        (service.name, fact.type.partition(".")[0]) for service in asyncapi.street() for fact in service.events
    }

    assert [pair for pair in told if pair[0] != pair[1]] == []


def test_a_hearer_asks_only_for_what_is_promised():
    promised = {
        fact: {field.data_key or name for name, field in event().fields.items()}
        for fact, event in asyncapi.promises().items()
    }
    for service in asyncapi.street():
        for fact, ear in service.inbox.ears.items():
            wanted = {field.data_key or name for name, field in ear.reads().fields.items() if field.required}
            assert wanted <= promised[fact], f"{service.name} wants {wanted - promised[fact]} of {fact}"


def test_every_fact_has_a_frozen_example():
    assert routes.hearers().keys() <= {fact_of(path) for path in EXAMPLES}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_a_fact_once_shipped_is_still_heard(path):
    data = json.loads(path.read_text(encoding="utf-8"))

    for service in asyncapi.street():
        if ear := service.inbox.ears.get(fact_of(path)):
            assert ear.reads().validate(data) == {}, service.name


def test_the_asyncapi_document_is_what_the_schemas_say():
    kept = (INFRA / "asyncapi.json").read_text(encoding="utf-8")

    assert kept == asyncapi.text(), "python -m infra.asyncapi > infra/asyncapi.json"


def test_the_settings_page_is_what_the_code_says():
    kept = (INFRA / "SETTINGS.md").read_text(encoding="utf-8")

    assert kept == settings.table(), "python -m services.chassis.settings > infra/SETTINGS.md"
