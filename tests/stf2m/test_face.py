"""The face track: a real face (NASA's portrait of Eileen Collins, public domain) in every size, pose and disguise."""

from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

from stf2m.media import probe
from stf2m.tracks import Track
from stf2m.views import face
from stf2m.views._cues import add_moving_cues
from stf2m.views._geometry import align, canonical_face
from stf2m.views._landmarker import BLENDSHAPES, Landmarker
from tests.media_files import Timed, Tone, clock, write

BLANK = np.zeros((240, 240, 3), np.uint8)
OF_TIME = ("face movement", "head movement", "blink rate")


def portrait(side: int = 240, turned: float = 0.0) -> np.ndarray:
    """Head and shoulders as a square picture, turned clockwise by degrees."""
    head = Image.fromarray(data.astronaut()).crop((84, 0, 364, 280))
    return np.asarray(head.rotate(-turned, Image.Resampling.BICUBIC, fillcolor=(200, 190, 180)).resize((side, side)))


def on_wall(*heads: tuple[int, int, int]) -> np.ndarray:
    """A wide picture with heads on it, each (left, top, side)."""
    wall = Image.new("RGB", (640, 360), (150, 160, 150))
    for left, top, side in heads:
        wall.paste(Image.fromarray(portrait(side)), (left, top))
    return np.asarray(wall)


def filmed(path: Path, *scenes: tuple[float, np.ndarray], **options) -> Track:
    """The track of a film that shows each picture for some seconds."""
    timed: list[Timed] = []
    for seconds, picture in scenes:
        timed += [((len(timed) + index) / 10, picture) for index in range(round(seconds * 10))]
    write(path, timed, **options)
    return face.extract(path, probe(path), None)


@cache
def still() -> Track:
    return face.extract_image(portrait())


def middle_of(track: Track, frame: int) -> np.ndarray:
    return track.detail["landmarks"][frame].astype(float).mean(axis=0)


def test_a_still_face_is_measured() -> None:
    track = still()
    assert track.valid.tolist() == [True]
    assert track.note == ""
    assert track.cue("smile")[0] > 0.6
    assert track.cue("upper lip raise")[0] > 0.3
    assert track.cue("mouth corners down")[0] < 0.1
    assert 25 < track.cue("eye opening")[0] < 50
    assert abs(track.cue("head turn")[0]) < 15
    unknown = [name for name in track.modality.cue_names if np.isnan(track.cue(name)[0])]
    assert unknown == list(OF_TIME)
    assert middle_of(track, 0) == pytest.approx([0.51, 0.47], abs=0.05)


def test_modality_is_well_named() -> None:
    modality = face.MODALITY
    assert (len(modality.sites), modality.channels, modality.embedding) == (10, 24, 52 + 7)
    assert len(set(modality.cue_names)) == len(modality.cues) >= 10
    assert all(cue.meaning.endswith(".") and cue.typical[0] < cue.typical[1] for cue in modality.cues)
    points = still().detail["landmarks"].shape[1]
    assert {index for line in face.CONTOURS for index in line} == set(range(points))


def test_neither_place_nor_size_nor_pose_is_in_the_values() -> None:
    plain, other = still(), face.extract_image(on_wall((380, 60, 170)))
    assert np.abs(other.values - plain.values).mean() < 0.1  # centimetres of an average face
    leaning = face.extract_image(portrait(turned=25))
    assert leaning.cue("head tilt")[0] - plain.cue("head tilt")[0] == pytest.approx(25, abs=4)
    assert np.abs(leaning.values - plain.values).mean() < 0.12
    assert leaning.cue("smile")[0] == pytest.approx(plain.cue("smile")[0], abs=0.15)


def test_a_mirrored_face_turns_the_other_way() -> None:
    plain, mirrored = still(), face.extract_image(np.ascontiguousarray(portrait()[:, ::-1]))
    for name in ("head turn", "head tilt"):
        assert mirrored.cue(name)[0] == pytest.approx(-plain.cue(name)[0], abs=4)


@pytest.mark.parametrize(("turn", "nod", "tilt"), [(20, 0, 0), (0, -15, 0), (0, 0, 30), (-25, 10, 5)])
def test_the_pose_of_a_known_head_is_recovered(turn: float, nod: float, tilt: float) -> None:
    y, p, r = np.radians([turn, nod, tilt])
    about_y = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(p), np.sin(p)], [0, -np.sin(p), np.cos(p)]])
    about_z = np.array([[np.cos(r), np.sin(r), 0], [-np.sin(r), np.cos(r), 0], [0, 0, 1]])
    mean, _ = canonical_face()
    seen = (12 * mean @ (about_y @ about_x @ about_z).T) * [1, -1, -1] + [300, 200, 0]
    found = align(np.concatenate([seen, np.zeros((10, 3))]).astype(np.float32))
    assert (found.turn, found.nod, found.tilt) == pytest.approx((turn, nod, tilt), abs=0.01)
    assert found.eye_distance == pytest.approx(12 * np.linalg.norm(mean[33] - mean[263]), rel=1e-4)
    assert found.points == pytest.approx(mean, abs=1e-3)


