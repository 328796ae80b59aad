"""Edits of a model's rules mean exactly what they say: off, pinned, written, renamed; and they survive the disk."""

import numpy as np
import pytest
import torch

from stf2m.adaptation import AdaptedModel
from stf2m.rule_edits import NO_EDITS, WrittenRule, edits_in
from stf2m.rule_words import RuleError
from stf2m.rules_at_work import UNSAID
from tests.stf2m import made
from tests.stf2m.test_adaptation import without

untrained = made.untrained
NAMES = ["happy", "sad", "bored"]
LOUD = WrittenRule((("loudness", "high"), ("smile", "high")), {"sad": 0.8, "bored": 0.2}, "Ana")


@pytest.fixture(scope="module")
def adapted(untrained) -> AdaptedModel:
    support, degrees = made.emotional(untrained, 4, 3)
    return untrained.adapt(support, degrees, NAMES)


@pytest.fixture(scope="module")
def query(untrained):
    return made.emotional(untrained, 4, 3, seed=3)[0]


def with_values(encoded, **values: float):
    cues = encoded.cues.copy()
    names = ["smile", "jaw drop", "pitch", "pitch variation", "loudness", "word valence"]
    for name, value in values.items():
        cues[:, names.index(name)] = value
    return type(encoded)(encoded.pooled, encoded.present, cues, encoded.encoder)


def test_a_rule_that_is_off_does_not_fire_and_the_rest_share_its_firing(adapted, query) -> None:
    before = adapted.predict(query)
    edited = adapted.with_edits(NO_EDITS.with_switched(2, on=False))
    after = edited.predict(query)
    assert not after.strength[:, 2].any()
    rest = np.delete(before.firing, 2, axis=1)
    np.testing.assert_allclose(np.delete(after.firing, 2, axis=1), rest / rest.sum(axis=1, keepdims=True), atol=1e-5)
    assert [rule.number for rule in edited.rules() if rule.off] == [2]
    assert 2 not in {rule.number for rule in edited.explain(query[0]).rules}
    assert not np.allclose(after.memberships, before.memberships)
    with pytest.raises(RuleError, match="off already"):
        edited.edits.with_switched(2, on=False)
    back = adapted.with_edits(edited.edits.with_switched(2, on=True))
    np.testing.assert_array_equal(back.predict(query).memberships, before.memberships)


