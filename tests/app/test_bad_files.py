"""Bad input is normal input: each file gets a sentence, and what is refused leaves the database as it was."""

import itertools
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

from app.demo import DEMOS
from app.ingest import ClipRefused, Upload
from app.studio import Studio
from stf2m.media import frames
from tests import media_files
from tests.media_files import Tone

STUDY = 1
Made = Callable[[Path], Path]


def _black(folder: Path) -> Path:
    black = [(index / 10, np.zeros((120, 160, 3), np.uint8)) for index in range(30)]
    return media_files.write(folder / "black.mp4", black)


def _text(folder: Path) -> Path:
    path = folder / "letter.mp4"
    path.write_text("Dear Sir or Madam, this is not a video.\n" * 50)
    return path


def _empty(folder: Path) -> Path:
    path = folder / "empty.mp4"
    path.touch()
    return path


def _hopeless(folder: Path) -> Path:
    return media_files.cut(media_files.write(folder / "whole.mp4", media_files.clock()), folder / "cut.mp4", 0.5)


def _no_face(folder: Path) -> Path:
    return media_files.write(folder / "wall.webm", media_files.clock(2.0))


def _tone_only(folder: Path) -> Path:
    return media_files.write(folder / "tone.mp4", tone=Tone(3.0))


def _one_frame(folder: Path) -> Path:
    return media_files.write(folder / "frame.mp4", [(0.0, media_files.clock_face(1.0))])


REFUSED: dict[str, tuple[Made, str]] = {
    "zero bytes": (_empty, "empty"),
    "text renamed": (_text, "not a video"),
    "truncated beyond use": (_hopeless, "cut off|damaged"),
    "black": (_black, "No face"),
    "no face": (_no_face, "No face"),
    "audio only, nobody speaks": (_tone_only, "no picture|nobody speaks|Nobody speaks"),
    "one frame without a face": (_one_frame, "No face"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_refused_in_one_sentence_and_the_database_is_as_it_was(studio: Studio, tmp_path: Path, what: str):
    make, reason = REFUSED[what]
    path = make(tmp_path)
    events, clips = studio.store.events(STUDY), studio.store.clips(STUDY)
    with pytest.raises(ClipRefused, match=reason) as refused:
        studio.ingest(STUDY, Upload(path, path.name))
    sentence = str(refused.value)
    assert path.name in sentence
    assert sentence.endswith(".")
    assert "\n" not in sentence
    assert str(tmp_path) not in sentence
    assert studio.store.events(STUDY) == events
    assert studio.store.clips(STUDY) == clips
    assert not list(studio.files.incoming.iterdir())


def _note(studio: Studio, path: Path) -> str:
    clip = studio.ingest(STUDY, Upload(path, path.name))
    assert studio.timeline(clip.id, studio.annotator("Ana").id)["suggestions"]
    return " ".join(clip.notes)


def test_a_file_cut_off_in_the_middle_is_analysed_as_far_as_it_goes(studio: Studio, tmp_path: Path):
    path = media_files.cut(media_files.write(tmp_path / "part.mkv", _pictures(5.0)), tmp_path / "broken.mkv", 0.6)
    note = _note(studio, path)
    assert "broken.mkv" in note
    assert "cut off" in note


def test_a_wrong_extension_is_said(studio: Studio, tmp_path: Path):
    path = media_files.write(tmp_path / "holiday.mp4", _pictures(2.0)).rename(tmp_path / "holiday.avi")
    assert "holiday.avi" in _note(studio, path)


def test_a_phone_video_on_its_side_is_analysed_upright_and_says_so(studio: Studio, tmp_path: Path):
    sideways = [(at, np.ascontiguousarray(np.rot90(picture))) for at, picture in _pictures(2.0)]
    path = media_files.write(tmp_path / "phone.mp4", sideways, rotation=-90)
    clip = studio.ingest(STUDY, Upload(path, path.name))
    assert any("phone.mp4" in note and "upright" in note for note in clip.notes)
    assert studio.reasons.explain(clip.id, 0.0, 1.5)["present"] == ["face"]


def test_a_third_of_a_second_is_enough_for_a_face_and_said_to_be_short(studio: Studio, tmp_path: Path):
    path = media_files.write(tmp_path / "blink.mp4", _pictures(0.3))
    clip = studio.ingest(STUDY, Upload(path, path.name))
    assert any("blink.mp4" in note for note in clip.notes)
    assert len(studio.timeline(clip.id, studio.annotator("Ana").id)["suggestions"]) == 1


def test_an_audio_file_with_a_voice_is_analysed_by_voice_and_words(studio: Studio, tmp_path: Path):
    path = _sound_of(DEMOS[0].path, tmp_path / "interview.m4a")
    clip = studio.ingest(STUDY, Upload(path, path.name))
    assert not clip.has_video
    assert "face" not in studio.reasons.explain(clip.id, 1.0, 3.0)["present"]
    assert any("no picture" in note for note in clip.notes)


def _pictures(seconds: float) -> list[media_files.Timed]:
    return list(itertools.takewhile(lambda each: each[0] < seconds, frames(DEMOS[-1].path)))


def _sound_of(source: Path, target: Path, until_s: float = 8.0) -> Path:
    """The beginning of the sound of a clip, the same packets."""
    with av.open(str(source)) as container, av.open(str(target), "w", format="mp4") as out:
        copy = out.add_stream_from_template(container.streams.audio[0])
        for packet in container.demux(audio=0):
            if packet.dts is not None and packet.dts * packet.time_base < until_s:
                packet.stream = copy
                out.mux(packet)
    return target
