from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stf2m.tasks import Example, Sampler, TooFewExamplesError, apportioned, degrees_of, episodes

EMOTIONS = ("angry", "calm", "happy", "sad")

pools = st.lists(
    st.tuples(st.sampled_from(EMOTIONS), st.sampled_from(("", "Ana", "Ben", "Cem"))), min_size=4, max_size=80
)


def examples(pool: list[tuple[str, str]]) -> list[Example]:
    return [Example({}, {emotion: 1.0}, speaker) for emotion, speaker in pool]


def full_pool(speakers: int = 4, takes: int = 8) -> list[Example]:
    return examples([(emotion, f"{who}") for who in range(speakers) for emotion in EMOTIONS for _ in range(takes)])


@settings(deadline=None)
@given(pools, st.sampled_from(("cross", "personal")), st.integers(2, 3), st.integers(1, 3), st.integers(0, 9))
def test_an_episode_keeps_its_protocol_or_says_why_not(pool, protocol, ways, shots, seed):
    known = examples(pool)
    try:
        episode = Sampler(known, ways=ways, shots=shots, protocol=protocol).draw(np.random.default_rng(seed))
    except TooFewExamplesError:
        return
    assert not set(episode.support) & set(episode.query)
    assert Counter(episode.support_labels) == dict.fromkeys(range(ways), shots)
    assert len(set(Counter(episode.query_labels).values())) == 1
    for indices, labels in ((episode.support, episode.support_labels), (episode.query, episode.query_labels)):
        assert [known[index].emotion for index in indices] == [episode.emotions[label] for label in labels]
    support, query = ({known[index].speaker for index in part} for part in (episode.support, episode.query))
    if protocol == "personal":
        assert len(support | query) == 1
    else:
        assert not support & query - {""}


def test_queries_are_five_of_each_emotion_and_fewer_only_where_a_speaker_has_not_as_many():
    cross = Sampler(full_pool(), ways=3, shots=5, protocol="cross").draw(np.random.default_rng(0))
    personal = Sampler(full_pool(), ways=3, shots=5, protocol="personal").draw(np.random.default_rng(0))
    assert Counter(cross.query_labels) == dict.fromkeys(range(3), 5)
    assert Counter(personal.query_labels) == dict.fromkeys(range(3), 3)


def test_a_seed_gives_the_same_episodes_and_another_seed_others():
    sampler = Sampler(full_pool(), ways=3, shots=2, protocol="cross")
    first, again, other = ([e.query.tolist() for e in episodes(sampler, 5, seed)] for seed in (0, 0, 1))
    assert first == again != other


