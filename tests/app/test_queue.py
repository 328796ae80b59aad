"""The order of work: why a clip is worth a look, which comes first, and where an emotion is found."""

import random
import time
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotations.records import AnnotationRecord, ClipRecord
from app.queue import reasons, search
from app.queue.cards import ClipCard
from app.queue.looking import Found
from app.queue.order import USUAL, arrange
from app.queue.reasons import Kind, Reason, Spot
from app.studio import Studio
from stf2m.timeline import Moments

STUDY = 1
TALKING, SILENT = 1, 2
NOW = datetime(2026, 1, 1, tzinfo=UTC)
EMOTIONS = ("happy", "sad", "calm")


def _moments(degrees: list[list[float]], uncertainty: list[float] | None = None) -> Moments:
    """One moment a second with these degrees."""
    said = np.array(degrees)
    doubt = np.array(uncertainty) if uncertainty else np.zeros(len(said))
    return Moments(np.arange(len(said) + 1.0), said, doubt, np.zeros((len(said), 3)))


def _label(who: str, emotion: str, start_s: float, end_s: float) -> AnnotationRecord:
    number = 1 + ["Ana", "Ben", "Cem"].index(who)
    return AnnotationRecord(1, 1, number, who, start_s, end_s, {emotion: 1.0}, None, "", 1, NOW)


def _clip(number: int, name: str = "clip") -> ClipRecord:
    return ClipRecord(number, STUDY, f"{number:064x}", name, 6.0, True, True, (), "ready", "", NOW, None)


HAPPY, SAD, CALM, TORN = [0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.1, 0.1, 0.8], [0.4, 0.3, 0.3]
UNKNOWN = [float("nan")] * 3


def test_unsure_are_stretches_from_the_threshold_on_and_unknown_moments_are_not():
    moments = _moments([TORN] * 6, [0.7, 0.6, 0.2, 0.9, float("nan"), 0.9])
    assert [spot[:2] for spot in reasons.unsure(moments, 0.6)] == [(0, 2), (3, 4), (5, 6)]
    assert reasons.unsure(moments, 0.95) == []


def test_modalities_contradict_only_where_both_are_confident():
    alone = {"face": _moments([HAPPY, HAPPY, TORN, UNKNOWN, SAD]), "voice": _moments([SAD, SAD, SAD, SAD, SAD])}
    assert reasons.contradictions(alone, EMOTIONS) == [Spot(0, 2, "face happy, voice sad")]


def test_an_emotion_changes_where_both_sides_are_confident_and_touch():
    moments = _moments([HAPPY, SAD, TORN, SAD, UNKNOWN, CALM])
    assert reasons.changes(moments, EMOTIONS) == [Spot(1, 1, "happy → sad")]


def test_people_disagree_where_they_overlap_and_differ_until_the_consensus_answers():
    said = [
        _label("Ana", "happy", 0, 10),
        _label("Ben", "sad", 4, 6),
        _label("Ben", "happy", 7, 9),
        _label("Ana", "calm", 4.5, 5),
        _label("Cem", "sad", 9.9, 12),
    ]
    assert reasons.disagreements(said) == [Spot(4, 6, "Ana happy, Ben sad"), Spot(4.5, 5, "Ana calm, Ben sad")]
    assert reasons.disagreements(said, [(4, 5)]) == [Spot(5, 6, "Ana happy, Ben sad")]
    assert reasons.disagreements(said, [(3, 7)]) == []


def test_a_random_check_is_the_same_for_a_clip_for_ever_and_draws_about_its_share():
    drawn = [clip for clip in range(4000) if reasons.check(STUDY, clip, 60.0)]
    assert 0.8 < len(drawn) * reasons.ONE_IN / 4000 < 1.2
    windows = [reasons.check(STUDY, clip, 60.0)[0] for clip in drawn]
    assert all(start_s >= 0 and end_s <= 60 and end_s - start_s == pytest.approx(5) for start_s, end_s, _ in windows)
    assert np.std([start_s for start_s, _, _ in windows]) > 10
    assert drawn != [clip for clip in range(4000) if reasons.check(STUDY + 1, clip, 60.0)]
    assert reasons.check(STUDY, drawn[0], 2.0) == [Spot(0, 2)]


stretches = st.lists(
    st.tuples(st.integers(0, 40), st.integers(1, 10)).map(lambda each: (each[0] / 2, (each[0] + each[1]) / 2)),
    max_size=8,
)


