"""Files that could run code when they are read: checkpoints and cached tracks that are pickles in disguise."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from stf2m.checkpoint import CARD, WEIGHTS, CheckpointError
from stf2m.model import STF2M
from stf2m.tracks import Track
from stf2m.views import face


class Touch:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self.path,)


def test_a_pickle_in_a_checkpoint_is_not_run(tmp_path: Path) -> None:
    """A .pt file under the name of the weights, with a card that vouches for it."""
    ran = tmp_path / "ran"
    torch.save({"weight": Touch(ran)}, tmp_path / WEIGHTS)
    shipped = json.loads(next(Path("stf2m/checkpoints").rglob(CARD)).read_text(encoding="utf-8"))
    shipped["sha256"] = hashlib.sha256((tmp_path / WEIGHTS).read_bytes()).hexdigest()
    (tmp_path / CARD).write_text(json.dumps(shipped))
    with pytest.raises(CheckpointError, match="damaged or of another version"):
        STF2M.load(tmp_path)
    assert not ran.exists()


def test_a_pickle_in_a_cached_track_is_not_run(tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    np.savez(tmp_path / "track.npz", values=np.array([Touch(ran)], object), about=np.array([Touch(ran)], object))
    with pytest.raises(ValueError):  # noqa: PT011 - whatever it says, it is read anew
        Track.load(tmp_path / "track.npz", face.MODALITY)
    assert not ran.exists()
