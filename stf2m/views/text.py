"""The words of a clip: what is said when, what the sentence means, and how the words are coloured.

Words come from subtitles, else from a typed text, else from speech recognition. Sentences become vectors by layers of
MiniLM, and by what it learned of their :mod:`tone <stf2m.views.tone>`; the numbers of words come from an English
lexicon and are unknown (NaN) for text that does not look English.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from stf2m import media, weights
from stf2m.threads import one_thread
from stf2m.tracks import RATE_HZ, Cue, FloatArray, Modality, Track, Word, absent
from stf2m.views import lexicon, recognition, tone, voice
from stf2m.views.subtitles import SubtitleError, read, spread
from stf2m.weights import Progress

if TYPE_CHECKING:
    # Not from the package itself, for which a type checker reads all models that there are.
    from transformers.modeling_utils import PreTrainedModel
    from transformers.tokenization_utils_base import BatchEncoding, PreTrainedTokenizerBase

__all__ = ["MODALITY", "SubtitleError", "extract", "extract_sentence"]

#: The layers of MiniLM whose mean over a sentence's tokens is kept, of 6 with 384 numbers each. The last knows what a
#: sentence is about; the middle and first ones tell more of its tone.
LAYERS, WIDTH = (1, 4, 6), 384

MODALITY = Modality(
    name="text",
    sites=("words", "sentence"),
    channels=5,
    embedding=len(LAYERS) * WIDTH + tone.SIZE,
    learned=tone.SIZE,
    cues=(
        Cue("word valence", "−1 to 1", (-0.6, 0.6), "How pleasant the charged words just said are."),
        Cue("sentence valence", "−1 to 1", (-1, 1), "How pleasant the whole sentence is, negations understood."),
        Cue("charged words", "0–1", (0, 0.5), "How many of the words of the sentence carry a feeling."),
        Cue("word rate", "words/s", (0.5, 5), "How many words are said each second."),
        Cue("emphasis", "0–1", (0, 0.3), "How many words strengthen others: very, really, so."),
        Cue("negation", "0–1", (0, 0.3), "How many words deny: not, never, no."),
        Cue("self words", "0–1", (0, 0.3), "How many words speak of the speaker: I, me, my."),
        Cue("question", "0–1", (0, 1), "Whether the sentence is a question."),
        Cue("exclamation", "0–1", (0, 1), "Whether the sentence is exclaimed."),
    ),
    version="3",
)

NO_WORDS = "No words: nobody speaks in this clip."
NO_SOUND = "No words: this clip has no sound."
NOT_UNDERSTOOD = "No words: speech is heard, but none of it could be recognised."
FROM_SUBTITLES = "Words from subtitles."
TYPED = "Words typed in; their times are estimated."
RECOGNISED = "Words recognised automatically ({language})."
NOT_ENGLISH = " They do not look English, so their valence is not measured."

_NEAR_S = 1.5
_RATE_WINDOW_S = 1.0
_PAUSE_S = 0.8  # longer ones end a sentence; words are there half of it before and after
_MOST_WORDS = 40
_SHORT_FORMS = frozenset({"mr.", "mrs.", "ms.", "dr.", "st.", "prof.", "vs.", "e.g.", "i.e."})
_LANGUAGES = {"en": "English", "de": "German", "fr": "French", "es": "Spanish", "it": "Italian", "pt": "Portuguese"}


@dataclass(frozen=True, eq=False)
class _Sentence:
    """Consecutive words that belong together, and their numbers (None: not English, not measured)."""

    words: tuple[Word, ...]
    said: lexicon.Said | None

    @property
    def start_s(self) -> float:
        return self.words[0].start_s

    @property
    def end_s(self) -> float:
        return self.words[-1].end_s

    @property
    def text(self) -> str:
        return " ".join(word.text for word in self.words)


def extract(
    path: Path,
    info: media.MediaInfo,
    progress: Progress | None = None,
    subtitles: Path | None = None,
    typed: str | None = None,
    whisper_folder: Path | None = None,
    language: str = "en",
) -> Track:
    """The text track of a clip: from ``subtitles``, else from what was ``typed`` for it, else by speech recognition.

    ``whisper_folder`` holds another Whisper in CTranslate2's layout (default: the packaged English one), ``language``
    is the language to recognise, as Whisper names it. Raises :class:`SubtitleError`, and
    :class:`stf2m.weights.WeightsUnavailableError` when the weights can be had nowhere.
    """
    frames = int(np.ceil(info.duration_s * RATE_HZ - 1e-6))
    if subtitles:
        return _track(read(subtitles, info.duration_s), frames, FROM_SUBTITLES, pauses=True)
    if typed and typed.strip():
        speech, _ = voice.activity(path, info)
        stretches = recognition.stretches(speech) or [(0.0, info.duration_s)]
        return _track(spread(typed.split(), stretches), frames, TYPED, pauses=False)
    if not info.has_sound:
        return absent(MODALITY, frames, NO_SOUND)
    speech, loudness = voice.activity(path, info)
    if speech.sum() < voice.LEAST_VOICE_S * RATE_HZ:
        return absent(MODALITY, frames, NO_WORDS)
    words, language = recognition.recognise(path, speech, loudness, whisper_folder, language, progress)
    if not words:
        return absent(MODALITY, frames, NOT_UNDERSTOOD)
    note = RECOGNISED.format(language=_LANGUAGES.get(language, language))
    return _track(words, frames, note, pauses=True)


def extract_sentence(text: str, duration_s: float) -> Track:
    """The text track of an utterance whose words fill ``duration_s`` seconds evenly; absent when it holds no word.

    Raises :class:`stf2m.weights.WeightsUnavailableError`.
    """
    frames = max(int(np.ceil(duration_s * RATE_HZ - 1e-6)), 1)
    if not text.split():
        return absent(MODALITY, frames, NO_WORDS)
    return _track(spread(text.split(), [(0.0, duration_s)]), frames, "", pauses=False)


def _track(words: Sequence[Word], frames: int, note: str, *, pauses: bool) -> Track:
    english = lexicon.looks_english([word.text for word in words])
    sentences = [
        _Sentence(part, lexicon.read_sentence([word.text for word in part]) if english else None)
        for part in _sentences(words, pauses=pauses)
    ]
    vectors = _vectors([sentence.text for sentence in sentences])
    near = _nearest(sentences, frames)
    valid = near >= 0
    cues = np.full((frames, len(MODALITY.cues)), np.nan, np.float32)
    values = np.zeros((frames, len(MODALITY.sites), MODALITY.channels), np.float32)
    measured = _Words(sentences)
    for frame in np.flatnonzero(valid).tolist():
        cues[frame], values[frame] = measured.at(frame / RATE_HZ, sentences[near[frame]], frames / RATE_HZ)
    return Track(
        modality=MODALITY,
        values=values,
        embedding=np.where(valid[:, None], vectors[near], 0).astype(np.float32),
        cues=cues,
        valid=valid,
        words=tuple(words),
        note=note if english else note + NOT_ENGLISH,
    )


class _Words:
    """All words of a clip with their numbers, asked for what is said around a moment."""

    def __init__(self, sentences: Sequence[_Sentence]) -> None:
        rows = [
            (word.start_s, word.end_s, *numbers)
            for sentence in sentences
            for word, *numbers in zip(sentence.words, *_per_word(sentence), strict=True)
        ]
        table = np.array(rows, np.float64)
        self._start, self._end = table[:, 0], np.maximum(table[:, 1], table[:, 0] + 0.01)
        self._numbers = table[:, 2:]

    def at(self, time_s: float, sentence: _Sentence, duration_s: float) -> tuple[FloatArray, FloatArray]:
        """The cues ``(Q,)`` and the values ``(2, C)`` of a moment in a sentence."""
        near = (self._start < time_s + _NEAR_S) & (self._end > time_s - _NEAR_S)
        valence, emphatic, negating, own = self._numbers[near].T
        charged = valence[valence != 0]
        word_valence = float(charged.mean()) if len(charged) else 0.0
        rate = self._rate(time_s, duration_s)
        said = sentence.said
        if said is None:
            return np.array([*[np.nan] * 3, rate, *[np.nan] * 5], np.float32), np.zeros((2, 5), np.float32)
        charge = np.mean([each != 0 for each in said.valences])
        shares = [float(np.mean(each)) for each in (said.emphatic, said.negating, said.own)]
        cues = [word_valence, said.valence, charge, rate, *shares, said.question, said.exclamation]
        words = [word_valence, float(np.abs(valence).mean()), emphatic.mean(), negating.mean(), own.mean()]
        whole = [said.valence, charge, rate / 5, said.question, said.exclamation]
        return np.array(cues, np.float32), np.array([words, whole], np.float32)

    def _rate(self, time_s: float, duration_s: float) -> float:
        """Words a second within a second around, a word that reaches out of it counted in part."""
        first, last = max(time_s - _RATE_WINDOW_S, 0.0), min(time_s + _RATE_WINDOW_S, duration_s)
        inside = np.clip(np.minimum(self._end, last) - np.maximum(self._start, first), 0, None)
        return float((inside / (self._end - self._start)).sum() / max(last - first, 0.1))


def _per_word(sentence: _Sentence) -> tuple[Sequence[float], ...]:
    if sentence.said is None:
        return ((np.nan,) * len(sentence.words),) * 4
    return sentence.said.valences, sentence.said.emphatic, sentence.said.negating, sentence.said.own


def _sentences(words: Sequence[Word], *, pauses: bool) -> list[tuple[Word, ...]]:
    """Split words after . ! ? … and, where their times are real, at pauses of 0.8 s; never more than 40 words."""
    found: list[tuple[Word, ...]] = []
    current: list[Word] = []
    for word in words:
        if current and (len(current) == _MOST_WORDS or (pauses and word.start_s - current[-1].end_s > _PAUSE_S)):
            found.append(tuple(current))
            current = []
        current.append(word)
        if word.text.rstrip("\"'”’)]")[-1:] in set(".!?…。！？") and word.text.lower() not in _SHORT_FORMS:
            found.append(tuple(current))
            current = []
    return [*found, tuple(current)] if current else found


def _nearest(sentences: Sequence[_Sentence], frames: int) -> NDArray[np.intp]:
    """For each frame the sentence of the nearest word within 0.4 s, −1 where there is none, ``(T,)``."""
    near, distance = np.full(frames, -1, np.intp), np.full(frames, _PAUSE_S / 2 + 1e-6)
    for place, sentence in enumerate(sentences):
        for word in sentence.words:
            first = max(math.ceil((word.start_s - _PAUSE_S / 2) * RATE_HZ - 1e-6), 0)
            times = np.arange(
                first, max(min(math.floor((word.end_s + _PAUSE_S / 2) * RATE_HZ + 1e-6) + 1, frames), first)
            )
            away = np.maximum(np.maximum(word.start_s - times / RATE_HZ, times / RATE_HZ - word.end_s), 0)
            closer = times[away < distance[times]]
            near[closer], distance[closer] = place, away[away < distance[times]]
    return near


def _vectors(texts: Sequence[str]) -> FloatArray:
    """The sentence vectors, ``(n, LAYERS · WIDTH + tone.SIZE)``: each layer's mean over the tokens of the sentence, and
    its tone.
    """
    with _encoding:
        tokens, model = sentence_model()
        parts = [texts[start : start + _BATCH] for start in range(0, len(texts), _BATCH)]
        found = [_read(model, tokenised(tokens, part)) for part in parts]
    return np.concatenate(found).astype(np.float32)


@one_thread()
@torch.inference_mode()
def _read(model: "PreTrainedModel", read: "BatchEncoding") -> FloatArray:
    layers = model(**read, output_hidden_states=True).hidden_states
    mask = read["attention_mask"][:, :, None].float()
    means = [(layers[layer] * mask).sum(dim=1) / mask.sum(dim=1) for layer in LAYERS]
    return torch.cat([*means, tone.shipped(model)(read)], dim=1).numpy()


_encoding = Lock()
_BATCH, _MOST_TOKENS = 32, 128


def tokenised(tokens: "PreTrainedTokenizerBase", texts: Sequence[str]) -> "BatchEncoding":
    """Sentences as MiniLM reads them, padded to the longest of them, long ones cut."""
    return tokens(list(texts), padding=True, truncation=True, max_length=_MOST_TOKENS, return_tensors="pt")


def sentence_model() -> "tuple[PreTrainedTokenizerBase, PreTrainedModel]":
    """MiniLM and what cuts text into its tokens. Raises :class:`stf2m.weights.WeightsUnavailableError`."""
    return _model(weights.find(weights.SENTENCES))


@lru_cache(maxsize=1)
def _model(folder: Path) -> "tuple[PreTrainedTokenizerBase, PreTrainedModel]":
    from transformers.models.auto.modeling_auto import AutoModel
    from transformers.models.auto.tokenization_auto import AutoTokenizer
    from transformers.utils import logging

    logging.disable_progress_bar()
    tokens = AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
    return tokens, AutoModel.from_pretrained(str(folder), local_files_only=True).eval()
