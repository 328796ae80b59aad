import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from stf2m import checkpoint
from stf2m.adaptation import adapt
from stf2m.corpus import WHOLE, Corpus
from stf2m.datasets import examples, load
from stf2m.drawing import Drawing
from stf2m.finishing import MOST_STEPS, STEP, choose, complete
from stf2m.fitting import STRETCHES, discriminant, fit, folds, general
from stf2m.model import SHIPPED, STF2M
from stf2m.recipe import Gathered, Recipe, RecipeError, Source
from stf2m.remembering import MOST, WEIGHTS, remember
from stf2m.tasks import Sampler, episodes
from stf2m.threads import one_thread
from stf2m.tracks import Modality
from stf2m.training import STATE, Trainer, follow
from stf2m.validation import encode, validate
from tests.stf2m import made

EMOTIONS = ("angry", "happy", "neutral", "sad", "surprised")
RECIPE = Recipe(
    name="test",
    seed=0,
    steps=30,
    data=(Source("made up"),),
    modalities={"face": 0.4, "voice": 0.4, "paired": 0.2},
    tasks=2,
    rate=5e-3,
    check=15,
    episodes=4,
    architecture=dataclasses.replace(made.SMALL, classes=6),
)


def corpus(modality: Modality, speakers: range, seed: int) -> Corpus:
    """Performances of eight to thirty frames; an emotion is a direction in values and embedding, a speaker another."""
    random = np.random.default_rng(seed)
    towards = np.random.default_rng(99).normal(size=(len(EMOTIONS), 60))
    rows = [(emotion, speaker) for speaker in speakers for emotion in range(len(EMOTIONS)) for _ in range(6)]
    lengths = random.integers(8, 30, len(rows))
    first = np.concatenate([[0], lengths.cumsum()[:-1]])
    frames = lengths.sum()
    label, person = (np.repeat([row[which] for row in rows], lengths) for which in (0, 1))
    flat = random.normal(size=(frames, 60)) + towards[label] + np.random.default_rng(7).normal(size=(50, 60))[person]
    sites = len(modality.sites) * modality.channels
    low, high = (np.array([cue.typical[end] for cue in modality.cues]) for end in (0, 1))
    cues = low + (high - low) / (1 + np.exp(-flat[:, -len(low) :]))
    return Corpus(
        modality,
        flat[:, :sites].reshape(frames, len(modality.sites), modality.channels).astype(np.float16),
        flat[:, sites : sites + modality.embedding].astype(np.float16),
        np.arange(frames),
        cues.astype(np.float32),
        np.ones(frames, bool),
        first,
        first + lengths,
        tuple({EMOTIONS[row[0]]: 1.0} for row in rows),
        tuple(f"speaker {row[1]}" for row in rows),
        ("made",) * len(rows),
    )


def with_answers(known: Corpus, modality: Modality) -> Corpus:
    """The corpus in which one more number of the embedding tells the emotion."""
    told = np.repeat([EMOTIONS.index(name) for name in known.emotion], known.last - known.first)[:, None]
    embedding = np.concatenate([known.embedding, told.astype(np.float16)], axis=1)
    return dataclasses.replace(known, modality=modality, embedding=embedding)


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    with one_thread():
        yield


@pytest.fixture(scope="module")
def train() -> dict[str, Corpus]:
    return {"face": corpus(made.FACE, range(6), 0), "voice": corpus(made.VOICE, range(6), 1)}


@pytest.fixture(scope="module")
def validation() -> dict[str, Corpus]:
    return {"face": corpus(made.FACE, range(6, 10), 2), "voice": corpus(made.VOICE, range(6, 10), 3)}


@pytest.fixture(scope="module")
def trained(train, validation) -> Trainer:
    trainer = Trainer(RECIPE, train, validation)
    while trainer.step < RECIPE.steps:
        trainer.advance()
        if trainer.step % RECIPE.check == 0:
            trainer.check()
    return trainer


