from dataclasses import replace
from pathlib import Path

import pytest

import stf2m
from stf2m.recipe import Recipe, RecipeError, Source, gather

RECIPES = sorted((Path(stf2m.__file__).parent / "recipes").glob("*.toml"))
#: RAVDESS' actors that judge, in every test of RAVDESS.
JUDGES = {15, 16, 17, 18}


@pytest.mark.parametrize("file", RECIPES, ids=lambda file: file.stem)
def test_every_recipe_can_be_read_and_trains_on_no_judge(file):
    recipe = Recipe.read(file)
    assert recipe.name == file.stem
    assert recipe.steps >= recipe.check
    for source in recipe.data:
        if source.folder == "ravdess_speech" and recipe.name != "english":
            first, last = map(int, source.speakers.split("-"))
            assert not JUDGES & set(range(first, last + 1))


def test_a_recipe_may_go_without_emotions(tmp_path, monkeypatch):
    monkeypatch.setenv("STF2M_HOME", str(tmp_path / "home"))
    said = [
        ("Ann", "joy", "What a day!"),
        ("Ann", "anger", "Get out."),
        ("Ben", "joy", "Lovely."),
        ("Ben", "fear", "No."),
    ]
    (tmp_path / "said").mkdir()
    rows = "\n".join(f'"{text}",{speaker},{emotion}' for speaker, emotion, text in said)
    (tmp_path / "said" / "labels.csv").write_text(f"text,speaker,emotion\n{rows}\n", encoding="utf-8")
    whole = Recipe("all", 0, 1, (Source("said", validation="Ben"),), {"text": 1.0})
    few = replace(whole, data=(replace(whole.data[0], without=("fear", "anger")),))
    everything = ["angry", "fearful", "happy", "happy"]
    parts = [_emotions(part) for part in gather(whole, tmp_path, _nobody)]
    assert parts == [["angry", "happy"], ["fearful", "happy"], everything]
    assert [_emotions(part) for part in gather(few, tmp_path, _nobody)] == [["happy"], ["happy"], ["happy", "happy"]]
    with pytest.raises(RecipeError, match="said has no emotion sad"):
        gather(replace(whole, data=(replace(whole.data[0], without=("sadness",)),)), tmp_path, _nobody)


def _emotions(part) -> list[str]:
    return sorted(part["text"].emotion)


def _nobody(share: float, stage: str) -> None:
    pass
