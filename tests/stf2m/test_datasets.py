import csv
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stf2m.datasets import DatasetError, Item, Selection, cache_folder, examples, load, read, reader
from stf2m.datasets.extraction import extract, modality_of
from stf2m.datasets.selection import in_words, of_few_emotions
from stf2m.vocabulary import EMOTIONS

VOICES = ("03-01-03-02-01-01-15.flac", "03-01-05-02-02-01-16.flac", "03-01-04-01-01-02-17.flac")


def touch(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def table(root: Path, text: str) -> Path:
    (root / "labels.csv").write_text(text, encoding="utf-8")
    return root


@pytest.fixture
def voices(data_dir: Path, tmp_path: Path) -> Path:
    """Three real recordings of three actors, in a folder of their own."""
    folder = tmp_path / "voices"
    for name in VOICES:
        (folder / "audio").mkdir(parents=True, exist_ok=True)
        shutil.copy(data_dir / "ravdess_speech" / "audio" / name, folder / "audio" / name)
    return folder


def test_ravdess_names_tell_everything_and_the_richest_modality_is_kept(tmp_path):
    root = touch(
        tmp_path,
        "Actor_12/03-01-06-01-02-01-12.wav",
        "Actor_12/01-01-06-01-02-01-12.mp4",
        "Actor_12/02-01-06-01-02-01-12.mp4",
        "Actor_01/03-01-08-02-01-02-01.wav",
        "Actor_01/03-02-08-02-01-02-01.wav",
        "Actor_01/notes.txt",
    )
    found = {item.name: item for item in read(root)}
    assert reader(root) == "ravdess"
    assert found.keys() == {"Actor_12/01-01-06-01-02-01-12.mp4", "Actor_01/03-01-08-02-01-02-01.wav"}
    video, sound = (found[name] for name in sorted(found, reverse=True))
    assert (video.speaker, video.emotion, video.kind) == ("12", "fearful", "video")
    assert (sound.speaker, sound.emotion, sound.kind) == ("1", "surprised", "sound")
    assert video.text == "Dogs are sitting by the door"


def test_emodb_and_cremad_names(tmp_path):
    german = read(touch(tmp_path / "emodb", "wav/03a01Fa.wav", "wav/16b10Lb.wav"))
    assert [(item.speaker, item.emotion) for item in german] == [("03", "happy"), ("16", "bored")]
    american = read(touch(tmp_path / "crema", "AudioWAV/1001_IEO_ANG_HI.wav", "VideoFlash/1001_IEO_ANG_HI.flv"))
    assert [(item.speaker, item.emotion, item.kind) for item in american] == [("1001", "angry", "video")]


def test_frames_of_a_ck_sequence_are_one_item_with_and_without_the_table(tmp_path):
    names = [f"anger/S010_004_000000{frame}.png" for frame in (17, 18, 19)] + ["fear/S010_006_00000015.png"]
    root = touch(tmp_path, *names)
    by_names = read(root)
    rows = "".join(f"{name},S010,{name.split('/')[0]},{name.split('_')[1]},17\n" for name in names)
    by_table = read(table(root, "file,speaker,emotion,sequence,frame\n" + rows))
    for items in (by_names, by_table):
        assert [(item.emotion, len(item.files)) for item in items] == [("angry", 3), ("fearful", 1)]
        assert [file.name for file in items[0].files] == [Path(name).name for name in names[:3]]


def test_meld_pairs_its_videos_by_split_and_mends_impossible_times(tmp_path):
    header = "Sr No.,Utterance,Speaker,Emotion,Sentiment,Dialogue_ID,Utterance_ID,Season,Episode,StartTime,EndTime\n"
    times = '"00:20:57,256","00:21:00,056"', '"00:21:02,000","00:20:00,000"'
    for split, time in zip(("dev", "train"), times, strict=True):
        (tmp_path / f"{split}_sent_emo.csv").write_text(header + f"1,Hi!,Ross,joy,positive,0,7,1,1,{time}\n")
    touch(tmp_path, "train_splits/dia0_utt7.mp4")
    dev, train = read(tmp_path)
    assert (dev.kind, dev.split, dev.emotion, round(dev.duration_s, 3)) == ("text", "dev", "happy", 2.8)
    assert (train.kind, train.split, train.duration_s, train.files[0].name) == ("video", "train", 3.0, "dia0_utt7.mp4")


def test_a_table_of_sentences_needs_no_files(tmp_path):
    rows = "file,speaker,emotion,text,seconds\n,Ana,joy,What a day!,1.5\n,Ben,,unlabelled,1\n"
    [item] = read(table(tmp_path, rows))
    assert (item.kind, item.emotion, item.text, item.duration_s) == ("text", "happy", "What a day!", 1.5)


def test_a_table_may_give_degrees_of_several_emotions(tmp_path):
    (tmp_path / "one").mkdir()
    (tmp_path / "each").mkdir()
    one = read(table(tmp_path / "one", "text,speaker,emotion\nA,1,joy:0.6; sad :0.4\nB,1,resigned\nC,1,sad:0\nD,1,\n"))
    each = read(table(tmp_path / "each", "text,speaker,take,joy,sadness\nA,1,2,0.6,0.4\nB,1,1,,1\nC,1,1,0,\n"))
    assert [(item.text, item.emotion, item.degrees) for item in one] == [
        ("A", "happy", {"happy": 0.6, "sad": 0.4}), ("B", "resigned", {"resigned": 1.0})
    ]  # fmt: skip
    assert [(item.text, item.emotion, item.degrees) for item in each] == [
        ("A", "happy", {"happy": 0.6, "sad": 0.4}), ("B", "sad", {"sad": 1.0})
    ]  # fmt: skip
    assert each[0].about["take"] == "2"


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("text,speaker,emotion\nHi,1,happy:1.5\n", "says 'happy:1.5' where degrees"),
        ("text,speaker,emotion\nHi,1,happy:0.5;sad\n", "says 'happy:0.5;sad' where degrees"),
        ("text,speaker,emotion\nHi,1,joy:0.5;happy:0.5\n", "where degrees from 0 to 1"),
        ("text,speaker,happy\nHi,1,much\n", "says 'happy:much' where degrees"),
        ("text,speaker,take\nHi,1,much\n", "needs the columns"),
        ("file,who,emotion\na.wav,1,sad\n", "needs the columns"),
        ("file,speaker,emotion\na.wav,1,sad\n", "a.wav, which is not there"),
        ("file,speaker,emotion\na.txt,1,sad\n", "a.txt, which is no sound"),
        ("file,speaker,emotion\n", "nothing labelled"),
    ],
)
def test_a_bad_table_is_told_in_one_sentence(tmp_path, rows, said):
    with pytest.raises(DatasetError, match=said):
        load("auto", table(tmp_path, rows))