def test_small_and_tightly_cropped_faces_are_found() -> None:
    small = face.extract_image(on_wall((420, 200, 70)))
    assert small.valid[0]
    assert middle_of(small, 0) == pytest.approx([455 / 640, 233 / 360], abs=0.03)
    grey = Image.fromarray(portrait(480)).crop((140, 110, 350, 350)).convert("L").resize((48, 48)).convert("RGB")
    tight = face.extract_image(np.asarray(grey))
    assert tight.valid[0]
    assert tight.cue("smile")[0] > 0.4


@pytest.mark.parametrize("name", ["coffee", "chelsea", "rocket", "brick", "checkerboard"])
def test_things_that_are_no_face_are_none(name: str) -> None:
    picture = getattr(data, name)()
    picture = np.stack([picture] * 3, axis=-1) if picture.ndim == 2 else np.ascontiguousarray(picture[..., :3])
    track = face.extract_image(picture)
    assert not track.valid.any()
    assert track.note == "No face was found."


def test_times_without_a_face_are_masked(tmp_path: Path) -> None:
    track = filmed(tmp_path / "gap.mp4", (1.0, portrait()), (1.0, BLANK), (1.0, portrait()))
    assert track.valid.tolist() == [True] * 10 + [False] * 10 + [True] * 10
    assert track.note == "A face is seen in 2.0 of 3.0 s."
    assert np.isnan(track.cues[~track.valid]).all()
    assert np.isnan(track.detail["landmarks"][~track.valid]).all()
    assert not track.values[~track.valid].any()


def test_black_video_and_sound_alone_have_no_face(tmp_path: Path) -> None:
    black = filmed(tmp_path / "black.mp4", (2.0, BLANK))
    assert (len(black), black.valid.any(), black.note) == (20, False, "No face was found.")
    path = write(tmp_path / "heard.mp4", tone=Tone(1.0))
    heard = face.extract(path, probe(path), None)
    assert (len(heard), heard.valid.any(), heard.note) == (10, False, "There is no picture.")


def test_a_video_of_one_picture_and_one_without_a_person(tmp_path: Path) -> None:
    one = filmed(tmp_path / "one.mp4", (0.1, portrait()))
    assert one.valid.tolist() == [True]
    path = write(tmp_path / "clock.mp4", clock(1.0))
    assert not face.extract(path, probe(path), None).valid.any()


def test_a_phone_video_gives_the_same_cues(tmp_path: Path) -> None:
    plain = filmed(tmp_path / "plain.mp4", (0.5, portrait()))
    lying = np.ascontiguousarray(np.rot90(portrait(), k=-1))
    phone = filmed(tmp_path / "phone.mp4", (0.5, lying), rotation=90)
    timeless = [name not in OF_TIME for name in face.MODALITY.cue_names]
    scale = np.array([cue.typical[1] - cue.typical[0] for cue in face.MODALITY.cues])
    assert (np.abs(phone.cues - plain.cues) / scale)[:, timeless].max() < 0.1


def test_the_most_prominent_face_is_followed_until_another_clearly_is(tmp_path: Path) -> None:
    alone, joined = on_wall((40, 80, 200)), on_wall((40, 80, 200), (380, 80, 220))
    outdone = on_wall((40, 140, 90), (300, 0, 340))
    track = filmed(tmp_path / "two.mp4", (1.0, alone), (2.0, joined), (2.0, outdone))
    across = track.detail["landmarks"].astype(float).mean(axis=1)[:, 0]
    assert track.valid.all()
    assert (across[:30] < 0.5).all()
    assert (across[-8:] > 0.5).all()
    assert track.detail["faces"][[5, 25]].tolist() == [1, 2]
    assert middle_of(face.extract_image(outdone), 0)[0] > 0.5