def test_degrees_of_several_emotions_are_what_is_learned(train, tmp_path) -> None:
    """People said 0.6 of one emotion and 0.4 of the next: support, targets and classes say so as well."""
    after = {name: EMOTIONS[(place + 1) % len(EMOTIONS)] for place, name in enumerate(EMOTIONS)}
    soft = {
        name: dataclasses.replace(known, labels=tuple({each: 0.6, after[each]: 0.4} for each in known.emotion))
        for name, known in train.items()
    }
    trainer = Trainer(RECIPE, soft, {})
    assert (trainer.emotions, soft["face"].emotion) == (EMOTIONS, train["face"].emotion)
    for seed in range(10):
        batch = trainer.drawing.draw(np.random.default_rng(seed))
        assert torch.allclose(batch.labels.sort(dim=1).values, torch.tensor([0, 0, 0, 0.4, 0.6]))
        for episode in batch.episodes:
            assert torch.allclose(episode.target.sum(dim=1), torch.ones(len(episode.target)))
            others = episode.target[(episode.target.max(dim=1).values < 1)]
            assert torch.allclose(others.max(dim=1).values, torch.tensor(0.6))
            assert len(episode.support) == len(episode.degrees)
    assert np.isfinite(trainer.advance())
    seen = {name: encode(trainer.averaged(), known) for name, known in soft.items()}
    memory = remember(soft, seen, trainer.averaged())
    assert np.allclose(np.sort(memory.degrees, axis=1)[:, -2:], [0.4, 0.6])


def test_a_killed_run_goes_on_to_the_same_weights(trained, train, validation, tmp_path: Path) -> None:
    first = Trainer(RECIPE, train, validation)
    while first.step < RECIPE.check:
        first.advance()
    first.check()
    first.keep(tmp_path / "training.pt")
    again = Trainer(RECIPE, train, validation)
    again.resume(tmp_path / "training.pt")
    assert again.step == RECIPE.check
    while again.step < RECIPE.steps:
        again.advance()
    again.check()
    for name, value in trained.average.items():
        assert torch.equal(value, again.average[name]), name
    other = Trainer(dataclasses.replace(RECIPE, seed=1), train, validation)
    other.resume(tmp_path / "training.pt")
    assert other.step == 0, "a state of another recipe is not gone on from"


def test_a_finished_model_knows_its_emotions_before_and_after_corrections(trained, train, validation, tmp_path) -> None:
    model = trained.best()
    trusted, recipe = model.trust.detach().clone(), dataclasses.replace(RECIPE, explained=0.99)
    complete(model, train, choose(model, train, validation, recipe), recipe)
    lowered = trusted - model.trust.detach()
    for column, name in enumerate(("face", "voice")):
        told = model.card["rules_alone"][name]["three rules agree"]
        assert told >= 0.99 or float(lowered[column]) == pytest.approx(MOST_STEPS * STEP, abs=0.02)
    assert set(model.memory_weight.tolist()) <= {weight for weight in WEIGHTS if weight <= MOST}
    model.save(tmp_path)
    loaded = STF2M.load(tmp_path)
    assert loaded.memory is not None
    assert loaded.memory.emotions == EMOTIONS
    assert loaded.card["seed"] == 0
    voices = validation["voice"]
    encoded = encode(loaded, voices)
    truth = np.array([EMOTIONS.index(name) for name in voices.emotion])
    before = loaded.adapt(encoded[:0], np.zeros((0, 5)), EMOTIONS).predict(encoded).memberships.argmax(axis=1)
    assert (before == truth).mean() > 0.5, "five emotions of people never met, chance is 0.2"
    few = np.concatenate([np.flatnonzero(truth == emotion)[:3] for emotion in range(5)])
    degrees = np.eye(5)[truth[few]]
    after = adapt(loaded, None, encoded[few], degrees, [f"feeling {n}" for n in range(5)]).predict(encoded)
    assert (after.memberships.argmax(axis=1) == truth).mean() > 0.5
    figures = validate(loaded, validation, seed=0, count=20)
    assert figures["made 5-shot cross"] > 0.5
    assert float(loaded.rule_weight.sum()) == pytest.approx(1, abs=1e-3)


