from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

from services.grouping.app import service
from tests.unit.grouping.conftest import GATHERING, SETTINGS, Day, person
from tests.unit.grouping.test_plans import seats

Program = Callable[..., tuple[int, Any]]
HERE = f"/gatherings/{GATHERING}"


def test_a_program_runs_the_whole_round(day: Day, program: Program) -> None:
    day.crowd(40, topics=4)
    code, round_ = program("post", f"{HERE}/rounds", {"kind": "topics"})
    assert (code, round_["number"], round_["name"]) == (202, 1, "Groupes entre pairs")
    here = f"/rounds/{round_['round_id']}"
    assert program("get", here)[1]["state"] == "waiting"
    day.settle()

    code, draft = program("get", here)
    assert (code, draft["state"], draft["people"], draft["sizes"], draft["version"]) == (
        200,
        "draft",
        40,
        [10, 10],
        None,
    )
    assert [group["carrier"] for group in draft["groups"]] == [str(person(n)) for n in range(4)]
    assert program("get", f"{here}/fairness")[1]["people"] == 40

    assert program("post", f"{here}/publish")[1]["version"] == 1
    day.note("absent", 10, 11, 12, 13, 14, 15)
    assert program("post", f"{here}/rebalance", {"policy": "balance"})[0] == 202
    assert program("get", f"{here}/rebalance")[1]["state"] == "waiting"
    day.settle()
    proposal = program("get", f"{here}/rebalance")[1]
    assert proposal["state"] == "ready"
    assert proposal["figures"]["moves"] == len(proposal["moves"])
    applied = program("post", f"{here}/rebalance/apply")[1]
    assert (applied["version"], applied["people"]) == (2, 34)
    assert program("post", f"{here}/back")[1]["version"] == 3
    states = [p["state"] for p in program("get", f"{HERE}/people")[1]["items"]]
    assert (states.count("absent"), states.count("registered")) == (6, 34)


def test_rules_and_locks_go_in_and_out(day: Day, program: Program) -> None:
    day.crowd(4)
    code, link = program(
        "post", f"{HERE}/links", {"kind": "apart", "one_id": str(person(1)), "other_id": str(person(2))}
    )
    assert code == 201
    code, again = program(
        "post", f"{HERE}/links", {"kind": "apart", "one_id": str(person(2)), "other_id": str(person(1))}
    )
    assert (code, again["code"]) == (409, "already-linked")

    assert program("delete", f"{HERE}/links/{link['link_id']}")[0] == 204
    assert program("get", f"{HERE}/links") == (200, {"items": [], "next": None})


def test_a_refusal_is_a_problem_with_its_code(day: Day, program: Program) -> None:
    assert program("post", f"{HERE}/rounds", {"kind": "tables"})[0] == 422
    code, problem = program("post", f"{HERE}/rounds", {"kind": "topics"})
    assert (code, problem["code"]) == (409, "nothing-to-form")
    assert program("get", f"/rounds/{uuid4()}")[1]["code"] == "unknown-round"
    assert program("get", f"/gatherings/{uuid4()}/people")[1]["code"] == "forbidden"
    assert program("put", f"{HERE}/syntheses/1", {"modalities": ["Oser"]})[1]["code"] == "unknown-circle"


def test_a_synthesis_is_put_and_read(day: Day, program: Program) -> None:
    program("post", f"{HERE}/rounds", {"kind": "angles"})

    code, kept = program("put", f"{HERE}/syntheses/1", {"modalities": ["Oser", " "]})

    assert (code, kept["modalities"]) == (200, ["Oser"])
    assert [s["angle"] for s in program("get", f"{HERE}/syntheses")[1]["items"]] == ["La collaboration"]


def test_the_openapi_document_stands(day: Day) -> None:
    client = service.create_app(service, day.database, SETTINGS).test_client()

    told = client.get("/api/grouping/openapi.json").get_json()

    assert "/api/grouping/rounds/{round_id}/rebalance/apply" in told["paths"]
    board = told["components"]["schemas"]["BoardView"]["properties"]
    assert [board[name]["type"] for name in ("plan", "version")] == [["integer", "null"]] * 2


def test_the_welcome_desk_reads_the_published_groups_of_those_it_asks_for(
    day: Day, program: Program, tables: UUID
) -> None:
    day.register(99)

    asked = "&".join(f"participant_id={person(n)}" for n in (3, 99))
    code, told = program("get", f"{HERE}/whereabouts?{asked}")

    (seat,) = told["items"]
    assert (code, seat["participant_id"], seat["round_name"]) == (200, str(person(3)), "Entre pairs")
    assert seat["group_number"] == seats(day, tables)[person(3)]


def test_a_group_is_no_news_at_the_desk_before_it_is_published(day: Day, program: Program) -> None:
    day.crowd(8, topics=2)
    program("post", f"{HERE}/rounds", {"kind": "topics"})
    day.settle()

    assert program("get", f"{HERE}/whereabouts?participant_id={person(0)}") == (
        200,
        {"items": [], "next": None},
    )


def test_without_a_name_everybody_s_group_is_told_a_page_at_a_time(
    day: Day, program: Program, tables: UUID
) -> None:
    first = program("get", f"{HERE}/whereabouts?limit=30")[1]
    rest = program("get", f"{HERE}/whereabouts?after={first['next']}")[1]

    told = {seat["participant_id"]: seat["group_number"] for seat in (*first["items"], *rest["items"])}
    assert rest["next"] is None
    assert told == {str(who): number for who, number in seats(day, tables).items()}