def test_a_picture_that_stays_is_looked_at_until_it_tells_nothing_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten minutes of a still, or of a picture whose file lies about its length, cost five seconds of looks."""
    looks: list[int] = []
    really = Landmarker.landmarks
    monkeypatch.setattr(Landmarker, "landmarks", lambda *given: looks.append(1) or really(*given))
    path = write(tmp_path / "still.mp4", [(0.0, portrait()), (300.0, portrait())], key_every=1)
    track = face.extract(path, probe(path))
    assert len(looks) < 150
    assert len(track) == 6000
    assert track.valid.all()
    assert (track.detail["faces"] == 1).all()
    assert (track.values[100:2990] == track.values[100]).all()
    assert np.abs(track.values[100] - track.values[20]).max() < 0.1  # centimetres of an average face
    assert (track.cue("face movement")[100:2990] == 0).all()


def test_several_threads_see_the_same(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as threads:
        tracks = list(threads.map(face.extract_image, [portrait()] * 8))
    for track in tracks:
        assert np.array_equal(track.values, still().values)
        assert np.array_equal(track.embedding, still().embedding)


def test_progress_is_told_and_the_track_survives_the_disk(tmp_path: Path) -> None:
    told: list[tuple[float, str]] = []
    path = write(tmp_path / "clip.mp4", [(index / 10, portrait()) for index in range(25)])
    track = face.extract(path, probe(path), lambda share, what: told.append((share, what)))
    assert [share for share, _ in told] == pytest.approx([0, 0.4, 0.8])
    track.save(tmp_path / "face.npz")
    again = Track.load(tmp_path / "face.npz", face.MODALITY)
    assert np.array_equal(again.valid, track.valid)
    assert again.embedding == pytest.approx(track.embedding, abs=1e-3, rel=1e-3)


def test_blinks_and_movement_are_counted_where_they_are_known() -> None:
    names, count = face.MODALITY.cue_names, 100
    cues = np.zeros((count, len(names)), np.float32)
    cues[:, [names.index(name) for name in OF_TIME]] = np.nan
    cues[50:, names.index("head turn")] = 3
    points = np.zeros((count, 4, 3), np.float32)
    points[20] += [0.3, 0, 0.4]
    closed = np.zeros(count, np.float32)
    closed[[10, 11, 30, 60, 61, 62]] = 0.9
    valid = np.ones(count, bool)
    valid[80:90] = False
    add_moving_cues(cues, points, closed, valid)
    moved, turned, blinks = (cues[:, names.index(name)] for name in OF_TIME)
    apart = float(np.linalg.norm(canonical_face()[0][33] - canonical_face()[0][263]))
    assert moved[[19, 20, 21]] == pytest.approx([0, 0.5 / apart * 10, 0.5 / apart * 10], rel=1e-4)
    assert turned[[49, 50, 51]] == pytest.approx([0, 30, 0], abs=1e-4)
    assert np.flatnonzero(np.isnan(moved)).tolist() == [0, *range(80, 91)]
    assert blinks[45] == pytest.approx(3 * 60 / 8.6, rel=0.01)  # 8.6 of the ten seconds around were watched
    assert np.isnan(blinks[80:90]).all()


def test_too_short_a_look_says_nothing_about_blinks(tmp_path: Path) -> None:
    track = filmed(tmp_path / "clip.mp4", (2.0, portrait()))
    assert np.isnan(track.cue("blink rate")).all()
    assert (track.cue("face movement")[1:] < 0.1).all()


@pytest.mark.data
def test_cues_of_real_clips_move_the_right_way(real_clips: dict[str, Path]) -> None:
    names = ("happy.mp4", "surprised.mp4", "fear.mp4", "M030_sad_3_001.mp4")
    tracks = {name: face.extract(real_clips[name], probe(real_clips[name]), None) for name in names}
    assert all(track.valid.mean() > 0.98 for track in tracks.values())

    def strongest(cue: str, share: float = 90) -> str:
        return max(names, key=lambda name: np.nanpercentile(tracks[name].cue(cue), share))

    assert strongest("smile") == strongest("cheek raise") == "happy.mp4"
    assert strongest("jaw drop") == strongest("brow raise") == "surprised.mp4"
    assert strongest("eye opening") == "fear.mp4"
    for cue in ("mouth corners down", "brow lowering", "chin raise", "nose wrinkle"):
        assert strongest(cue) == "M030_sad_3_001.mp4"


@pytest.mark.data
@pytest.mark.parametrize(("name", "least"), [("ck48", 0.99), ("fer2013", 0.9)])
def test_tiny_grey_faces_of_data_sets_are_found(data_dir: Path, name: str, least: float) -> None:
    files = sorted((data_dir / name).rglob("*.png"))
    files = files[:: len(files) // 60]
    tracks = [face.extract_image(np.asarray(Image.open(file).convert("RGB"))) for file in files]
    assert np.mean([track.valid[0] for track in tracks]) >= least


@pytest.mark.data
def test_blendshapes_are_those_of_the_bundle(data_dir: Path) -> None:
    import json

    from stf2m.views._landmarker import _BLENDSHAPE_LANDMARKS

    facts = json.loads((data_dir / "face_blendshapes.json").read_text())
    assert facts["names"] == list(BLENDSHAPES)
    assert facts["landmark_indices"] == _BLENDSHAPE_LANDMARKS.tolist()
