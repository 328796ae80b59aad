"""Rules in words: what a rule says of itself is read back, and what cannot be read is refused in one sentence."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stf2m import rule_words
from stf2m.fuzzy import TERMS
from stf2m.rule_words import RuleError
from stf2m.views import face

CUES = ("smile", "brow lowering", "loudness", "pitch variation", "face pattern 1", "inner brow raise")
EMOTIONS = ("angry", "happy", "very sad", "feeling 2")
WORDS = {"smile": {"high": "broad"}, "loudness": {"low": "hushed", "high": "shouting out"}}

rules = st.tuples(
    st.lists(
        st.tuples(st.sampled_from(CUES), st.sampled_from(TERMS)), min_size=1, max_size=4, unique_by=lambda c: c[0]
    ),
    st.lists(st.sampled_from(EMOTIONS), min_size=1, max_size=4, unique=True),
    st.lists(st.integers(1, 25), min_size=4, max_size=4),
)


def read(text: str) -> tuple[tuple[tuple[str, str], ...], dict[str, float]]:
    return rule_words.read(text, CUES, EMOTIONS, WORDS)


@settings(max_examples=80, deadline=None)
@given(rules, st.booleans(), st.randoms(use_true_random=False))
def test_a_rules_own_text_reads_back_to_it_however_it_is_spaced(rule, shout, random) -> None:
    conditions, emotions, hundredths = rule
    says = {name: number / 100 for name, number in zip(emotions, hundredths, strict=False)}
    called = [(cue, rule_words.word(WORDS, cue, term)) for cue, term in conditions]
    text = rule_words.told(called, says)
    assert read(text) == (tuple(conditions), says)
    spaced = "".join(letter + " " * random.choice([0, 3]) if letter == " " else letter for letter in text)
    spaced = spaced.replace(" AND ", random.choice([" and ", ", ", ", and "]))
    assert read(spaced.upper() if shout else spaced) == (tuple(conditions), says)
    random.shuffle(called)
    assert set(read(rule_words.told(called, says))[0]) == set(conditions)


def test_a_rule_is_no_longer_than_the_box_that_it_is_written_in() -> None:
    rule = "IF smile is high THEN happy"
    assert read(rule.ljust(rule_words.LONGEST))
    with pytest.raises(RuleError, match=r"^A rule has 400 characters at most; this one has 401\.$"):
        read(rule.ljust(rule_words.LONGEST + 1))


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [*CUES, *EMOTIONS, *TERMS, "IF", "and", "is", "THEN", "or", ",", "0.5", "80 %", "", "“", "-", "1e9", "."]
        )
        | st.text(max_size=6),
        max_size=14,
    )
)
def test_any_text_is_read_or_refused_in_one_sentence(parts) -> None:
    refused = ""
    conditions, says = (("", ""),), {"": 1.0}
    try:
        conditions, says = read(" ".join(parts))
    except RuleError as error:
        refused = str(error)
    assert not refused or refused.endswith((".", "?"))
    assert "\n" not in refused
    assert 1 <= len(conditions) <= 4
    assert all(0 < degree <= 1 for degree in says.values())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("IF smille is high THEN happy", "There is no cue “smille”; did you mean “smile”?"),
        ("IF loudness is shoutin THEN happy", "“loudness” can be hushed, medium or shouting out, not “shoutin”"),
        ("IF brow lowering is hihg THEN happy", "not “hihg”; did you mean “high”?"),
        ("IF smile is high THEN hapy", "There is no emotion “hapy”; did you mean “happy”?"),
        ("IF smile is high THEN xyz", "There is no emotion “xyz”; it can be angry, happy, very sad, feeling 2."),
        (
            "IF smile broad THEN happy",
            "“smile broad” is no condition; write one like “smile is high”; did you mean “sm",
        ),
        ("IF smile is high OR loudness is low THEN happy", "A rule has no OR"),
        ("IF smile is high AND smile is low THEN happy", "“smile” stands in this rule twice"),
        ("IF smile is high THEN happy 1.5", "not “1.5” as of “happy”"),
        ("IF smile is high THEN happy 0.8, angry 0.7", "add up to 1.50"),
        ("IF smile is high THEN happy 0.8, angry", "Give “angry” a degree, too"),
        ("IF smile is high", "lacks THEN"),
        ("IF smile is high THEN", "lacks an emotion after THEN"),
        ("", "lacks THEN"),
        (
            "IF " + " AND ".join(f"{cue} is low" for cue in CUES[:5]) + " THEN happy",
            "A rule has 4 conditions at most; this one has 5.",
        ),
    ],
)
def test_what_is_wrong_is_named_with_what_is_nearest(text: str, said: str) -> None:
    with pytest.raises(RuleError) as caught:
        read(text)
    assert said in str(caught.value)


def test_degrees_may_be_left_out_or_given_in_per_cent_and_names_may_end_in_numbers() -> None:
    assert read("if smile is broad then happy")[1] == {"happy": 1.0}
    assert read("smile is high then feeling 2")[1] == {"feeling 2": 1.0}
    assert read("if smile is high, then feeling 2 30 %, very sad .5")[1] == {"feeling 2": 0.3, "very sad": 0.5}


def test_cues_of_the_face_may_be_called_by_their_action_units() -> None:
    known = [cue.name for cue in face.MODALITY.cues]
    assert set(rule_words.FACS.values()) <= set(known)
    text = "IF brow lowerer is high AND AU 12 is low AND au24 is high THEN angry"
    conditions, _ = rule_words.read(text, known, ["angry"], {})
    assert conditions == (("brow lowering", "high"), ("smile", "low"), ("lip press", "high"))
    with pytest.raises(RuleError, match="no cue “brow lowerer”"):
        rule_words.read("IF brow lowerer is high THEN angry", ["pitch"], ["angry"], {})


def test_a_new_word_must_not_confuse() -> None:
    assert rule_words.new_word(WORDS, "smile", "medium", "  half  open ") == "half open"
    for word, said in [
        ("low", "Another term of “smile” is called “low”"),
        ("Broad", "Another term of “smile” is called “Broad”"),
        ("high", "Another term"),
        ("then some", "“then” has a meaning of its own"),
        ("<b>", "a name of letters"),
        ("x" * 25, "24 at most"),
        ("", "a name of letters"),
        ("7", "a name of letters"),
        ("medium", "called “medium” already"),
    ]:
        with pytest.raises(RuleError, match=said):
            rule_words.new_word(WORDS, "smile", "medium", word)