def test_folders_that_are_no_data_set_are_refused(tmp_path):
    with pytest.raises(DatasetError, match="is not a folder"):
        read(tmp_path / "absent")
    with pytest.raises(DatasetError, match=r"no labels\.csv"):
        read(tmp_path)


def test_selections_by_speaker_split_and_emotion(tmp_path):
    rows = [(f"{speaker}", emotion, split) for speaker in (*range(1, 12), "Ana") for emotion, split in
            (("anger", "train"), ("joy", "dev"))]  # fmt: skip
    with (tmp_path / "labels.csv").open("w") as file:
        csv.writer(file).writerows([("text", "speaker", "emotion", "split"), *(("Hi", *row) for row in rows)])
    items = read(tmp_path)
    assert {item.speaker for item in Selection("9-11,Ana").of(items)} == {"9", "10", "11", "Ana"}
    assert {item.speaker for item in Selection("2-11").others(items)} == {"1", "Ana"}
    assert Counter(item.emotion for item in Selection(split="dev", emotions=("happiness",)).of(items)) == {"happy": 12}
    assert {item.split for item in Selection(split="dev").others(items)} == {"train"}
    assert Selection().others(items) == []
    assert in_words(("1", "2", "3", "7", "9", "10", "Ana")) == "1–3, 7, 9–10, Ana"
    for selection, said in ((Selection("12"), "no speaker 12"), (Selection(split="x"), "no split"),
                            (Selection(emotions=("bored",)), "Nobody is bored")):  # fmt: skip
        with pytest.raises(DatasetError, match=said):
            selection.of(items)


people = st.lists(st.tuples(st.sampled_from("ABCDEFGH"), st.sampled_from(EMOTIONS)), min_size=1, max_size=60)


@given(people, st.integers(1, 3), st.integers(0, 9))
def test_every_speaker_keeps_a_few_emotions_and_all_of_their_items(told, each, seed):
    items = [Item(f"{number}", "text", who, emotion) for number, (who, emotion) in enumerate([*told, ("", "sad")])]
    kept = Selection(emotions_per_speaker=each, seed=seed).of(items)
    assert kept == Selection(emotions_per_speaker=each, seed=seed).of(items)
    assert kept[-1].speaker == ""
    for who in {who for who, _ in told}:
        pool, left = ({item.emotion for item in some if item.speaker == who} for some in (items, kept))
        assert len(left) == min(each, len(pool))
        assert [item for item in items if item.speaker == who and item.emotion in left] == [
            item for item in kept if item.speaker == who
        ]


