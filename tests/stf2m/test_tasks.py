from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stf2m.tasks import Example, Sampler, TooFewExamplesError, episodes

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


def test_the_support_degrees_have_one_emotion_a_row():
    episode = Sampler(full_pool(), ways=3, shots=2, protocol="cross").draw(np.random.default_rng(0))
    assert np.array_equal(episode.degrees(), np.eye(3)[[0, 0, 1, 1, 2, 2]])


@pytest.mark.parametrize(
    ("speakers", "shots", "protocol", "said"),
    [(1, 1, "cross", "two speakers"), (4, 8, "personal", "No speaker has 3 emotions"), (2, 9, "cross", "9 examples")],
)
def test_what_is_missing_is_said(speakers, shots, protocol, said):
    with pytest.raises(TooFewExamplesError, match=said):
        Sampler(full_pool(speakers), ways=3, shots=shots, protocol=protocol).draw(np.random.default_rng(0))
