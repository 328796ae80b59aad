"""Words to numbers: sentences, their vectors, valence and rate, from every source of words."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile

from stf2m import media
from stf2m.tracks import Track
from stf2m.views import recognition, text
from stf2m.views.subtitles import SubtitleError
from tests.stf2m.sounds import RATE, noise, speech_like

SRT = (
    "1\n00:00:00,500 --> 00:00:02,000\nI love this wonderful day!\n\n"
    "2\n00:00:04,000 --> 00:00:05,500\nWhy is it not very good?\n"
)


@pytest.fixture
def silent(tmp_path: Path) -> tuple[Path, media.MediaInfo]:
    """Eight seconds of sound in which nobody speaks."""
    path = tmp_path / "noise.wav"
    soundfile.write(path, noise(8, rms=0.01), RATE)
    return path, media.probe(path)


@pytest.fixture
def with_subtitles(silent: tuple[Path, media.MediaInfo], tmp_path: Path) -> Track:
    subtitles = tmp_path / "words.srt"
    subtitles.write_text(SRT)
    return text.extract(*silent, subtitles=subtitles)


def at(track: Track, cue: str, time_s: float) -> float:
    return float(track.cue(cue)[round(time_s * 10)])


def test_subtitles_are_valid_where_words_are_near(with_subtitles: Track) -> None:
    assert with_subtitles.note == text.FROM_SUBTITLES
    assert len(with_subtitles) == 80
    assert not with_subtitles.valid[:1].any()
    assert with_subtitles.valid[1:25].all()
    assert not with_subtitles.valid[25:36].any()
    assert with_subtitles.valid[36:60].all()
    assert not with_subtitles.valid[60:].any()
    assert np.isnan(with_subtitles.cues[~with_subtitles.valid]).all()


def test_cues_say_what_the_words_say(with_subtitles: Track) -> None:
    good, bad = 1.0, 4.8
    assert at(with_subtitles, "sentence valence", good) > 0.7
    assert at(with_subtitles, "word valence", good) > 0.5
    assert at(with_subtitles, "sentence valence", bad) < 0
    assert at(with_subtitles, "word valence", bad) < 0
    assert at(with_subtitles, "charged words", good) == pytest.approx(2 / 5)
    assert at(with_subtitles, "self words", good) == pytest.approx(1 / 5)
    assert (at(with_subtitles, "exclamation", good), at(with_subtitles, "question", good)) == (1, 0)
    assert (at(with_subtitles, "exclamation", bad), at(with_subtitles, "question", bad)) == (0, 1)
    assert at(with_subtitles, "negation", bad) == pytest.approx(1 / 6)
    assert at(with_subtitles, "emphasis", bad) == pytest.approx(1 / 6)
    assert at(with_subtitles, "word rate", 1.2) == pytest.approx(5 / 2, abs=0.1)


def test_sentence_vectors_know_meaning() -> None:
    glad, happy, tax = (
        text.extract_sentence(each, 2.0).embedding[10]
        for each in ("I am so glad to see you.", "It makes me happy that you came.", "The tax form is due in April.")
    )
    glad, happy, tax = (each / np.linalg.norm(each) for each in (glad, happy, tax))
    assert glad @ happy > glad @ tax + 0.1


def test_a_typed_text_fills_the_speech_and_only_it(tmp_path: Path) -> None:
    path = tmp_path / "voice.wav"
    soundfile.write(path, np.concatenate([np.zeros(3 * RATE, np.float32), speech_like(3), np.zeros(3 * RATE)]), RATE)
    track = text.extract(path, media.probe(path), typed="This is terrible news. I am sad.")
    assert track.note == text.TYPED
    assert [word.text for word in track.words] == ["This", "is", "terrible", "news.", "I", "am", "sad."]
    assert 2.5 < track.words[0].start_s < 3.1
    assert 5.9 < track.words[-1].end_s < 6.5
    assert not track.valid[:20].any()
    assert not track.valid[70:].any()
    assert at(track, "sentence valence", 4.0) < -0.3


def test_a_typed_text_without_speech_is_spread_evenly(silent: tuple[Path, media.MediaInfo]) -> None:
    track = text.extract(*silent, typed="one two")
    assert (track.words[0].start_s, track.words[1].end_s) == (0, 8)
    assert track.valid.all()


def test_noise_does_not_become_words(silent: tuple[Path, media.MediaInfo]) -> None:
    track = text.extract(*silent, typed="  ")
    assert track.note == text.NO_WORDS
    assert not track.valid.any()
    assert track.words == ()


def test_another_language_gets_no_valence() -> None:
    german = text.extract_sentence(
        "Das ist die schönste Überraschung meines Lebens, und ich danke euch allen dafür.", 4
    )
    assert german.note.endswith(text.NOT_ENGLISH)
    assert german.valid.all()
    assert np.isnan(german.cue("sentence valence")).all()
    assert not np.isnan(german.cue("word rate")).any()
    assert np.linalg.norm(german.embedding[0]) > 1


def test_an_empty_sentence_is_absent() -> None:
    track = text.extract_sentence(" ", 1.5)
    assert len(track) == 15
    assert not track.valid.any()


def test_bad_subtitles_are_refused(silent: tuple[Path, media.MediaInfo], tmp_path: Path) -> None:
    (tmp_path / "bad.srt").write_bytes(b"\x00\x01")
    with pytest.raises(SubtitleError, match=r"bad\.srt"):
        text.extract(*silent, subtitles=tmp_path / "bad.srt")


def test_windows_hold_all_speech_and_are_cut_in_pauses() -> None:
    speech = np.ones(700, bool)
    speech[:20] = speech[620:] = False
    loudness = np.full(700, -20, np.float32)
    loudness[250:256] = np.nan
    loudness[480] = -50
    cut = recognition.windows(speech, loudness)
    assert cut == [(20, 250), (250, 480), (480, 620)]
    assert recognition.windows(np.zeros(50, bool), np.full(50, np.nan, np.float32)) == []


@pytest.mark.data
def test_real_speech_becomes_its_words(real_clips: dict[str, Path]) -> None:
    path = real_clips["public_speech_2.mp4"]
    track = text.extract(path, media.probe(path))
    said = " ".join(word.text for word in track.words)
    assert "national pride" in said
    assert "An informed patriotism is what we want." in said
    assert track.note == "Words recognised automatically (English)."
    starts = {word.text: word.start_s for word in track.words}
    assert starts["pride"] == pytest.approx(2.5, abs=0.4)
    assert starts["informed"] == pytest.approx(15.7, abs=0.4)
    assert all(a.end_s <= b.start_s for a, b in pairwise(track.words))
    assert all(word.end_s > word.start_s for word in track.words)


@pytest.mark.data
def test_a_silent_clip_says_why_it_has_no_words(real_clips: dict[str, Path]) -> None:
    path = real_clips["fear.mp4"]
    track = text.extract(path, media.probe(path))
    assert track.note == text.NO_SOUND
    assert not track.valid.any()


def test_the_packaged_recogniser_says_that_it_hears_english(silent: tuple[Path, media.MediaInfo]) -> None:
    nobody = np.zeros(80, bool)
    assert recognition.recognise(silent[0], nobody, np.full(80, np.nan, np.float32), language="de") == ([], "en")