def test_every_speaker_and_emotion_gets_its_turn_on_both_sides():
    sampler = Sampler(full_pool(), ways=2, shots=1, protocol="cross")
    drawn = list(episodes(sampler, 100, 0))
    assert {name for episode in drawn for name in episode.emotions} == set(EMOTIONS)
    for side in ("support", "query"):
        assert len({index // (8 * len(EMOTIONS)) for e in drawn for index in getattr(e, side)}) == 4


def test_only_allowed_emotions_are_drawn():
    sampler = Sampler(full_pool(), ways=2, shots=1, protocol="personal", allowed=("calm", "sad"))
    assert {name for episode in episodes(sampler, 20, 0) for name in episode.emotions} == {"calm", "sad"}


@settings(deadline=None)
@given(pools, st.sampled_from(("cross", "personal")), st.integers(1, 2), st.integers(0, 3), st.integers(0, 9))
def test_unequal_shots_lie_within_their_bounds_and_take_nothing_else_than_equal_ones(pool, protocol, least, more, seed):
    known = examples(pool)
    try:
        unequal, equal = (
            Sampler(known, ways=2, shots=shots, protocol=protocol).draw(np.random.default_rng(seed))
            for shots in ((least, least + more), least + more)
        )
    except TooFewExamplesError:
        return
    assert all(least <= Counter(unequal.support_labels)[label] <= least + more for label in range(2))
    assert set(unequal.support) <= set(equal.support)
    assert unequal.emotions == equal.emotions
    assert np.array_equal(unequal.query, equal.query)
    assert [known[row].emotion for row in unequal.support] == [unequal.emotions[at] for at in unequal.support_labels]


def test_every_number_of_shots_is_as_likely():
    sampler = Sampler(full_pool(), ways=3, shots=(1, 4), protocol="cross")
    shots = Counter(count for e in episodes(sampler, 400, 0) for count in Counter(e.support_labels.tolist()).values())
    assert shots.keys() == {1, 2, 3, 4}
    assert all(abs(count - 300) < 60 for count in shots.values())


@settings(deadline=None)
@given(pools, st.sampled_from(("cross", "personal")), st.floats(0.05, 50), st.integers(0, 9))
def test_unbalanced_queries_are_as_many_in_all_or_fewer_where_an_emotion_runs_out(pool, protocol, alpha, seed):
    known = examples(pool)
    try:
        drawn, balanced = (
            Sampler(known, ways=3, shots=1, protocol=protocol, alpha=given).draw(np.random.default_rng(seed))
            for given in (alpha, None)
        )
    except TooFewExamplesError:
        return
    assert 1 <= len(drawn.query) <= len(balanced.query)
    assert len(set(drawn.query)) == len(drawn.query)
    assert np.array_equal(drawn.support, balanced.support)
    assert [known[row].emotion for row in drawn.query] == [drawn.emotions[label] for label in drawn.query_labels]


def test_shares_of_queries_are_dirichlet_and_their_number_is_kept():
    known = full_pool(takes=40)
    for alpha, spread in ((0.5, (1 / 3 * 2 / 3) / 2.5), (2.0, (1 / 3 * 2 / 3) / 7)):
        sampler = Sampler(known, ways=3, shots=1, protocol="cross", alpha=alpha)
        counts = np.array([np.bincount(e.query_labels, minlength=3) for e in episodes(sampler, 600, 0)])
        assert set(counts.sum(axis=1)) == {15}
        assert np.allclose((counts / 15).mean(axis=0), 1 / 3, atol=0.03)
        assert np.allclose((counts / 15).var(axis=0), spread, rtol=0.2)


@pytest.mark.parametrize("protocol", ["cross", "personal"])
def test_strangers_are_of_other_emotions_by_those_who_are_asked_and_change_nothing_else(protocol):
    known = [Example({}, {emotion: 1.0}, str(who)) for who in range(4) for emotion in "abcd" for _ in range(6)]
    for seed in range(20):
        episode, plain = (
            Sampler(known, ways=2, shots=2, protocol=protocol, strangers=count).draw(np.random.default_rng(seed))
            for count in (3, 0)
        )
        assert np.array_equal(episode.support, plain.support)
        assert np.array_equal(episode.query, plain.query)
        assert not len(plain.strangers)
        others = sorted(set("abcd") - set(episode.emotions))
        assert [known[row].emotion for row in episode.strangers] == [name for name in others for _ in range(3)]
        asked, told = ({known[row].speaker for row in rows} for rows in (episode.strangers, episode.support))
        assert asked == told if protocol == "personal" else not asked & told


@given(
    st.lists(st.floats(0.001, 1), min_size=2, max_size=7), st.integers(1, 60), st.lists(st.integers(1, 30), min_size=7)
)
def test_numbers_in_proportion(weights, total, plenty):
    shares, available = np.array(weights) / sum(weights), plenty[: len(weights)]
    counts = apportioned(shares, total, available)
    assert 1 <= counts.sum() <= total
    assert np.all(counts <= available)
    assert np.all(np.abs(counts - shares * counts.sum()) < 1)
    assert apportioned(shares, total, [total] * len(weights)).sum() == total


def test_degrees_are_taken_as_they_were_given():
    known = [Example({}, {"happy": 0.6, "sad": 0.4}), Example({}, {"calm": 1.0}), Example({}, {"sad": 0.5})]
    np.testing.assert_allclose(degrees_of(known, np.array([2, 0]), ("sad", "happy")), [[0.5, 0], [0.4, 0.6]])


def test_the_support_degrees_have_one_emotion_a_row():
    episode = Sampler(full_pool(), ways=3, shots=2, protocol="cross").draw(np.random.default_rng(0))
    assert np.array_equal(episode.degrees(), np.eye(3)[[0, 0, 1, 1, 2, 2]])


@pytest.mark.parametrize("wrong", [{"shots": (3, 2)}, {"shots": 0}, {"alpha": 0.0}, {"alpha": float("nan")}])
def test_numbers_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValueError, match=r"An episode needs|above 0"):
        Sampler(full_pool(), **{"ways": 2, "shots": 1, "protocol": "cross", **wrong})


@pytest.mark.parametrize(
    ("speakers", "shots", "protocol", "said"),
    [(1, 1, "cross", "two speakers"), (4, 8, "personal", "No speaker has 3 emotions"), (2, 9, "cross", "9 examples")],
)
def test_what_is_missing_is_said(speakers, shots, protocol, said):
    with pytest.raises(TooFewExamplesError, match=said):
        Sampler(full_pool(speakers), ways=3, shots=shots, protocol=protocol).draw(np.random.default_rng(0))