def test_a_model_is_trained_anew_on_those_who_chose_for_as_long_as_they_chose(train, validation, tmp_path) -> None:
    both = {"face": corpus(made.FACE, range(10), 4), "voice": corpus(made.VOICE, range(10), 5)}
    recipe = dataclasses.replace(RECIPE, steps=6, check=2, episodes=2)
    data = Gathered(train, validation, both)
    once = follow(recipe, data, tmp_path / "once", _nobody)
    told: list[str] = []
    again = follow(
        dataclasses.replace(recipe, refit=True), data, tmp_path / "again", lambda share, stage: told.append(stage)
    )
    assert once.card["trained_on"]["face"] == {"performances": 180, "speakers": 6}
    assert again.card["trained_on"]["face"] == {"performances": 300, "speakers": 10}
    assert again.card["validation"] == once.card["validation"], "by the model that does not know who validates"
    assert float(again.temperature) == float(once.temperature)
    assert torch.equal(again.memory_weight, once.memory_weight)
    refit = [stage for stage in told if stage.startswith("refit")]
    first = Trainer(dataclasses.replace(recipe, refit=True), train, validation)
    first.resume(tmp_path / "again" / STATE)
    assert len(refit) == first.chosen_step
    by_hand = Trainer(dataclasses.replace(recipe, refit=True), both, {})
    while by_hand.step < first.chosen_step:
        by_hand.advance()
    expected = by_hand.averaged().encoder["face"].state_dict()
    for name, value in again.encoder["face"].state_dict().items():
        torch.testing.assert_close(value, expected[name], rtol=1e-3, atol=1e-3)


def test_views_are_stretches_of_their_performance(train) -> None:
    voices = train["voice"]
    some = np.array([0, 3, 7])
    whole = voices.views(some)
    lengths = voices.last[some] - voices.first[some]
    assert whole.valid.sum(dim=1).tolist() == np.minimum(lengths, WHOLE).tolist()
    row = voices.values[voices.first[3] : voices.last[3]].astype(np.float32)
    np.testing.assert_array_equal(whole.values[1, : len(row)].numpy(), row)
    mean = voices.cues[voices.first[3] : voices.last[3]].mean(axis=0)
    np.testing.assert_allclose(whole.cues[1].numpy(), mean, rtol=1e-5)
    cut = voices.views(some, np.random.default_rng(0))
    assert (cut.valid.sum(dim=1) <= whole.valid.sum(dim=1)).all()


def test_the_discriminant_finds_the_direction_that_tells_classes_apart() -> None:
    random = np.random.default_rng(0)
    emotion = ["happy", "sad"] * 100
    points = random.normal(size=(200, 5))
    points[:, 2] += np.where(np.array(emotion) == "happy", 2.0, -2.0)
    found = discriminant(points, np.zeros((0, 5)), emotion, ["a"] * 200, ["happy", "neutral", "sad"])
    assert np.abs(found[0]).argmax() == 2
    assert found[0, 2] > 0 > found[2, 2]
    assert not found[1].any(), "an emotion that is not there has no axis"


