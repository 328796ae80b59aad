from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from stf2m.segments import Segment, cut
from stf2m.timeline import join, over_time

EMOTIONS = ("happy", "sad")


def _join(segments, known, memberships):
    rows = len(segments)
    timeline = over_time(segments, np.array(known), np.array(memberships), np.full(rows, 0.2), np.ones((rows, 1)))
    return timeline, join(timeline, EMOTIONS)


def test_overlapping_segments_average_and_neighbours_join():
    segments = [Segment(0, 2), Segment(1, 3), Segment(2, 4)]
    timeline, stretches = _join(segments, [True] * 3, [[1.0, 0.0], [0.6, 0.4], [0.0, 1.0]])
    np.testing.assert_allclose(timeline.edges, [0, 1, 2, 3, 4])
    np.testing.assert_allclose(timeline.memberships[:, 0], [1.0, 0.8, 0.3, 0.0], atol=1e-12)
    assert [(s.start_s, s.end_s, s.emotion) for s in stretches] == [(0, 2, "happy"), (2, 4, "sad")]
    np.testing.assert_allclose(stretches[0].degree, 0.9)


def test_moments_without_any_view_stay_empty_and_separate_stretches():
    segments = [Segment(0, 1), Segment(1, 2), Segment(2, 3)]
    timeline, stretches = _join(segments, [True, False, True], [[0.9, 0.1]] * 3)
    assert np.isnan(timeline.memberships[1]).all()
    assert [(s.start_s, s.end_s) for s in stretches] == [(0, 1), (2, 3)]


def test_a_clip_in_which_nothing_is_there_has_no_stretch():
    segments = cut(4.0)
    timeline, stretches = _join(segments, [False] * len(segments), [[0.5, 0.5]] * len(segments))
    assert np.isnan(timeline.memberships).all()
    assert stretches == []


@given(st.floats(0.2, 40), st.integers(0, 2**31))
def test_stretches_of_a_fully_seen_clip_cover_it_once(duration_s, seed):
    segments = cut(duration_s)
    degrees = np.random.default_rng(seed).dirichlet([1, 1], len(segments))
    _, stretches = _join(segments, [True] * len(segments), degrees)
    assert stretches[0].start_s == 0
    assert abs(stretches[-1].end_s - duration_s) < 1e-5
    for left, right in pairwise(stretches):
        assert left.end_s == right.start_s
        assert left.emotion != right.emotion
