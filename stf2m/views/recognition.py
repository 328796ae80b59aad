"""Words from sound: Whisper reads the stretches in which somebody speaks, a window of at most 28 s at a time."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from stf2m import media
from stf2m.tracks import RATE_HZ, BoolArray, FloatArray, Word
from stf2m.views import whisper
from stf2m.views.pitch import SOUND_HZ
from stf2m.weights import Progress

_WINDOW_S = 28.0
_LOOK_BACK_S = 10.0
_JOIN_S = 2.0
_LEAST_LOGPROB = -1.0
_LEAST_WORD_PROBABILITY = 0.05
_MOST_NO_SPEECH = 0.6
_MOST_REPETITION = 2.4
_SHORTEST_S = 0.06


def recognise(
    path: Path,
    speech: BoolArray,
    loudness_db: FloatArray,
    folder: Path | None = None,
    language: str = "en",
    progress: Progress | None = None,
) -> tuple[list[Word], str]:
    """The words of a clip with their times, and the language they were heard in.

    ``speech`` ``(T,)`` says when somebody speaks and ``loudness_db`` ``(T,)`` how loud (NaN in pauses); nothing is
    looked for elsewhere, so that silence and noise do not become words. The result is the same every time.
    Raises :class:`stf2m.weights.WeightsUnavailableError`.
    """
    model = whisper.load(folder, progress)
    language = whisper.language_of(model, language)
    words: list[Word] = []
    for start_s, samples in _cut_out(path, windows(speech, loudness_db)):
        segments, _ = model.transcribe(
            samples,
            language=language,
            beam_size=5,
            temperature=0.0,
            condition_on_previous_text=False,
            word_timestamps=True,
            vad_filter=False,
        )
        for segment in segments:
            unsure = segment.avg_logprob < _LEAST_LOGPROB
            silent = segment.no_speech_prob > _MOST_NO_SPEECH and segment.avg_logprob < _LEAST_LOGPROB / 2
            if unsure or silent or segment.compression_ratio > _MOST_REPETITION:
                continue
            for word in segment.words or ():
                said = Word(word.word.strip(), round(start_s + word.start, 2), round(start_s + word.end, 2))
                if said.text and word.probability >= _LEAST_WORD_PROBABILITY and _is_heard(said, speech):
                    words.append(said)
        if progress:
            progress(min((start_s + len(samples) / SOUND_HZ) * RATE_HZ / max(len(speech), 1), 1.0), "Reading the words")
    return _with_length(words), language


def windows(speech: BoolArray, loudness_db: FloatArray) -> list[tuple[int, int]]:
    """Stretches of track frames (first, one past the last) that hold all speech, each at most 28 s long.

    Pauses shorter than 2 s stay inside; what is longer than 28 s is cut in a pause or where it is least loud.
    """
    longest, look_back = round(_WINDOW_S * RATE_HZ), round(_LOOK_BACK_S * RATE_HZ)
    quietness = np.nan_to_num(loudness_db, nan=-np.inf)
    found: list[tuple[int, int]] = []
    for first, end in _runs(speech):
        if found and first - found[-1][1] < _JOIN_S * RATE_HZ:
            first = found.pop()[0]
        while end - first > longest:
            earliest = first + longest - look_back
            cut = earliest + int(np.argmin(quietness[earliest : first + longest]))
            found.append((first, cut))
            first = cut
        found.append((first, end))
    return found


def stretches(speech: BoolArray) -> list[tuple[float, float]]:
    """When somebody speaks, as (start, end) in seconds."""
    return [(first / RATE_HZ, end / RATE_HZ) for first, end in _runs(speech)]


def _runs(mask: BoolArray) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return [(int(first), int(end)) for first, end in edges.reshape(-1, 2)]


def _cut_out(path: Path, stretches: list[tuple[int, int]]) -> Iterator[tuple[float, FloatArray]]:
    """The sound of each stretch with its start in seconds, read in one pass over the file."""
    per_frame = round(SOUND_HZ / RATE_HZ)
    waiting = list(stretches)
    held, origin = np.zeros(0, np.float32), 0
    for _, chunk in media.sound(path, SOUND_HZ):
        held = np.concatenate([held, chunk])
        while waiting and origin + len(held) >= waiting[0][1] * per_frame:
            first, end = waiting.pop(0)
            yield first / RATE_HZ, held[first * per_frame - origin : end * per_frame - origin]
        if not waiting:
            return
        drop = min(max(waiting[0][0] * per_frame - origin, 0), len(held))
        held, origin = held[drop:], origin + drop
    if waiting and len(held):
        yield waiting[0][0] / RATE_HZ, held[max(waiting[0][0] * per_frame - origin, 0) :]


def _is_heard(word: Word, speech: BoolArray) -> bool:
    first = round(word.start_s * RATE_HZ)
    return bool(speech[max(first - 1, 0) : round(word.end_s * RATE_HZ) + 2].any())


def _with_length(words: list[Word]) -> list[Word]:
    """Words in order without overlaps; one that the aligner gave no time takes half of the word before it."""
    timed: list[Word] = []
    for word in words:
        start = max(word.start_s, timed[-1].end_s) if timed else word.start_s
        end = max(word.end_s, start)
        if end - start < _SHORTEST_S and timed and start - timed[-1].end_s < _SHORTEST_S:
            before = timed.pop()
            start = (before.start_s + before.end_s) / 2
            timed.append(Word(before.text, before.start_s, round(start, 2)))
        timed.append(Word(word.text, round(start, 2), round(max(end, start + _SHORTEST_S), 2)))
    return timed