def test_the_discriminant_does_not_rely_on_content() -> None:
    """Of two directions that tell classes apart alike, one also varies within performances: words, not tone."""
    random = np.random.default_rng(0)
    emotion = ["happy", "sad"] * 100
    points = random.normal(size=(200, 5))
    points[:, 1:3] += np.where(np.array(emotion) == "happy", 2.0, -2.0)[:, None]
    content = np.zeros((300, 5))
    content[:, 2] = 3 * random.normal(size=300)
    found = discriminant(points, content, emotion, ["a"] * 200, ["happy", "sad"])
    assert abs(found[0, 1]) > 3 * abs(found[0, 2])


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 99), stills=st.booleans())
def test_general_features_are_what_performances_differ_in_and_their_stretches_do_not(seed: int, stills: bool) -> None:
    """Ten numbers of unit variance: two of the performance, two of its words, one of both, noise."""
    random = np.random.default_rng(seed)
    whole = random.normal(size=(300, 10))
    words = np.zeros((STRETCHES, 300, 10))
    if not stills:
        words[..., 2:5] = 1.5 * random.normal(size=(STRETCHES, 300, 3))
    whole[:, :2] *= 3
    whole[:, 4] *= 3
    found = general(torch.from_numpy(whole), torch.from_numpy(whole + words), 12)
    spoken = np.concatenate([whole, whole + words[0]]) @ found.T
    np.testing.assert_allclose(spoken[:, :10].std(axis=0), 1, rtol=1e-6)
    assert not found[10:].any(), "there are no more directions than numbers"
    first = np.abs(found[: 3 if stills else 2]).sum(axis=0)
    assert set(np.argsort(first)[-len(found[: 3 if stills else 2]) :]) == ({0, 1, 4} if stills else {0, 1})


def test_no_speaker_is_in_two_folds_and_the_fit_sets_the_terms_from_data(train) -> None:
    voices = train["voice"]
    by_speaker: dict[str, set[int]] = {}
    for speaker, fold in zip(voices.speaker, folds(voices), strict=True):
        by_speaker.setdefault(speaker, set()).add(int(fold))
    assert all(len(each) == 1 for each in by_speaker.values())
    model = STF2M([made.FACE, made.VOICE], RECIPE.architecture)
    fit(model, train, RECIPE)
    bells, pitch = model.rules.bells, [cue.name for cue in model.cues].index("pitch")
    centres = bells.centres()[pitch] * bells.scale[pitch] + bells.offset[pitch]
    views = voices.views(np.arange(len(voices)))
    assert centres[0].item() == pytest.approx(np.quantile(views.cues[:, 0], 0.1), rel=0.1)


def test_paired_views_are_of_one_emotion_and_never_all_missing(train) -> None:
    recipe = dataclasses.replace(RECIPE, modalities={"paired": 1.0})
    own = {name: torch.zeros(len(each), 1) for name, each in train.items()}
    drawing = Drawing(recipe, train, EMOTIONS, {name: folds(each) for name, each in train.items()}, own)
    seen = set()
    for seed in range(10):
        batch = drawing.draw(np.random.default_rng(seed))
        assert batch.present.any(dim=1).all()
        seen.add(bool(batch.present.all()))
        assert {rows.dtype for rows, _, _, _ in batch.views.values()} == {torch.int64}
        for episode in batch.episodes:
            assert not set(episode.support.tolist()) & set(episode.query.tolist())
            torch.testing.assert_close(episode.degrees.sum(dim=1), torch.ones(len(episode.degrees)))
    assert False in seen, "some views are left out"


def test_recipes_are_read_and_mistakes_named(tmp_path: Path) -> None:
    shipped = Recipe.read(Path("stf2m/recipes/studio.toml"))
    assert shipped.name == "studio"
    assert "15" not in shipped.data[0].speakers.split("-"), "the test speakers are never trained on"
    (tmp_path / "typo.toml").write_text("name = 'x'\nseed = 0\nstepps = 3\ndata = []\nmodalities = {}\n")
    with pytest.raises(RecipeError, match=r"typo\.toml"):
        Recipe.read(tmp_path / "typo.toml")
    with pytest.raises(RecipeError, match="no recipe"):
        Recipe.read(tmp_path / "nowhere.toml")


def test_the_shipped_checkpoint_is_small_and_fits_the_extractors() -> None:
    from stf2m.views import face, text, voice

    model = STF2M.load()
    assert [modality.name for modality in model.modalities] == ["face", "voice", "text"]
    for stored, extractor in zip(model.modalities, (face, voice, text), strict=True):
        assert stored == extractor.MODALITY, f"meta-train again: the {stored.name} extractor has changed"
    assert sum(weight.numel() for weight in model.parameters()) <= 2_000_000
    assert (SHIPPED / "stf2m.safetensors").stat().st_size <= 8 * 2**20
    assert model.memory is not None
    assert {"angry", "happy", "neutral", "sad"} <= set(model.memory.emotions)
    assert "NC-SA" in str(model.card["licence"])


