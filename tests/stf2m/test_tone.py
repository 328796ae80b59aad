"""The tone of sentences: what is learned of MiniLM, how it is kept, and who sees it."""

from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from stf2m.__main__ import app
from stf2m.datasets import Item, examples, load
from stf2m.recipe import Recipe, RecipeError, lines
from stf2m.tone_training import PASSES, learn_tone, train_tone
from stf2m.views import text, tone
from stf2m.views.tone import Tone

GLAD = ("I won the first prize!", "What a lovely day!", "We are getting married!", "I love this so much!")
SAD = ("My dog died last night.", "She left me for good.", "I miss my mother.", "We lost our home.")
THINGS = ("", " In the garden.")
RECIPE = """
name = "lines"
seed = 3
steps = 1
[modalities]
text = 1.0
[[data]]
folder = "said"
speakers = ""
validation = "D"
"""


def read(*sentences: str):
    tokens, model = text.sentence_model()
    return model, text.tokenised(tokens, sentences)


def said(who: str) -> list[Item]:
    return [
        Item(f"{who} {line}{thing}", "text", who, emotion, text=line + thing)
        for emotion, some in (("happy", GLAD), ("sad", SAD))
        for line in some
        for thing in THINGS
    ]


def nothing(share: float, stage: str) -> None:
    assert 0 <= share <= 1
    assert stage


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data" / "said"
    folder.mkdir(parents=True)
    rows = [f',{who},{item.emotion},"{item.text}"' for who in "ABCD" for item in said(who)[ord(who) % 2 :: 2]]
    (folder / "labels.csv").write_text("file,speaker,emotion,text\n" + "\n".join(rows) + "\n")
    (tmp_path / "recipe.toml").write_text(RECIPE)
    return tmp_path


@torch.inference_mode()
def test_before_it_has_learned_the_model_reads_as_it_did() -> None:
    model, sentences = read(*GLAD)
    fresh = Tone(model)
    np.testing.assert_allclose(
        fresh.model(**sentences).last_hidden_state, model(**sentences).last_hidden_state, atol=1e-5
    )


@torch.inference_mode()
def test_a_sentence_has_the_same_tone_alone_and_among_longer_ones() -> None:
    model, alone = read(GLAD[0])
    _, among = read(GLAD[0], "And then " * 40)
    shipped = tone.shipped(model)
    np.testing.assert_allclose(shipped(alone)[0], shipped(among)[0], atol=1e-5)
    assert shipped(among).shape == (2, tone.SIZE)
    assert shipped(among).abs().max() <= 1


def test_what_was_learned_comes_back_and_leaves_the_borrowed_model_alone(tmp_path: Path) -> None:
    model, sentences = read(*GLAD, *SAD)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    learned, _ = train_tone(said("A"), said("B"), 0, nothing)
    learned.save(tmp_path / "tone.safetensors")
    with torch.inference_mode():
        again = Tone.load(model, tmp_path / "tone.safetensors")(sentences)
        np.testing.assert_allclose(again, learned(sentences), atol=0.02)  # kept in half precision
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert (tmp_path / "tone.safetensors").stat().st_size < 200_000


def test_training_learns_what_people_who_were_not_heard_say() -> None:
    _, right = train_tone(said("A") * 16, said("B"), 1, nothing)
    assert len(right) == PASSES
    assert right[-1] > 0.9


def test_an_emotion_that_nobody_was_trained_on_is_never_right() -> None:
    strange = [Item("one", "text", "B", "bored", text="So what?"), *said("B")]
    _, right = train_tone(said("A") * 16, strange, 1, nothing)
    assert 0.5 < right[-1] <= 2 / 3


def test_training_is_the_same_for_the_same_seed() -> None:
    _, sentences = read(*GLAD, *SAD)
    (first, right), (second, again) = (train_tone(said("A"), said("B"), 1, nothing) for _ in range(2))
    assert right == again
    with torch.inference_mode():
        assert torch.equal(first(sentences), second(sentences))


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    model, _ = read(*GLAD)
    save_file({"narrow.weight": torch.zeros(2, 2)}, tmp_path / "other.safetensors")
    with pytest.raises(ValueError, match="does not belong"):
        Tone.load(model, tmp_path / "other.safetensors")


@torch.inference_mode()
def test_the_shipped_tone_puts_moods_together_and_not_things() -> None:
    """Sentences about one thing in two moods are further apart than two moods' sentences about two things."""
    model, sentences = read(
        "Oh my God, the cake is wonderful, I am so happy!", "The cake is ruined and it is all your fault, I hate you!",
        "Yay, we are going to the beach, this is great!", "Get out of my beach house, you idiot, I am furious!",
    )  # fmt: skip
    cake, bad_cake, beach, bad_beach = tone.shipped(model)(sentences)
    assert torch.dist(cake, beach) < torch.dist(cake, bad_cake)
    assert torch.dist(bad_cake, bad_beach) < torch.dist(beach, bad_beach)


def test_a_recipe_gives_its_lines_by_speaker_and_says_when_there_are_none(data: Path) -> None:
    recipe = Recipe.read(data / "recipe.toml")
    train, validate = lines(recipe, data / "data")
    assert {item.speaker for item in train} == {"A", "B", "C"}
    assert {item.speaker for item in validate} == {"D"}
    (data / "recipe.toml").write_text(RECIPE.replace('"said"', '"seen"'))
    (data / "data" / "seen").mkdir()
    (data / "data" / "seen" / "a.wav").touch()
    (data / "data" / "seen" / "labels.csv").write_text("file,speaker,emotion\na.wav,D,sad\n")
    with pytest.raises(RecipeError, match="no lines of text"):
        lines(Recipe.read(data / "recipe.toml"), data / "data")


def test_the_command_writes_the_tone_and_says_how_good_it_is(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STF2M_DATA", str(data / "data"))
    out = data / "new" / "tone.safetensors"
    result = CliRunner().invoke(app, ["learn-tone", str(data / "recipe.toml"), "--out", str(out)])
    assert result.exit_code == 0, result.output
    right = [float(each) for each in result.output.rpartition(":")[2].split(",")]
    assert len(right) == PASSES
    assert all(0 <= each <= 1 for each in right)
    assert learn_tone(data / "recipe.toml", data / "again.safetensors", nothing) == pytest.approx(right, abs=1e-3)
    assert out.read_bytes() == (data / "again.safetensors").read_bytes()


def test_what_is_compared_with_the_model_goes_without_the_tone(data: Path) -> None:
    dataset = load("auto", data / "data" / "said", cache=data / "cache", workers=1)
    example = examples(dataset, [0])[0]
    view = example.views["text"]
    assert view.embedding.shape[1] == text.MODALITY.embedding
    borrowed = example.borrowed().views["text"]
    np.testing.assert_array_equal(borrowed.embedding, view.embedding[:, : -tone.SIZE])
    np.testing.assert_array_equal(borrowed.borrowed().embedding, borrowed.embedding)
