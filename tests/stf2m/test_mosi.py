from pathlib import Path

import numpy as np
import pytest

from stf2m.datasets import DatasetError, mosi, read, reader

HEADER = "row,utterance,video,segment,nonnegative,transcript\n"


def folder(root: Path, table: str, rows: int) -> Path:
    (root / mosi.TABLE).write_text(HEADER + table, encoding="utf-8")
    sizes = {"text": 100, "audio": 73, "video": 100}
    np.savez(root / mosi.FEATURES, **{name: np.full((rows, size), 0.5) for name, size in sizes.items()})
    return root


def test_an_utterance_is_a_sentence_of_its_video_in_small_letters(tmp_path):
    root = folder(tmp_path, "0,a_3,a,3,1,I LOVED IT\n1,b_1,b,1,0,NO\n", 2)
    assert reader(root) == "mosi"
    first, second = read(root)
    assert (first.name, first.speaker, first.emotion, first.text) == ("a_3", "a", "nonnegative", "i loved it")
    assert first.about["segment"] == "3"
    assert second.emotion == "negative"
    assert first.duration_s == pytest.approx(1)
    assert {name: array.shape for name, array in mosi.features(root).items()} == {
        "text": (2, 100),
        "audio": (2, 73),
        "video": (2, 100),
    }


def test_what_is_wrong_is_said_in_one_sentence(tmp_path):
    root = folder(tmp_path, "0,a_3,a,3,maybe,HM\n", 2)
    with pytest.raises(DatasetError, match="row 0 needs 0 or 1"):
        mosi.read(root)
    with pytest.raises(DatasetError, match="not one row for each of the 1 utterances"):
        mosi.features(root)
    (root / mosi.FEATURES).write_bytes(b"PK nothing")
    with pytest.raises(DatasetError, match="does not hold the arrays"):
        mosi.features(root)
    (root / mosi.TABLE).write_text("utterance,video\na_3,a\n", encoding="utf-8")
    with pytest.raises(DatasetError, match="lacks the column nonnegative"):
        mosi.read(root)


@pytest.mark.data
def test_the_real_set_has_62_videos_and_a_row_of_features_for_each_utterance(data_dir):
    items = read(data_dir / "mosi")
    assert len(items) == 1447
    assert len({item.speaker for item in items}) == 62
    assert all(
        array.shape[0] == 1447 and np.isfinite(array).all() for array in mosi.features(data_dir / "mosi").values()
    )