@pytest.mark.data
def test_the_shipped_checkpoint_beats_chance_on_people_it_never_met(data_dir: Path) -> None:
    judged = {"15", "16", "17", "18"}
    wanted = {"angry", "calm", "fearful", "happy", "surprised"}
    dataset = load(
        "auto",
        data_dir / "ravdess_speech",
        keep=lambda item: (
            item.speaker in judged
            and item.emotion in wanted
            and item.about["intensity"] == "strong"
            and item.about["repetition"] == "1"
        ),
    )
    found = examples(dataset)
    assert len(found) == 4 * 5 * 2
    model = STF2M.load()
    encoded = model.encode([example.views for example in found])
    sampler = Sampler(found, ways=5, shots=2, protocol="cross")
    right = []
    for episode in episodes(sampler, 100, 0):
        adapted = model.adapt(encoded[episode.support], episode.degrees(), episode.emotions, prior=False)
        said = adapted.predict(encoded[episode.query]).memberships.argmax(axis=1)
        right.append((said == episode.query_labels).mean())
    assert np.mean(right) > 0.4, "five emotions: chance is 0.2"
    names = sorted(wanted)
    before = model.adapt(encoded[:0], np.zeros((0, 5)), names).predict(encoded).memberships.argmax(axis=1)
    assert np.mean([names[said] == example.emotion for said, example in zip(before, found, strict=True)]) > 0.4


def _nobody(share: float, stage: str) -> None:
    pass


def test_the_weights_of_a_checkpoint_are_kept_where_more_is_read_than_before(train, validation, tmp_path) -> None:
    """As when an extractor has learned something new: the old numbers are read as before, the new ones tell more."""
    recipe = dataclasses.replace(RECIPE, steps=4, check=2, episodes=2)
    data = Gathered(train, validation, train)
    former = follow(recipe, data, tmp_path / "former", _nobody)
    wider = dataclasses.replace(made.VOICE, embedding=made.VOICE.embedding + 1, learned=1, version="2")
    more = {"face": train["face"], "voice": with_answers(train["voice"], wider)}
    asked = {"face": validation["face"], "voice": with_answers(validation["voice"], wider)}
    again = follow(
        dataclasses.replace(recipe, seed=5),
        Gathered(more, asked, more),
        tmp_path / "again",
        _nobody,
        keep=tmp_path / "former",
    )
    for name, weight in former.named_parameters():
        kept = again.get_parameter(name)
        assert torch.equal(kept, weight) or (kept.shape != weight.shape and not kept.any()), name
    assert torch.equal(again.encoder["face"].discriminant, former.encoder["face"].discriminant)
    assert again.encoder["voice"].discriminant.shape[1] == former.encoder["voice"].discriminant.shape[1] + 2
    assert again.card["weights_kept_from"] == checkpoint.read(tmp_path / "former").card["sha256"]
    assert float(again.temperature) == float(former.temperature)
    before, after = (encode(model, of["voice"]).pooled[:, 1] for model, of in ((former, validation), (again, asked)))
    learned = again.readout.learned
    np.testing.assert_allclose(after[:, :learned], before[:, :learned], atol=1e-5)
    classes = slice(learned, learned + len(EMOTIONS))
    assert np.abs(after[:, classes] - before[:, classes]).mean(axis=0).min() > 0.01
    wide = dataclasses.replace(recipe, architecture=dataclasses.replace(recipe.architecture, width=8))
    with pytest.raises(checkpoint.CheckpointError, match="other sizes"):
        follow(wide, data, tmp_path / "wide", _nobody, keep=tmp_path / "former")
