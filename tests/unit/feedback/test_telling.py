"""The account: each line beside its evidence, edited or not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.feedback.accounts import Spoken
from services.feedback.telling.draft import Agreement, Asked, Day, Round, Said, draft
from services.feedback.telling.evidence import Doubt, Line, Source, doubt_of, numbers_in, reworded
from services.feedback.telling.markdown import Shown, escaped, markdown
from services.feedback.telling.names import names_in

PLAN = Source("plan", "r1", "Plan")
WHOLE = Day(
    ref="g",
    title="Chemins croisés",
    purpose="Apprendre les uns des autres",
    on="8 avril 2027",
    place="Halle aux Grains",
    language="fr",
    present=119,
    territories=["Armorique", "Beauce"],
    trades=["Partenariats"],
    stories=[("s1", "Le bus de 5 h 40"), ("s2", "Premières heures")],
    angles=Round("r1", "Angles", 119, 5, ["Armorique", "Beauce", "Cévennes"], []),
    workshops=Round("r2", "Ateliers", 117, 12, [], []),
    syntheses=[
        Said("c1", "Le temps", ["Adapter le temps"]),
        Said("c2", "Le temps", ["Adapter le temps", "Attendre"]),
    ],
    topics=[Asked("t1", 1, "Comment aborder une addiction ?")],
    agreement=Agreement("q", "Cette journée m'est utile", 65, 90, 5),
    quotes=["aa", "bb"],
)


def texts(part):
    return [line.text for line in part.lines]


def test_the_draft_has_the_shape_of_the_account_that_gave_the_idea():
    parts = draft(WHOLE, Spoken("fr"))

    assert [part.kind for part in parts] == [
        "text",
        "figures",
        "text",
        "angle",
        "text",
        "questions",
        "text",
        "words",
    ]


def test_the_draft_says_who_came_from_where():
    opening, figures, *_ = draft(WHOLE, Spoken("fr"))

    assert texts(opening) == [
        "119 personnes ont répondu présent le 8 avril 2027 (Halle aux Grains).",
        "3 territoires étaient là\u00a0: Armorique, Beauce et Cévennes.",
        "Un métier était représenté\u00a0: Partenariats.",
        "Apprendre les uns des autres.",
    ]
    assert texts(figures) == ["119 personnes présentes", "3 territoires", "1 métier", "1 sujet travaillé"]


def test_two_circles_on_one_angle_are_told_once():
    angle = next(part for part in draft(WHOLE, Spoken("fr")) if part.kind == "angle")

    assert (angle.heading, texts(angle)) == ("Le temps", ["Adapter le temps", "Attendre"])


@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_line_of_a_draft_stands_on_its_evidence(language):
    parts = draft(Day(**{**WHOLE.__dict__, "language": language}), Spoken(language))

    assert [(line.text, doubt) for part in parts for line in part.lines if (doubt := doubt_of(line))] == []


def test_a_day_nothing_is_known_of_has_nothing_to_tell():
    nothing = Day(ref="g", title="Rien", purpose="", on="8 avril 2027", place="", language="fr", present=0)

    assert draft(nothing, Spoken("fr")) == []


@given(
    present=st.integers(0, 12000),
    stories=st.lists(st.text(max_size=30), max_size=4),
    groups=st.integers(0, 40),
    agree=st.integers(5, 1500),
)
def test_no_number_of_a_draft_is_without_evidence(present, stories, groups, agree):
    day = Day(
        **{
            **WHOLE.__dict__,
            "present": present,
            "stories": list(enumerate(stories)),
            "workshops": Round("r2", "Ateliers", 117, groups, [], []),
            "agreement": Agreement("q", "utile", agree, agree + 1, 5),
        }
    )

    assert all(doubt_of(line) is None for part in draft(day, Spoken("fr")) for line in part.lines)


def test_a_reworded_sentence_keeps_its_evidence():
    old = [Line("12 groupes se sont réunis.", (PLAN,), (12,)), Line("Il a plu.", (Source("x", "y", "z"),))]

    new = reworded(old, ["Il a plu.", "12 groupes se sont bien réunis."])

    assert [line.sources for line in new] == [old[1].sources, old[0].sources]


def test_a_changed_number_is_pointed_out():
    (line,) = reworded([Line("12 groupes se sont réunis.", (PLAN,), (12,))], ["14 groupes se sont réunis."])

    assert doubt_of(line) == Doubt(unknown=[14])


def test_a_large_number_printed_with_its_narrow_space_is_known():
    (line,) = reworded(
        [Line("1\u202f204 personnes là.", (PLAN,), (1204,))], ["1\u202f204 personnes étaient là."]
    )

    assert doubt_of(line) is None


def test_a_sentence_from_nowhere_has_no_evidence():
    (line,) = reworded(
        [Line("12 groupes se sont réunis.", (PLAN,), (12,))], ["Le soleil brillait ce jour-là !"]
    )

    assert doubt_of(line) == Doubt(bare=True)


@given(st.lists(st.text(max_size=40), max_size=6), st.lists(st.text(max_size=40), max_size=6))
def test_evidence_serves_one_sentence_at_most(before, after):
    old = [Line(text, (Source("x", str(place), ""),)) for place, text in enumerate(before)]

    new = reworded(old, after)

    refs = [line.sources[0].ref for line in new if line.sources]
    assert [line.text for line in new] == after
    assert len(refs) == len(set(refs))


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("1\u202f204 personnes", [1204]),
        ("1,204 people", [1204]),
        ("à 9 h 30", [9, 30]),
        ("aucun", []),
        ("4, 5 ou 6", [4, 5, 6]),
    ],
)
def test_numbers_are_read_as_they_are_printed(text, numbers):
    assert numbers_in(text) == numbers


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Merci à Mme NGUYEN pour tout", ["nguyen"]),
        ("Avec de la Tour, on avance", ["de la tour"]),
        ("O’Connor a raison", ["o connor"]),
        ("Une tour de guet", []),
        ("Il a lu cela", []),
    ],
)
def test_family_names_are_found_however_they_are_written(text, found):
    assert names_in(text, ["Nguyễn", "de La Tour", "O'Connor", "Lu"]) == found


def test_markdown_that_people_typed_stays_text():
    assert escaped("# <b>*gras*</b>\n[lien](x)") == "\\# \\<b\\>\\*gras\\*\\</b\\> \\[lien\\](x)"
    assert escaped("1. Un") == "1\\. Un"


def test_the_account_leaves_as_markdown():
    parts = [
        Shown("text", "Ouverture", ["Un.", "Deux."]),
        Shown("angle", "Le temps", ["Adapter"]),
        Shown("questions", "", ["Comment ?"]),
        Shown("words", "Leurs mots", ["Merci"]),
    ]

    assert markdown("Retour", parts) == (
        "# Retour\n\n## Ouverture\n\nUn. Deux.\n\n### Le temps\n\n1. Adapter\n\n"
        "- Comment ?\n\n## Leurs mots\n\n> Merci\n"
    )
