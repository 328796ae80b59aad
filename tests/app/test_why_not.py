"""Why not something else, in a sentence."""

from app.studio import Studio
from app.why_not import sentence
from stf2m.counterfactual import CueChange, Flip

TALKING = 1


def test_the_sentence_names_what_would_have_to_be_different_in_units():
    flip = Flip((CueChange("pitch", "Hz", 212.0, 140.0), CueChange("smile", "0–1", 0.62, 0.1)), "sad", 0.5, 0.9)
    said = sentence(flip, {"happy": 0.7, "sad": 0.2}, {"voice": 1.0}, None)
    assert said == "It would be sad (0.50) if pitch were 140 Hz instead of 212 Hz and smile were 0.10 instead of 0.62."
    below = Flip((CueChange("pitch", "Hz", 212.0, 140.0),), "sad", 0.5, 0.3, onwards=True)
    said = sentence(below, {"happy": 0.7, "sad": 0.2}, {"voice": 1.0}, None)
    assert said == "It would be sad if pitch were below 140 Hz (212 Hz here)."
    none = sentence(None, {"happy": 0.7, "sad": 0.2}, {"voice": 0.3, "text": 0.7}, "sad")
    assert none.startswith("No change of one or two signs would make it sad (0.20 now): what is learned from the words")
    assert sentence(None, {"happy": 0.7, "sad": 0.2}, {"voice": 1.0}, "happy") == "It is happy already."


def test_a_studio_answers_for_every_emotion(studio: Studio):
    for wanted in (None, "happy", "sad", "angry", "surprised", "bored"):
        said = studio.reasons.why_not(TALKING, 3.0, 5.0, wanted)
        assert said.endswith(".")
        starts = ("It would be", "No change of one or two signs", "It is", "The model does not know bored")
        assert said.startswith(starts)


def test_what_if_a_sign_were_another_is_answered_by_the_same_model(studio: Studio):
    why = studio.reasons.explain(TALKING, 3.0, 5.0)
    assert why["cues"]
    same = studio.reasons.explain(TALKING, 3.0, 5.0, {each["name"]: each["value"] for each in why["cues"]})
    assert same["memberships"] == why["memberships"]
    moved = []
    for each in why["cues"]:
        assert each["low"] <= each["value"] <= each["high"]
        for value in (each["low"], each["high"]):
            then = studio.reasons.explain(TALKING, 3.0, 5.0, {each["name"]: value})
            quoted = [rule["conditions"] for rule in then["rules"]]
            values = {one["value"] for conditions in quoted for one in conditions if one["cue"] == each["name"]}
            assert values <= {round(value, 4)}
            moved.append(then["memberships"] != why["memberships"])
    assert any(moved)