@given(stretches, stretches)
def test_what_is_left_of_spots_is_exactly_what_nobody_covered(spots, covered):
    left = reasons.without([Spot(*each) for each in spots], covered, least_s=0.01)

    def inside(at: float, those) -> int:
        return sum(start_s < at < end_s for start_s, end_s, *_ in those)

    for at in np.arange(0.25, 30, 0.5):
        assert inside(at, left) == (0 if inside(at, covered) else inside(at, spots))


strengths = st.dictionaries(
    st.integers(1, 30), st.dictionaries(st.sampled_from(list(USUAL)), st.floats(0, 1), max_size=6), max_size=30
)
mixes = st.dictionaries(st.sampled_from(list(USUAL)), st.sampled_from([0.0, 0.25, 1.0, 4.0]))


@given(strengths, mixes)
def test_no_mix_drops_a_clip_and_the_order_is_always_the_same(found: dict[int, dict[Kind, float]], mix):
    why = {clip: [Reason(kind, (), strength) for kind, strength in each.items()] for clip, each in found.items()}
    order = arrange(why, mix)
    assert sorted(clip for clip, _ in order) == sorted(why)
    shuffled = random.Random(0).sample(list(why), len(why))
    assert arrange({clip: why[clip] for clip in shuffled}, mix) == order
    for clip, lead in order:
        weighty = [each.kind for each in why[clip] if mix.get(each.kind, USUAL[each.kind]) > 0]
        assert lead in weighty if weighty else lead is None


def test_the_mix_says_how_often_each_reason_has_its_turn():
    why = {clip: [Reason("unsure" if clip <= 50 else "check", (), clip / 100)] for clip in range(1, 101)}
    leads = [lead for _, lead in arrange(why, {"unsure": 1.0, "check": 0.25})[:20]]
    assert (leads.count("unsure"), leads.count("check")) == (16, 4)
    none = arrange(why, {"unsure": 0.0})
    assert [lead for _, lead in none] == ["check"] * 50 + [None] * 50
    assert none[0][0] == 100, "the strongest comes first"


def test_moments_of_an_emotion_are_ranked_over_all_clips():
    clips = [_clip(1), _clip(2), _clip(3)]
    found = {
        1: Found(_moments([CALM, HAPPY, HAPPY, CALM, TORN, CALM]), EMOTIONS, taught=True),
        2: Found(_moments([[0.95, 0.05, 0.0], UNKNOWN, [0.95, 0.05, 0.0]]), EMOTIONS, taught=True),
        3: Found(_moments([HAPPY] * 3), EMOTIONS, taught=False),
    }
    ranked = [(each.clip_id, each.start_s, each.end_s, each.degree) for each in search.by_model(clips, found, "happy")]
    assert ranked == [(2, 0, 1, 0.95), (2, 2, 3, 0.95), (1, 1, 3, 0.8), (1, 4, 5, 0.4)]
    assert search.by_model(clips, found, "bored") == []


def test_finding_stays_quick_with_two_hundred_clips_and_hours_of_them():
    clips = [_clip(number) for number in range(1, 221)]
    draw = np.random.default_rng(0)
    found = {}
    for clip in clips:
        walk = draw.normal(size=(7200 if clip.id > 200 else 120, 6)).cumsum(axis=0) / 4
        degrees = np.exp(walk) / np.exp(walk).sum(axis=1, keepdims=True)
        found[clip.id] = Found(_moments(degrees.tolist()), (*EMOTIONS, "angry", "neutral", "surprised"), taught=True)
    started = time.thread_time()
    ranked = search.by_model(clips, found, "sad")
    assert time.thread_time() - started < 1.0
    assert len(ranked) == search.MOST


# --- with a real studio and real clips --------------------------------------------------------------------------------


@pytest.fixture
def ana(studio: Studio) -> int:
    return studio.annotator("Ana").id


@pytest.fixture
def ben(studio: Studio) -> int:
    return studio.annotator("Ben").id


def _cards(studio: Studio, who: int) -> dict[int, ClipCard]:
    """The cards once the model has looked through all clips."""
    for _ in range(100):
        work = studio.clips(STUDY, who)
        if not work.looking:
            return {card.id: card for card in work.cards}
    raise AssertionError("The clips were never looked through.")


def _kinds(card: ClipCard) -> set[Kind]:
    return {reason.kind for reason in card.reasons}


