"""Small modalities and views made from numbers, for tests of the mathematics."""

import numpy as np
import pytest
import torch

from stf2m.encoded import Encoded
from stf2m.model import STF2M
from stf2m.network import Architecture
from stf2m.segments import View
from stf2m.tracks import Cue, Modality

FACE = Modality(
    "face",
    ("brows", "eyes", "mouth"),
    4,
    5,
    (Cue("smile", "0–1", (0, 1), "How much the mouth smiles."), Cue("jaw drop", "0–1", (0, 1), "How open it is.")),
    "1",
)
VOICE = Modality(
    "voice",
    ("low bands", "high bands"),
    3,
    6,
    (
        Cue("pitch", "Hz", (80, 300), "How high the voice is."),
        Cue("pitch variation", "semitones", (0, 6), "How much it moves."),
        Cue("loudness", "dB", (-60, -10), "How loud it is."),
    ),
    "1",
)
TEXT = Modality("text", ("words",), 2, 4, (Cue("word valence", "−1–1", (-1, 1), "How pleasant the words are."),), "1")
MODALITIES = (FACE, VOICE, TEXT)
SMALL = Architecture(streams=2, width=6, heads=2, classes=4, general=5, rules=9, factors=2, state=8, cell=6)


def view(modality: Modality, random: np.random.Generator, frames: int = 6, shift: float = 0.0) -> View:
    low = np.array([cue.typical[0] for cue in modality.cues])
    high = np.array([cue.typical[1] for cue in modality.cues])
    return View(
        modality.name,
        (random.normal(size=(frames, len(modality.sites), modality.channels)) + shift).astype(np.float32),
        (random.normal(size=(frames, modality.embedding)) + shift).astype(np.float32),
        np.ones(frames, bool),
        (low + (high - low) * np.clip(random.uniform(size=len(low)) + shift / 4, 0, 1)).astype(np.float32),
    )


def model(seed: int = 0, **switches: bool) -> STF2M:
    """An untrained model whose random weights are all in play."""
    torch.manual_seed(seed)
    sizes = {**vars(SMALL), **switches}
    made = STF2M(MODALITIES, Architecture(**sizes))
    low, high = (torch.tensor([cue.typical[end] for cue in made.variables]).float() for end in (0, 1))
    made.rules.bells.fit(low, (low + high) / 2, high)
    with torch.no_grad():
        for layer in (made.reader.film, made.reader.trust, made.cell.gates):
            layer.weight.normal_(std=0.1)
        made.attention.normal_()
        made.trust.zero_()
        for encoder in made.encoder.by_modality.values():
            encoder.get_buffer("discriminant").normal_()
        for encoder in made.encoder.by_modality.values():
            encoder.get_buffer("general").normal_()
    return made


def emotional(model: STF2M, per_emotion: int, emotions: int, seed: int = 0) -> tuple[Encoded, np.ndarray]:
    """Encoded segments of which each emotion is shifted another way, and their degrees (one each)."""
    random = np.random.default_rng(seed)
    views, labels = [], []
    for emotion in range(emotions):
        for _ in range(per_emotion):
            views.append(
                {each.name: view(each, random, 4, 1.5 * (emotion - (emotions - 1) / 2)) for each in MODALITIES}
            )
            labels.append(emotion)
    return model.encode(views), np.eye(emotions)[labels]


@pytest.fixture(scope="module")
def untrained() -> STF2M:
    return model()
