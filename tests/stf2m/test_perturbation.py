import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stf2m.perturbation import mislabelled, showing
from stf2m.tasks import Example, TooFewExamplesError
from tests.stf2m.made import FACE, VOICE, view


@settings(deadline=None)
@given(st.integers(2, 6), st.integers(2, 6), st.floats(0, 1), st.integers(0, 99), st.booleans())
def test_as_many_labels_are_wrong_as_are_asked_for_and_the_others_stay(ways, shots, share, seed, soft):
    random = np.random.default_rng(seed)
    degrees = np.eye(ways, dtype=np.float32)[np.arange(ways).repeat(shots)]
    if soft:
        degrees = (0.6 * degrees + 0.4 * random.dirichlet(np.ones(ways), len(degrees))).astype(np.float32)
    before = degrees.copy()
    wrong = mislabelled(degrees, share, np.random.default_rng(seed))
    changed = wrong.argmax(axis=1) != degrees.argmax(axis=1)
    assert changed.sum() == int(share * len(degrees) + 0.5)
    assert np.array_equal(wrong[~changed], degrees[~changed])
    assert np.array_equal(np.sort(wrong, axis=1), np.sort(degrees, axis=1))
    assert len(set(wrong.argmax(axis=1))) > 1
    assert np.array_equal(degrees, before)
    assert np.array_equal(wrong, mislabelled(degrees, share, np.random.default_rng(seed)))


def test_every_other_emotion_is_as_likely():
    degrees = np.eye(4, dtype=np.float32)[np.zeros(3000, int)]
    told = np.bincount(mislabelled(degrees, 1.0, np.random.default_rng(0)).argmax(axis=1), minlength=4)
    assert told[0] == 0
    assert np.all(np.abs(told[1:] - 1000) < 120)


def test_labels_so_wrong_that_nothing_is_left_to_learn_are_refused():
    with pytest.raises(TooFewExamplesError, match="1 of 2 support labels wrong only one emotion"):
        mislabelled(np.eye(2, dtype=np.float32), 0.5, np.random.default_rng(0))
    with pytest.raises(ValueError, match="from 0 to 1"):
        mislabelled(np.eye(2, dtype=np.float32), 1.5, np.random.default_rng(0))


def test_only_some_modalities_are_shown_and_what_shows_nothing_is_left_out():
    random = np.random.default_rng(0)
    both = Example({"face": view(FACE, random), "voice": view(VOICE, random)}, {"sad": 0.7, "calm": 0.3}, "Ana", "a")
    alone = Example({"voice": view(VOICE, random)}, {"happy": 1.0}, "Ben")
    [shown] = showing([both, alone], ["face", "text"])
    assert shown.views == {"face": both.views["face"]}
    assert (shown.degrees, shown.speaker, shown.clip) == (both.degrees, "Ana", "a")
    assert [list(each.views) for each in showing([both, alone], ["voice"])] == [["voice"], ["voice"]]