@given(st.integers(2, 30), st.integers(0, 9))
def test_kept_emotions_are_spread_so_that_each_has_two_speakers(speakers, seed):
    items = [Item(f"{who} {name}", "text", f"{who}", name) for who in range(speakers) for name in EMOTIONS]
    counts = Counter(item.emotion for item in of_few_emotions(items, 1, seed)).values()
    assert min(counts) >= 2
    assert max(counts) - min(counts) <= 1
    assert len(counts) == min(speakers // 2, len(EMOTIONS))


@pytest.mark.data
@pytest.mark.parametrize(
    ("folder", "items", "people", "emotions"),
    [("ravdess_speech", 1064, 18, 8), ("emodb", 535, 10, 7), ("ck48", 327, 118, 7), ("fer2013", 7636, 0, 7),
     ("meld_text", 11098, 274, 7)],
)  # fmt: skip
def test_the_data_sets_are_read_whole(data_dir, folder, items, people, emotions):
    found = read(data_dir / folder)
    assert len(found) == len({item.name for item in found}) == items
    assert len({item.speaker for item in found} - {""}) == people
    assert len({item.emotion for item in found}) == emotions


@pytest.mark.data
def test_tracks_come_back_from_the_cache_as_they_were_extracted(voices, tmp_path):
    before = sorted(path for path in voices.rglob("*"))
    cache = tmp_path / "cache"
    first = load("auto", voices, cache=cache)
    [packed] = cache.rglob("*.npz")
    written = packed.stat().st_mtime_ns
    again = load("ravdess", voices, cache=cache)
    assert packed.stat().st_mtime_ns == written
    assert sorted(path for path in voices.rglob("*")) == before
    for index, item in enumerate(again.items):
        direct, kept = extract(item, "voice"), again.tracks(index)["voice"]
        np.testing.assert_allclose(kept.values, direct.values, atol=1e-2)
        np.testing.assert_allclose(kept.embedding, direct.embedding, rtol=2e-3, atol=1e-3)
        np.testing.assert_array_equal(kept.cues, direct.cues)
        np.testing.assert_array_equal(kept.valid, direct.valid)
        np.testing.assert_array_equal(first.tracks(index)["voice"].values, kept.values)


@pytest.mark.data
def test_a_run_that_stopped_goes_on_and_a_changed_file_is_read_again(voices, tmp_path):
    cache = tmp_path / "cache"
    only = load("auto", voices, keep=lambda item: item.speaker != "17", cache=cache)
    whole = load("auto", voices, cache=cache)
    kept = {item.speaker: whole.tracks(index)["voice"] for index, item in enumerate(whole.items)}
    assert len(list(cache.rglob("*.npz"))) == 1
    for index, item in enumerate(only.items):
        np.testing.assert_array_equal(only.tracks(index)["voice"].embedding, kept[item.speaker].embedding)
    names = {item.speaker: item.name for item in whole.items}
    shutil.copy(voices / names["15"], voices / names["16"])
    changed = load("auto", voices, cache=cache)
    now = {item.speaker: changed.tracks(index)["voice"] for index, item in enumerate(changed.items)}
    np.testing.assert_array_equal(now["16"].values, kept["15"].values)


@pytest.mark.data
def test_a_damaged_cache_is_made_again(voices, tmp_path):
    cache = tmp_path / "cache"
    load("auto", voices, cache=cache)
    [packed] = cache.rglob("*.npz")
    packed.write_bytes(packed.read_bytes()[:1000])
    assert load("auto", voices, cache=cache).tracks(0)["voice"].valid.any()


@pytest.mark.data
def test_an_example_is_the_performance_without_the_silence_around_it(voices, tmp_path):
    dataset = load("auto", voices, cache=tmp_path / "cache")
    for index, example in enumerate(examples(dataset)):
        track, view = dataset.tracks(index)["voice"], example.views["voice"]
        assert view.valid[0]
        assert view.valid[-1]
        assert view.valid.sum() == track.valid.sum()
        assert len(view.valid) < len(track)
        assert example.degrees == {dataset.items[index].emotion: 1.0}
        assert example.speaker == dataset.items[index].speaker


@pytest.mark.data
def test_faces_and_sentences_become_examples_too(data_dir, tmp_path):
    faces = load("ck48", data_dir / "ck48", keep=lambda item: item.speaker == "S010", cache=tmp_path)
    [happy] = [each for each in examples(faces) if each.emotion == "surprised"]
    assert happy.views["face"].embedding.shape == (3, modality_of("face").embedding)
    lines = load("meld", data_dir / "meld_text", keep=lambda item: item.name == "dev/dia0_utt0", cache=tmp_path)
    assert [word.text for word in lines.tracks(0)["text"].words][:3] == ["Oh", "my", "God,"]
    table(tmp_path, "text,speaker,emotion\nWhat a day,Ana,happy:0.6;calm:0.3\n")
    assert examples(load("labelled", tmp_path, cache=tmp_path))[0].degrees == {"happy": 0.6, "calm": 0.3}
    assert examples(lines)[0].views["text"].cues[modality_of("text").cue_names.index("word rate")] > 1


def test_the_cache_is_in_the_studio_home_or_else_in_the_users_own(monkeypatch, tmp_path):
    monkeypatch.setenv("STF2M_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "cache"
    monkeypatch.delenv("STF2M_HOME")
    assert cache_folder().name == "stf2m"
