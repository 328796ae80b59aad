import numpy as np
import pytest
import torch

from stf2m.explanation import membership_curves, with_unit
from stf2m.fuzzy import MOST_CONDITIONS
from tests.stf2m import made
from tests.stf2m.test_adaptation import without

untrained = made.untrained


@pytest.fixture(scope="module")
def adapted(untrained):
    support, degrees = made.emotional(untrained, 4, 3)
    return untrained.adapt(support, degrees, ["happy", "sad", "bored"])


def test_every_rule_reads_as_a_sentence_of_its_own_parameters(untrained, adapted) -> None:
    rules = adapted.rules()
    assert len(rules) == untrained.architecture.rules
    names = {variable.name: index for index, variable in enumerate(untrained.variables)}
    for rule in rules:
        assert 1 <= len(rule.conditions) <= MOST_CONDITIONS
        assert sum(rule.consequent.values()) == pytest.approx(1, abs=1e-4)
        best = max(rule.consequent, key=lambda name: rule.consequent[name])
        premise = " AND ".join(f"{each.cue} is {each.term}" for each in rule.conditions)
        assert rule.text.startswith(f"IF {premise} THEN {best} {rule.consequent[best]:.2f}")
        for each in rule.conditions:
            term = ("low", "medium", "high")[int(untrained.rules.term_logits[rule.number, names[each.cue]].argmax())]
            assert each.term == term
            assert rule.number in untrained.rules.conditions()[:, names[each.cue]].nonzero().flatten()


def test_the_rules_contributions_add_up_to_the_rules_part_of_the_answer(untrained, adapted) -> None:
    query, _ = made.emotional(untrained, 1, 3, seed=3)
    row = query[0]
    explanation = adapted.explain(row)
    answer = int(adapted.predict(row).memberships[0].argmax())
    with torch.inference_mode():
        reading, evidence = adapted._see(row)
        part = (reading.semantic[0] - adapted.fast.centre[-1]) @ adapted.fast.weight[:, -1].T + adapted.fast.bias[:, -1]
        expected = evidence.attention[0, -1] * (part[answer] - part.mean())
    assert sum(rule.contribution for rule in explanation.rules) == pytest.approx(float(expected), abs=1e-4)
    helps = [rule.contribution for rule in explanation.rules]
    assert helps == sorted(helps, reverse=True)


def test_reasons_name_cues_with_their_values_in_units(untrained, adapted) -> None:
    query, _ = made.emotional(untrained, 1, 3, seed=3)
    explanation = adapted.explain(query[1])
    names = {cue.name: index for index, cue in enumerate(untrained.cues)}
    quoted = [each for rule in explanation.rules for each in rule.conditions if each.cue in names]
    assert quoted
    for each in quoted:
        assert each.value == pytest.approx(float(query.cues[1, names[each.cue]]), rel=1e-3, abs=1e-3)
        x, curves = membership_curves(untrained, each.cue, 2000)
        if x[0] <= each.value <= x[-1]:
            assert np.interp(each.value, x, curves[each.term]) == pytest.approx(each.membership, abs=0.02)
    best = max(explanation.memberships, key=lambda name: explanation.memberships[name])
    assert explanation.sentence.startswith(f"{best.capitalize()} (")
    assert explanation.text in explanation.sentence
    assert set(explanation.rules[0].as_dict()) == {"text", "strength", "share", "conditions", "consequent"}


def test_only_what_is_there_is_quoted(untrained, adapted) -> None:
    query = without(made.emotional(untrained, 1, 3, seed=3)[0], [0, 2])
    explanation = adapted.explain(query[0])
    assert explanation.missing == ("face", "text")
    assert set(explanation.shares) == {"voice"}
    assert "Without the face and the text" in explanation.sentence
    voice = {cue.name for cue in made.VOICE.cues}
    for rule in explanation.rules:
        assert all(each.cue in voice or each.cue.startswith("voice pattern") for each in rule.conditions)
    nothing = adapted.explain(without(query, [1])[0])
    assert nothing.rules == ()
    assert nothing.uncertainty == pytest.approx(1.0)
    assert "nothing could be seen or heard" in nothing.text


def test_curves_cover_the_typical_range_in_natural_units(untrained) -> None:
    x, curves = membership_curves(untrained, "pitch", 50)
    assert x[0] <= 80
    assert x[-1] >= 300
    assert list(curves) == ["low", "medium", "high"]
    assert all(((curve >= 0) & (curve <= 1)).all() and curve.shape == (50,) for curve in curves.values())
    with pytest.raises(KeyError, match="charisma"):
        membership_curves(untrained, "charisma")


def test_the_rules_alone_can_be_asked(untrained, adapted) -> None:
    query, _ = made.emotional(untrained, 2, 3, seed=3)
    everything = adapted.rule_answers(query)
    assert everything.shape == (6, 3)
    np.testing.assert_allclose(adapted.rule_answers(query, most=untrained.architecture.rules), everything, atol=1e-5)
    assert not np.allclose(adapted.rule_answers(query, most=1), everything)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.624, "0–1", "0.62"),
        (1.14, "semitones", "1.1 semitones"),
        (212.4, "Hz", "212 Hz"),
        (-0.5, "−1 to 1", "-0.50"),
        (-7.23, "°", "-7.2°"),
        (3.0, "%", "3.0 %"),
    ],
)
def test_values_read_as_people_write_them(value: float, unit: str, text: str) -> None:
    assert with_unit(value, unit) == text
