"""Real tracks of demo clips go out of a studio as a bundle, and the library evaluates methods on them."""

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from app import bundle
from app.jobs import PlainError
from app.studio import Studio
from stf2m.__main__ import app as command_line
from stf2m.datasets import DatasetError, load, read, reader


def labelled(studio: Studio) -> int:
    """The prepared study with eight short labels of two emotions on the first clip, and one of somebody else."""
    (study,) = studio.studies()
    clip = studio.store.clips(study.id)[0]
    ana, bob = studio.annotator("Ana"), studio.annotator("Bob")
    for number in range(8):
        degrees = {"happy": 0.75, "sad": 0.25} if number % 2 else {"angry": 1.0}
        studio.store.annotate(clip.id, ana.id, number * 0.8, number * 0.8 + 0.7, degrees)
    studio.store.annotate(clip.id, bob.id, 0, 1, {"sad": 1.0})
    return study.id


@pytest.fixture
def packed(studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("STF2M_HOME", str(tmp_path / "cache"))
    file = tmp_path / "bundle.zip"
    found = bundle.write(studio.store, labelled(studio), studio.predictions.tracks, file)
    assert (found.labels, found.clips, found.left_out) == (9, 1, ())
    return file


def test_a_bundle_has_labels_and_tracks_and_no_picture_and_no_sound(studio: Studio, packed: Path):
    clip = studio.store.clips(1)[0]
    names = zipfile.ZipFile(packed).namelist()
    assert set(names) == {
        "annotations.json",
        *(f"tracks/{clip.sha256}/{name}.npz" for name in ("face", "voice", "text")),
    }
    with zipfile.ZipFile(packed).open(f"tracks/{clip.sha256}/face.npz") as file:
        assert not any(name.startswith("detail") for name in np.load(file).files)


def test_each_label_of_the_one_who_counts_is_an_item_with_its_stretch_of_the_tracks(studio: Studio, packed: Path):
    clip = studio.store.clips(1)[0]
    assert reader(packed) == "bundle"
    items = read(packed)
    assert [item.about["annotator"] for item in items] == ["Ana"] * 8
    assert {item.speaker for item in items} == {clip.name}
    assert items[1].degrees == {"happy": 0.75, "sad": 0.25}
    dataset = load("auto", packed, workers=1)
    whole = studio.tracks(clip.id)
    for name, track in dataset.tracks(3).items():
        frames = whole[name].frames_between(2.4, 3.1)
        assert len(track) == 7
        assert np.array_equal(track.valid, whole[name].valid[frames])
        assert np.allclose(track.cues, whole[name].cues[frames], equal_nan=True)
        assert np.allclose(track.embedding, whole[name].embedding[frames], atol=1e-2, rtol=1e-2)


def test_evaluate_runs_on_a_bundle(packed: Path, tmp_path: Path):
    out = tmp_path / "result.json"
    command = f"evaluate {packed} --method prototype --ways 2 --shots 1 --protocol personal --episodes 5 --json {out}"
    command_line(command.split(), standalone_mode=False)
    assert 0 <= json.loads(out.read_text())["accuracy"] <= 1


def test_what_cannot_be_bundled_or_read_is_said_in_a_sentence(studio: Studio, tmp_path: Path, monkeypatch):
    monkeypatch.setenv("STF2M_HOME", str(tmp_path / "cache"))
    with pytest.raises(PlainError, match="There is nothing to bundle: no clip that has been analysed has labels"):
        bundle.write(studio.store, 1, studio.predictions.tracks, tmp_path / "x.zip")
    assert not (tmp_path / "x.zip").exists()
    for files, sentence in (
        ({"../x": b""}, "is no bundle of the studio: '../x' is in it"),
        ({"annotations.json": b"{}"}, "it has no labels or no tracks"),
        ({"annotations.json": b"{}", f"tracks/{'a' * 64}/face.npz": b""}, "does not hold the labels of a bundle"),
    ):
        with zipfile.ZipFile(tmp_path / "bad.zip", "w") as archive:
            for name, content in files.items():
                archive.writestr(name, content)
        with pytest.raises(DatasetError, match=sentence):
            read(tmp_path / "bad.zip")
    (tmp_path / "bad.zip").write_bytes(b"PK\3\4 nothing")
    with pytest.raises(DatasetError, match="cannot be unpacked: it is damaged or no ZIP file"):
        read(tmp_path / "bad.zip")
