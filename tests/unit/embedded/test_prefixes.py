from __future__ import annotations

from pathlib import Path

import pytest

from infra import prefixes

TABLE = prefixes.Table({"portal": ["/", "/moi"], "grouping": ["/g", "/api/grouping"]})


@pytest.mark.parametrize(
    ("path", "service"),
    [
        ("/", "portal"),
        ("/g/spring/plan", "grouping"),
        ("/g", "grouping"),
        ("/gardens", "portal"),
        ("/api/grouping/health", "grouping"),
        ("/api/unheard-of", "portal"),
        ("", "portal"),
        ("//g", "portal"),
    ],
)
def test_the_longest_prefix_answers_and_only_whole_segments_count(path: str, service: str) -> None:
    assert TABLE.service(path) == service


def test_a_prefix_has_one_owner(tmp_path: Path) -> None:
    place = tmp_path / "prefixes.toml"
    place.write_text('[a]\nprefixes = ["/", "/x"]\n[b]\nprefixes = ["/x"]\n')

    with pytest.raises(ValueError, match="claimed twice in prefixes.toml: /x"):
        prefixes.read(place)


def test_every_service_has_its_api_and_one_has_the_rest() -> None:
    table = prefixes.Table(prefixes.read())

    for service in ("registration", "grouping", "feedback", "notifications"):
        assert table.service(f"/api/{service}/health") == service
    assert table.service("/anything/else") == "registration"
