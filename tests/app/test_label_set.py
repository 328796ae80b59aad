"""The label set of a study is edited by the form: annotations and the model's answers follow, and undo goes back."""

from typing import Any

import pytest

from app.demo import DEMOS
from app.ingest import Upload
from app.studio import Studio
from app.widgets.labels.calls import calls
from app.widgets.queue.calls import calls as queue_calls
from tests.app.conftest import EMOTIONS

STUDY = 1
TALKING = 1


@pytest.fixture
def ana(studio: Studio) -> int:
    return studio.annotator("Ana").id


def _ask(studio: Studio, who: int, what: str, **values: Any) -> dict[str, Any]:
    call = next(each for each in calls(studio) if each.__name__ == what)
    return call({"study": STUDY, "annotator": who, **values})


def _names(shown: dict[str, Any]) -> list[str]:
    return [each["name"] for each in shown["emotions"]]


def _degrees(studio: Studio) -> list[dict[str, float]]:
    return [dict(each.degrees) for each in studio.store.annotations(study_id=STUDY)]


def _answers(studio: Studio, who: int) -> list[dict[str, float]]:
    return [each["memberships"] for each in studio.timeline(TALKING, who)["suggestions"]]


def test_a_renamed_emotion_keeps_its_annotations_and_the_model_answers_under_the_new_name(studio: Studio, ana: int):
    before = _answers(studio, ana)
    studio.labels.correct(TALKING, ana, 1.0, 3.0, {"happy": 0.7, "sad": 0.3})
    shown = _ask(studio, ana, "rename", name="happy", new=" joyful ")
    assert shown["sentence"] == "happy is called joyful now. 1 annotation follows."
    assert _names(shown) == ["angry", "joyful", "sad", "surprised"]
    assert _degrees(studio) == [{"joyful": 0.7, "sad": 0.3}]
    renamed = [
        {("happy" if name == "joyful" else name): degree for name, degree in each.items()}
        for each in _answers(studio, ana)
    ]
    assert renamed == before, "the shipped model knows joyful people by their first name"
    moments, _ = studio.find_emotion(STUDY, "joyful", by_people=True)
    assert [each.degree for each in moments] == [0.7]
    assert _names(_ask(studio, ana, "undo")) == list(EMOTIONS)
    assert _degrees(studio) == [{"happy": 0.7, "sad": 0.3}]
    assert _answers(studio, ana) == before


def test_merged_emotions_are_one_and_one_undo_parts_them_again(studio: Studio, ana: int):
    studio.labels.correct(TALKING, ana, 1.0, 3.0, {"surprised": 1.0})
    studio.labels.correct(TALKING, ana, 5.0, 7.0, {"surprised": 0.6, "happy": 0.4})
    shown = _ask(studio, ana, "merge", name="surprised", into="happy")
    assert shown["sentence"] == "surprised is a part of happy now. 2 annotations follow."
    assert _names(shown) == ["angry", "happy", "sad"]
    assert _degrees(studio) == [{"happy": 1.0}, {"happy": 0.6}]
    assert all(set(each) == {"angry", "happy", "sad"} for each in _answers(studio, ana))
    assert _names(_ask(studio, ana, "undo")) == list(EMOTIONS)
    assert _degrees(studio) == [{"surprised": 1.0}, {"happy": 0.4, "surprised": 0.6}]
    assert all(set(each) == set(EMOTIONS) for each in _answers(studio, ana))


def test_an_added_emotion_that_the_model_knows_is_answered_at_once(studio: Studio, ana: int):
    assert "calm" in _ask(studio, ana, "labels")["known"]
    shown = _ask(studio, ana, "add", name="Calm")
    assert _names(shown)[-1] == "calm"
    assert "calm" not in shown["known"]
    assert all("calm" in each for each in _answers(studio, ana))
    assert _names(_ask(studio, ana, "add", name="smug"))[-1] == "smug"
    assert "smug" not in _answers(studio, ana)[0], "nobody has shown it to the model yet"


def test_a_colour_is_one_of_the_palette_or_ones_own(studio: Studio, ana: int):
    shown = _ask(studio, ana, "recolour", name="sad", colour="#123ABC")
    assert shown["emotions"][2]["colour"] == "#123abc"
    assert {each["colour"] for each in shown["emotions"]} - {"#123abc"} <= set(shown["palette"])
    assert "#rrggbb" in _ask(studio, ana, "recolour", name="sad", colour="red; background: url(x)")["refused"]
    assert _ask(studio, ana, "undo")["emotions"][2]["colour"] in shown["palette"]


@pytest.mark.parametrize(
    ("what", "values"),
    [("add", {"name": "Happy"}), ("add", {"name": "  "}), ("rename", {"name": "happy", "new": "sad"}),
     ("rename", {"name": "bored", "new": "idle"}), ("merge", {"name": "sad", "into": "sad"}),
     ("mode", {"mode": "sideways"})],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_in_a_sentence_and_changes_nothing(
    studio: Studio, ana: int, what: str, values: dict[str, str]
):
    before, events = studio.study(STUDY), studio.store.events(STUDY)
    refused = _ask(studio, ana, what, **values)["refused"]
    assert refused.endswith(".")
    assert studio.study(STUDY) == before
    assert studio.store.events(STUDY) == events


def test_where_people_label_first_the_queue_does_not_say_what_the_model_sees(studio: Studio, ana: int):
    clips = next(each for each in queue_calls(studio) if each.__name__ == "clips")

    def said() -> dict[int, set[str]]:
        answer = clips({"study": STUDY, "annotator": ana})
        while answer["looking"]:
            answer = clips({"study": STUDY, "annotator": ana})
        return {
            card["id"]: {spot["text"] for reason in card["reasons"] for spot in reason["spots"]} - {""}
            for card in answer["clips"]
        }

    assert said()[TALKING]
    assert _ask(studio, ana, "mode", mode="label first")["mode"] == "label first"
    assert said()[TALKING] == set()
    studio.labels.correct(TALKING, ana, 1.0, 2.0, {"happy": 1.0})
    assert said()[TALKING], "what they have labelled is theirs to compare"


def test_an_adapted_model_follows_too(studio: Studio, ana: int):
    for at, emotion in ((0.0, "sad"), (4.0, "angry"), (8.0, "sad"), (12.0, "angry")):
        studio.labels.correct(TALKING, ana, at, at + 2.0, {emotion: 1.0})
    studio.adapt(STUDY, ana)
    _ask(studio, ana, "rename", name="angry", new="furious")
    assert studio.version(STUDY).kind == "adapted"
    assert "furious" in studio.adapted(STUDY).emotions
    assert "angry" not in studio.adapted(STUDY).emotions


def test_a_clip_added_after_the_change_is_answered_with_the_new_names(studio: Studio, ana: int):
    study = studio.create_study("Fresh", ["happy", "sad", "calm"])
    studio.rename_emotion(study.id, "sad", "low", ana)
    clip = studio.ingest(study.id, Upload(DEMOS[-1].path, "late.mp4"))
    shown = studio.timeline(clip.id, ana)["suggestions"]
    assert shown
    assert all(set(each["memberships"]) == {"happy", "low", "calm"} for each in shown)