def test_labels_answer_the_reasons_they_cover_for_the_person_who_made_them(studio: Studio, ana: int, ben: int):
    card = _cards(studio, ana)[TALKING]
    assert {"new", "unsure", "contradiction"} <= _kinds(card)
    assert all(0 <= spot.start_s <= spot.end_s <= card.duration_s + 0.3 for why in card.reasons for spot in why.spots)
    studio.labels.correct(TALKING, ana, 0.0, card.duration_s, {"happy": 1.0})
    after = _cards(studio, ana)[TALKING]
    assert _kinds(after) <= {"check"}
    assert (after.labelled, after.mine, after.finished) == (1.0, 1, False)
    others = _cards(studio, ben)[TALKING]
    assert {"unsure", "contradiction"} <= _kinds(others)
    assert "new" not in _kinds(others), "Ana has looked at it"
    assert (others.labelled, others.mine, others.corrections) == (0.0, 0, 1)


def test_a_disagreement_stays_until_the_consensus_answers_even_on_finished_clips(studio: Studio, ana: int, ben: int):
    studio.labels.correct(TALKING, ana, 2.0, 6.0, {"happy": 1.0})
    studio.labels.correct(TALKING, ben, 4.0, 8.0, {"sad": 1.0})
    studio.store.finish(TALKING, ana)
    card = _cards(studio, ana)[TALKING]
    assert card.finished
    assert _kinds(card) - {"check"} == {"disagreement"}
    (spot,) = next(why for why in card.reasons if why.kind == "disagreement").spots
    assert spot == Spot(4.0, 6.0, "Ana happy, Ben sad")
    assert _cards(studio, ben)[TALKING].finished_by == ("Ana",)
    studio.store.annotate(TALKING, studio.store.consensus().id, 4.0, 6.0, {"sad": 1.0}, by=ben)
    assert "disagreement" not in _kinds(_cards(studio, ana)[TALKING])


def test_the_mix_of_the_study_orders_the_queue_and_drops_nothing(studio: Studio, ana: int):
    assert set(_cards(studio, ana)) == {TALKING, SILENT}
    only = dict.fromkeys(USUAL, 0.0)
    studio.store.change_settings(STUDY, ana, mix={**only, "contradiction": 1.0})
    assert [(card.id, card.lead) for card in studio.clips(STUDY, ana).cards] == [
        (TALKING, "contradiction"),
        (SILENT, None),
    ]
    studio.store.change_settings(STUDY, ana, mix={**only, "unsure": 1.0})
    assert [card.id for card in studio.clips(STUDY, ana).cards] == [SILENT, TALKING], "a face alone is less sure"


def test_the_queue_knows_where_a_person_left_off(studio: Studio, ana: int, ben: int):
    assert studio.clips(STUDY, ana).left is None
    studio.store.visit(TALKING, ana, 3.0)
    studio.store.visit(SILENT, ana, 7.5)
    assert studio.clips(STUDY, ana).left == (SILENT, 7.5)
    assert studio.clips(STUDY, ben).left is None
    assert "new" not in _kinds(_cards(studio, ben)[SILENT])


def test_an_untaught_model_gives_no_reasons_but_the_clip_is_there(studio: Studio, ana: int):
    study = studio.create_study("New words", ["smug", "wistful"])
    clip = studio.clip(TALKING)
    twin = studio.store.add_clip(
        study.id, clip.sha256, clip.name, duration_s=clip.duration_s, has_video=True, has_sound=True
    )
    studio.store.set_clip_status(twin.id, "ready")
    work = studio.clips(study.id, ana)
    while work.looking:
        work = studio.clips(study.id, ana)
    (card,) = work.cards
    assert _kinds(card) - {"check"} == {"new"}


def test_moments_are_found_by_the_model_and_by_people(studio: Studio, ana: int):
    _cards(studio, ana)
    moments, looking = studio.find_emotion(STUDY, "happy", by_people=False)
    assert looking == 0
    assert {each.clip_id for each in moments} == {TALKING, SILENT}
    assert [each.degree for each in moments] == sorted((each.degree for each in moments), reverse=True)
    for each in moments:
        said = studio.predictions.between(studio.clip(each.clip_id), studio.version(STUDY), each.start_s, each.end_s)
        assert said["happy"] == pytest.approx(each.degree, abs=0.01)
    assert studio.find_emotion(STUDY, "happy", by_people=True) == ([], 0)
    studio.labels.correct(TALKING, ana, 1.0, 2.0, {"happy": 0.4, "sad": 0.6})
    studio.labels.correct(SILENT, ana, 3.0, 5.0, {"happy": 1.0})
    (first, second), _ = studio.find_emotion(STUDY, "happy", by_people=True)
    assert (first.clip_id, first.degree, first.who) == (SILENT, 1.0, "Ana")
    assert (second.clip_id, second.degree, second.start_s) == (TALKING, 0.4, 1.0)
