"""Why not something else, in a sentence."""

from app.studio import Studio
from app.why_not import sentence
from stf2m.counterfactual import CueChange, Flip

TALKING = 1


def test_the_sentence_names_what_would_have_to_be_different_in_units():
    flip = Flip((CueChange("pitch", "Hz", 212.0, 140.0), CueChange("smile", "0–1", 0.62, 0.1)), "sad", 0.5, 0.9)
    said = sentence(flip, {"happy": 0.7, "sad": 0.2}, {"voice": 1.0}, None)
    assert said == "It would be sad (0.50) if pitch were 140 Hz instead of 212 Hz and smile were 0.10 instead of 0.62."
    none = sentence(None, {"happy": 0.7, "sad": 0.2}, {"voice": 0.3, "text": 0.7}, "sad")
    assert none.startswith("No change of one or two signs would make it sad (0.20 now): what is learned from the words")
    assert sentence(None, {"happy": 0.7, "sad": 0.2}, {"voice": 1.0}, "happy") == "It is happy already."


def test_a_studio_answers_for_every_emotion(studio: Studio):
    for wanted in (None, "happy", "sad", "angry", "surprised", "bored"):
        said = studio.why_not(TALKING, 3.0, 5.0, wanted)
        assert said.endswith(".")
        starts = ("It would be", "No change of one or two signs", "It is", "The model does not know bored")
        assert said.startswith(starts)
