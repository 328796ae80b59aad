"""The examples of ``docs/library.md`` run, top to bottom."""

from pathlib import Path

import pytest

from stf2m.model import STF2M
from tests import pages


def test_every_example_of_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = pages.run("library.md", tmp_path, monkeypatch)
    n, emotions = len(names["pieces"]), names["emotions"]
    assert n == len(names["views"]) == 10
    assert names["prediction"].memberships.shape == (n, len(emotions))
    assert names["prediction"].shares.shape == (n, 3)
    best = names["prediction"].memberships[names["corrected"]].argmax(axis=1)
    assert [emotions[each] for each in best[[0, 2, 3]]] == ["sad", "calm", "elated"]
    assert names["mine"].accuracy > 0.3, "five emotions: chance is 0.2"
    assert names["small"].card["steps"] == 6
    assert STF2M.load(tmp_path / "small-by-two").card["steps"] == 6
