"""Questions and answers as plain values."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.registration.asking import answers
from services.registration.asking.questions import (
    DEEPEST,
    Condition,
    Kind,
    Option,
    Question,
    anew,
    asked,
    changed,
    depth,
    of,
    rows,
)


def question(key="q1", kind=Kind.short_text, **other):
    return Question(key, kind, {"fr": f"{key} ?"}, {"fr": "Pour la journée."}, **other)


def options(*words):
    return tuple(Option(f"o{n}", {"fr": word}) for n, word in enumerate(words, 1))


MEAL = question("meal", Kind.single, options=options("Tout", "Végétarien", "Autre"))
WHICH = question("which", required=True, only_if=Condition("meal", "o3"))


def read(questions, **typed):
    return answers.read(rows(questions), lambda key: typed.get(key, []))


@pytest.mark.parametrize(
    ("kind", "typed", "said"),
    [
        (Kind.short_text, "  O’Connor \u200b ", "O’Connor"),
        (Kind.long_text, "une\r\ndeux", "une\ndeux"),
        (Kind.single, "o2", "o2"),
        (Kind.multiple, "o2", ["o2"]),
        (Kind.number, "1\u202f234,50", "1234.5"),
        (Kind.number, "−3", "-3"),
        (Kind.number, "-0", "0"),
        (Kind.date, "2027-04-08", "2027-04-08"),
        (Kind.date, "8/4/2027", "2027-04-08"),
        (Kind.yes_no, "no", "no"),
        (Kind.phone, "+33 (0)6 12-34.56/78", "+33 (0)6 12-34.56/78"),
    ],
)
def test_each_of_the_eight_kinds_is_read_as_people_write_it(kind, typed, said):
    asked_one = question(kind=kind, options=options("Un", "Deux") if kind in ("single", "multiple") else ())

    assert read([asked_one], q1=[typed]) == ({"q1": said}, {})


@pytest.mark.parametrize(
    ("kind", "typed", "wrong"),
    [
        (Kind.short_text, "x" * 201, "Longer than maximum length 200."),
        (Kind.long_text, "x" * 400_000, "Longer than maximum length 2000."),
        (Kind.single, "o9", "Choose an answer from the list."),
        (Kind.multiple, "o9", "Choose answers from the list."),
        (Kind.number, "douze", "Write a number."),
        (Kind.number, "1,2,3", "Write a number."),
        (Kind.date, "31/02/2027", "Write a day, like 08/04/2027."),
        (Kind.yes_no, "maybe", "Choose an answer from the list."),
        (Kind.phone, "12345", "Write a phone number, like 06 12 34 56 78."),
        (Kind.phone, "=HYPERLINK(1)", "Write a phone number, like 06 12 34 56 78."),
    ],
)
def test_what_is_no_answer_is_said_with_what_to_write_instead(kind, typed, wrong):
    asked_one = question(kind=kind, options=options("Un", "Deux") if kind in ("single", "multiple") else ())

    assert read([asked_one], q1=[typed]) == ({}, {"q1": [wrong]})


def test_a_question_is_only_asked_of_who_gave_the_answer_that_leads_to_it():
    assert read([MEAL, WHICH], meal=["o3"]) == ({"meal": "o3"}, {"which": [answers.NEEDED]})
    assert read([MEAL, WHICH], meal=["o1"], which=["Sans gluten"]) == ({"meal": "o1"}, {})


def test_one_answer_among_several_leads_on():
    leading = replace(MEAL, kind=Kind.multiple)

    said, wrong = read([leading, WHICH], meal=["o1", "o3"], which=["Sans gluten"])

    assert (said, wrong) == ({"meal": ["o1", "o3"], "which": "Sans gluten"}, {})


def test_a_question_stands_after_the_one_it_depends_on_whatever_their_order():
    assert [one.key for one in asked([WHICH, question("q9"), MEAL])] == ["q9", "meal", "which"]


def test_what_an_answer_led_to_is_asked_of_nobody_once_that_is_offered_no_more():
    smaller = changed(MEAL, replace(MEAL, options=options("Tout", "Végétarien")))

    assert [one.key for one in asked([smaller, WHICH])] == ["meal"]


def test_a_ring_of_conditions_has_no_depth():
    ring = [question("a", only_if=Condition("b", "yes")), question("b", only_if=Condition("a", "yes"))]

    assert depth(ring, ring[0]) > DEEPEST


def test_other_words_make_another_version_and_the_old_ones_are_kept():
    better = changed(MEAL, replace(MEAL, wording={"fr": "Que mangez-vous ?"}))

    assert (better.version, better.asked_as(1), better.asked_as(2)) == (
        2, {"fr": "meal ?"}, {"fr": "Que mangez-vous ?"},
    )  # fmt: skip


def test_an_option_better_spelt_keeps_its_answers_and_another_word_does_not_take_them():
    wanted = [Option("", {"fr": word}) for word in ("Végétarienne", "Halal", "Tout")]

    after = changed(MEAL, replace(MEAL, options=tuple(wanted)))

    assert {one.words["fr"]: (one.key, one.gone) for one in after.options} == {
        "Végétarienne": ("o2", False), "Halal": ("o4", False), "Tout": ("o1", False), "Autre": ("o3", True),
    }  # fmt: skip


def test_an_answer_is_said_in_words_also_when_it_is_offered_no_more():
    after = changed(MEAL, replace(MEAL, options=options("Tout", "Végétarien")))

    assert answers.words(after, "o3", "en") == "Autre"


def test_answers_to_what_is_asked_no_more_stay_when_the_rest_is_answered_anew():
    gone = replace(MEAL, removed_at="2027-03-01T12:00:00+00:00")
    kept = {"meal": {"said": "o2", "version": 1}, "q2": {"said": "old", "version": 1}}

    after = answers.merged(rows([gone, question("q2", version=3)]), kept, {"q2": "new"})

    assert after == {"meal": {"said": "o2", "version": 1}, "q2": {"said": "new", "version": 3}}


def test_another_gathering_asks_the_same_and_remembers_nothing():
    changed_once = changed(MEAL, replace(MEAL, options=options("Tout", "Végétarien")))
    gone = replace(question("q2"), removed_at="2027-03-01T12:00:00+00:00")

    (again,) = anew([changed_once, gone])

    assert (again.version, again.before, [one.key for one in again.options]) == (1, (), ["o1", "o2"])


WORDS = st.lists(st.text("abcdefghij", min_size=3, max_size=12), min_size=2, max_size=6, unique=True)


@settings(max_examples=150, deadline=None)
@given(first=WORDS, edits=st.lists(WORDS, max_size=4))
def test_no_edit_takes_an_answer_away_or_gives_it_to_two(first, edits):
    """Whatever becomes of the options, each key that was ever answered still has its words, and keys stay unique."""
    now = changed(
        question(kind=Kind.single),
        question(kind=Kind.single, options=tuple(Option("", {"fr": w}) for w in first)),
    )
    given_keys = set(now.choices)
    for words in edits:
        now = changed(now, replace(now, options=tuple(Option("", {"fr": word}) for word in words)))
        given_keys |= set(now.choices)

        keys = [one.key for one in now.options]
        assert len(keys) == len(set(keys))
        assert given_keys <= set(keys)
        assert of(rows([now])) == [now]


@settings(max_examples=200, deadline=None)
@given(
    typed=st.text(max_size=60), kind=st.sampled_from([one for one in Kind if one not in ("single", "multiple")])
)
def test_whatever_is_typed_is_read_or_refused_and_reads_the_same_twice(typed, kind):
    said, wrong = read([question(kind=kind)], q1=[typed])

    assert not (said and wrong)
    if said:
        assert read([question(kind=kind)], q1=[said["q1"]]) == (said, {})