def test_with_every_rule_off_the_modalities_answer_alone(adapted, query) -> None:
    edits = NO_EDITS
    for number in range(len(adapted.rules())):
        edits = edits.with_switched(number, on=False)
    prediction = adapted.with_edits(edits).predict(query)
    assert not prediction.firing.any()
    np.testing.assert_allclose(prediction.memberships.sum(axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(prediction.shares.sum(axis=1), 1, atol=1e-5)
    assert not adapted.with_edits(edits).trust(query)[:, -1].any()


def test_pinning_changes_no_answer_and_holds_through_the_next_adaptation(untrained, adapted, query) -> None:
    pinned = adapted.with_edits(NO_EDITS.with_pinned(4, adapted.work.pinned(4)))
    np.testing.assert_allclose(pinned.predict(query).memberships, adapted.predict(query).memberships, atol=1e-5)
    support, degrees = made.emotional(untrained, 4, 3, seed=9)
    later = untrained.adapt(support, degrees[:, [1, 2, 0]], NAMES)
    free, held = later.rules(), later.with_edits(pinned.edits).rules()
    assert held[0].number == 4
    assert held[0].pinned
    was = next(rule for rule in adapted.rules() if rule.number == 4)
    assert held[0].consequent == pytest.approx(was.consequent, abs=1e-5)
    assert next(rule for rule in free if rule.number == 4).consequent != pytest.approx(was.consequent, abs=1e-2)
    for rule in free:
        if rule.number != 4:
            assert next(each for each in held if each.number == rule.number).consequent == pytest.approx(
                rule.consequent
            )


def test_a_pinned_rule_meets_emotions_that_were_renamed_merged_added_or_taken_away(untrained, adapted) -> None:
    edits = NO_EDITS.with_pinned(4, adapted.work.pinned(4))
    was = next(rule for rule in adapted.rules() if rule.number == 4).consequent

    def says(emotions: list[str], to: dict[str, str]) -> dict[str, float]:
        support, degrees = made.emotional(untrained, 2, len(emotions))
        model = untrained.adapt(support, degrees, emotions)
        return model.with_edits(edits.renamed(lambda name: to.get(name, name))).rules()[0].consequent

    joyful = says(["joyful", "sad", "bored"], {"happy": "joyful"})
    assert joyful["joyful"] == pytest.approx(was["happy"], abs=1e-5)
    assert says(["happy", "sad"], {"bored": "sad"})["sad"] == pytest.approx(was["sad"] + was["bored"], abs=1e-5)
    added = says([*NAMES, "proud"], {})
    assert added["proud"] == pytest.approx(UNSAID, rel=1e-3)
    assert added["sad"] == pytest.approx(was["sad"] * (1 - UNSAID), rel=1e-3)
    less = says(["happy", "sad"], {})
    assert less["sad"] == pytest.approx(was["sad"] / (was["sad"] + was["happy"]), abs=1e-5)


def test_a_written_rule_alone_says_exactly_its_degrees(adapted, query) -> None:
    edits = NO_EDITS.with_written(LOUD)
    for number in range(len(adapted.rules())):
        edits = edits.with_switched(number, on=False)
    alone = adapted.with_edits(edits)
    answers = alone.rule_answers(query)
    expected = {"happy": UNSAID, "sad": 0.8 * (1 - UNSAID), "bored": 0.2 * (1 - UNSAID)}
    np.testing.assert_allclose(answers, np.tile([expected[name] for name in NAMES], (len(query), 1)), atol=1e-5)
    np.testing.assert_allclose(alone.predict(query).firing[:, -1], 1, atol=1e-6)


def test_a_written_rule_fires_by_the_bells_the_geometric_mean_and_what_could_be_measured(adapted, query) -> None:
    model = adapted.with_edits(NO_EDITS.with_written(LOUD))
    number = len(adapted.rules())
    curves = {cue: model.membership_curves(cue, 4000) for cue in ("loudness", "smile")}
    values = {"loudness": -25.0, "smile": 0.62}
    mu = [float(np.interp(values[cue], curves[cue][0], curves[cue][1]["high"])) for cue in values]
    here = with_values(query, **values)
    np.testing.assert_allclose(model.predict(here).strength[:, number], np.sqrt(mu[0] * mu[1]), rtol=5e-3)
    half = with_values(here, smile=np.nan)
    np.testing.assert_allclose(model.predict(half).strength[:, number], mu[0] / 2, rtol=5e-3)
    neither = with_values(here, smile=np.nan, loudness=np.nan)
    assert not model.predict(neither).strength[:, number].any()


def test_a_written_rule_flips_what_is_near_even_and_leaves_alone_what_does_not_fire_it(adapted, query) -> None:
    rule = WrittenRule((("loudness", "high"), ("smile", "high")), {"sad": 1.0}, "Ana")
    model = adapted.with_edits(NO_EDITS.with_written(rule))
    number = len(adapted.rules())
    between = np.linspace(0, 1, 41, dtype=np.float32)[:, None, None]
    pooled = (1 - between) * query.pooled[0] + between * query.pooled[4]  # from a happy segment to a sad one
    rows = np.zeros(41, int)
    query = type(query)(pooled, query.present[rows], query.cues[rows], query.encoder)
    loud = with_values(query, loudness=-8.0, smile=1.0)
    before, after = adapted.predict(loud), model.predict(loud)
    np.testing.assert_allclose(after.strength[:, number], 1, atol=1e-2)
    assert (after.firing[:, number] >= 0.5).all(), "at full strength it has half of the rules' say at least"
    assert (after.memberships[:, 1] > before.memberships[:, 1]).all()
    lead = before.memberships.max(axis=1) / before.memberships[:, 1]
    near = (lead > 1) & (lead < 2)
    assert near.any()
    assert (after.memberships[near].argmax(axis=1) == 1).all()
    quiet = with_values(query, loudness=-60.0, smile=0.0)
    np.testing.assert_allclose(model.predict(quiet).memberships, adapted.predict(quiet).memberships, atol=5e-3)
    told = next(each for each in model.explain(loud[0]).rules if each.written_by)
    assert told.text == "IF loudness is high AND smile is high THEN sad 1.00"
    assert told.contribution >= 0 or int(after.memberships[0].argmax()) != 1


def test_the_parts_add_up_to_the_ratio_of_the_degrees(adapted, query) -> None:
    edits = NO_EDITS.with_written(LOUD).with_switched(1, on=False).with_pinned(3, adapted.work.pinned(3))
    for model in (adapted, adapted.with_edits(edits)):
        seen = without(query, [2])
        parts, degrees = model.parts(seen), model.predict(seen).memberships
        assert parts.shape == (len(query), 3 + len(model.rules()), 3)
        total = parts.sum(axis=1)
        np.testing.assert_allclose(total[:, 0] - total[:, 1], np.log(degrees[:, 0]) - np.log(degrees[:, 1]), atol=1e-3)
        np.testing.assert_allclose(model.trust(seen).sum(axis=1), 1, atol=1e-5)
        np.testing.assert_allclose(model.predict(seen).shares.sum(axis=1), 1, atol=1e-5)


def test_a_renamed_term_is_a_word_everywhere_and_changes_no_bit_of_an_answer(adapted, query) -> None:
    cue = next(each for each in adapted.rules()[0].conditions if " pattern " not in each.cue)
    model = adapted.with_edits(NO_EDITS.with_word(cue.cue, cue.term, "marked"))
    np.testing.assert_array_equal(model.predict(query).memberships, adapted.predict(query).memberships)
    assert f"{cue.cue} is marked" in model.rules()[0].text
    assert "marked" in model.membership_curves(cue.cue)[1]
    fired = next(each for each in model.explain(query[0]).rules if each.number == model.rules()[0].number)
    assert (cue.cue, "marked") in {(each.cue, each.term) for each in fired.conditions}
    assert model.edits.with_word(cue.cue, cue.term, cue.term.upper()).words == {}


def test_edits_survive_the_disk_and_the_same_edits_give_the_same_bytes(untrained, adapted, query) -> None:
    def edited() -> AdaptedModel:
        edits = NO_EDITS.with_written(LOUD).with_switched(5, on=False).with_switched(1, on=False)
        return adapted.with_edits(edits.with_pinned(3, adapted.work.pinned(3)).with_word("smile", "high", "broad"))

    model = edited()
    data = model.to_bytes()
    assert data == edited().to_bytes()
    back = AdaptedModel.from_bytes(data, untrained)
    np.testing.assert_array_equal(back.predict(query).memberships, model.predict(query).memberships)
    assert [rule.text for rule in back.rules()] == [rule.text for rule in model.rules()]
    assert back.to_bytes() == data
    plain = adapted.to_bytes()
    assert b"edits" not in plain
    assert AdaptedModel.from_bytes(plain, untrained).with_edits(model.edits).to_bytes() == data
    assert edits_in(data).for_another_model(["smile"]).words == {"smile": {"high": "broad"}}
    assert not edits_in(data).for_another_model(["smile"]).written
    with pytest.raises(ValueError, match="not the fast weights"):
        edits_in(b"nonsense of some length")


def test_a_written_rule_can_be_switched_off_and_taken_away(adapted, query) -> None:
    other = WrittenRule((("pitch", "low"),), {"bored": 1.0}, "Ben")
    number = len(adapted.rules())
    edits = NO_EDITS.with_written(LOUD).with_written(other).with_switched(number + 1, on=False)
    rules = adapted.with_edits(edits).rules()
    assert [(rule.written_by, rule.off) for rule in rules[:2]] == [("Ana", False), ("Ben", True)]
    left = edits.without_written(0, number)
    assert (left.written, left.off) == ((other,), (number,))
    assert not left.without_written(0, number)
    with pytest.raises(RuleError, match="written already"):
        edits.with_written(WrittenRule(LOUD.conditions[::-1], {"happy": 1.0}))


def test_an_emotion_that_nobody_has_shown_stays_without_a_degree(untrained, query) -> None:
    support, degrees = made.emotional(untrained, 2, 2)
    model = untrained.adapt(support, np.column_stack([degrees, np.zeros(len(degrees))]), NAMES)
    with torch.inference_mode():
        edited = model.with_edits(NO_EDITS.with_written(WrittenRule((("loudness", "high"),), {"bored": 1.0})))
    assert not edited.predict(query).memberships[:, 2].any()
    assert np.isfinite(edited.predict(query).memberships).all()
