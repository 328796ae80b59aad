"""Why an answer is as it is: the situation, and the corrections that pulled it there."""

from dataclasses import replace

import numpy as np

from app import situation, trusting
from app.pages.trust_html import QUESTIONS, panel
from app.studio import Studio
from stf2m.tracks import Track, Word, absent
from stf2m.views import MODALITIES
from tests.app.conftest import EMOTIONS

TALKING, SILENT = 1, 2


def track(name: str, valid: list[bool], **more) -> Track:
    empty = absent(MODALITIES[name], len(valid), "")
    return replace(empty, valid=np.array(valid), **more)


def test_the_situation_is_told_in_seconds_faces_and_words():
    half = [True] * 5 + [False] * 5 + [True] * 10
    words = tuple(Word(text, 0.3 * at, 0.3 * at + 0.2) for at, text in enumerate(("I", "can't", "believe", "it")))
    face = track("face", [True] * 20, detail={"faces": np.full(20, 2)})
    there = {"face": face, "voice": track("voice", half), "text": track("text", [True] * 20, words=words)}
    assert situation.told(there, 0.0, 1.0) == [
        "Somebody speaks in 0.5 of these 1.0 s.",
        "Two faces are in the picture; the most prominent one is read.",
        "The words here: “I can't believe it”.",
    ]
    assert situation.told({"text": there["text"]}, 1.2, 2.0) == ["Right after the words “I can't believe it”."]
    assert situation.told({"text": track("text", half)}, 0.0, 1.0) == []
    alone = track("face", [True] * 20, detail={"faces": np.ones(20, int)})
    assert situation.told({"face": alone}, 0.0, 1.0) == []


def test_a_missing_modality_says_whether_it_is_missing_here_or_in_the_whole_clip():
    assert situation.missing(track("voice", [True, False])) == "Nobody speaks here, so the voice says nothing."
    assert situation.missing(absent(MODALITIES["voice"], 2, "This clip has no sound.")) == "This clip has no sound."


def test_the_corrections_that_pulled_are_those_it_learned_from(studio: Studio):
    pair = 14.0, 16.0
    study, ana = studio.studies()[0], studio.annotator("Ana")
    assert studio.reasons.pulled(TALKING, *pair)["corrections"] == []
    made = [(TALKING, 2.0, 4.0, "happy"), (TALKING, 13.0, 16.0, "sad"), (SILENT, 4.0, 6.0, "angry")]
    for clip, start_s, end_s, emotion in made:
        studio.labels.correct(clip, ana.id, start_s, end_s, {emotion: 1.0})
    studio.adapt(study.id, ana.id, unlabelled=False)
    found = studio.reasons.pulled(TALKING, *pair)
    assert found["learned_from"] == 3
    assert found["emotion"] in EMOTIONS
    assert found["changed"].endswith(".")
    shares = [each["share"] for each in found["corrections"]]
    assert shares == sorted(shares, reverse=True)
    assert 0 < sum(shares) + found["remembered"] <= 1 + 1e-3
    assert all(each["emotion"] == found["emotion"] for each in found["corrections"])
    assert {(each["clip"], each["start_s"], each["annotator"]) for each in found["corrections"]} <= {
        (clip, start_s, "Ana") for clip, start_s, _, _ in made
    }
    studio.delete_clips([SILENT], ana.id)
    assert studio.reasons.pulled(TALKING, *pair)["learned_from"] == 2


def test_the_reasons_of_a_suggestion_are_those_of_a_segment_that_says_so(studio: Studio):
    study = studio.studies()[0]
    for clip in studio.store.clips(study.id):
        for each in studio.predictions.suggestions(clip, studio.version(study.id)):
            why = studio.reasons.explain(clip.id, each.start_s, each.end_s)
            said = max(each.memberships, key=lambda name: each.memberships[name])
            assert max(why["memberships"], key=lambda name: why["memberships"][name]) == said
            assert why["told"].lower().startswith(said)
            assert why["end_s"] - why["start_s"] <= studio.settings.segment_s + 1e-6
            assert min(why["end_s"], each.end_s) > max(why["start_s"], each.start_s), (
                "it is in the stretch, or around it"
            )
            assert studio.reasons.pulled(clip.id, each.start_s, each.end_s)["emotion"] == said


def test_rules_are_looked_at_on_the_studys_own_segments_and_corrections(studio: Studio):
    study = studio.studies()[0]
    steps: list[float] = []
    found = trusting.look(studio, study.id, lambda share, stage: steps.append(share))
    assert steps == sorted(steps)
    assert found.clips == 2
    assert found.corrections == found.right == 0
    assert found.trust is not None
    assert found.trust.segments == sum(len(studio.predictions.encoded(clip)) for clip in studio.store.clips(study.id))
    assert found.trust.sentences <= trusting.SENTENCES
    told = panel(found)
    assert told.count("<section") == len(QUESTIONS)
    assert "learned from no correction yet" in told
    assert "a hint, no proof" not in told
    few = replace(found, trust=replace(found.trust, sentences=trusting.FEW - 1))
    assert "a hint, no proof" in panel(few)
    assert "no segment yet" in panel(replace(found, trust=None))
