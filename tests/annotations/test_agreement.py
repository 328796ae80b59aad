import json
from collections.abc import Sequence
from datetime import date

import krippendorff
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import fleiss_kappa

from annotations.agreement import UNNAMED, Agreement, as_json, measure, of_study, over_a_clip
from annotations.agreement.boundaries import TOLERANCE_S, matches
from annotations.interchange import FileClip, FileLabel, StudyFile
from annotations.store import Store

CLIP = FileClip("x.mp4", "a" * 64, 60.0)
EMOTIONS = ("angry", "happy", "sad")


def label(annotator: str, start_s: float, end_s: float, clip: FileClip = CLIP, **degrees: float) -> FileLabel:
    return FileLabel(clip, annotator, start_s, end_s, degrees)


def study(*labels: FileLabel) -> StudyFile:
    return StudyFile(EMOTIONS, tuple({each.clip for each in labels}), labels)


def coded(*units: str, clips: int = 1) -> Agreement:
    """The agreement of raters on units a tenth of a second long: a row of digits each, ``*`` where one did not rate."""
    labels = [
        FileLabel(FileClip(f"{unit % clips}.mp4"), f"rater {rater}", unit / 10, (unit + 1) / 10, {digit: 1.0})
        for unit, row in enumerate(units)
        for rater, digit in enumerate(row)
        if digit != "*"
    ]
    return measure(StudyFile(tuple("12345"), (), tuple(labels)))["audiovisual"]


def test_time_counts_and_not_the_number_of_annotations():
    """Ana and Bob agree on 9 of 10 seconds, however Bob cuts them."""
    ana = [label("Ana", 0, 9, happy=1.0), label("Ana", 9, 10, sad=1.0)]
    whole = measure(study(*ana, label("Bob", 0, 10, happy=1.0)))["audiovisual"]
    cut = measure(study(*ana, *(label("Bob", n / 2, n / 2 + 0.5, happy=1.0) for n in range(20))))["audiovisual"]
    assert as_json(whole) == as_json(cut)
    assert (whole.seconds, whole.percent_agreement.value, whole.annotators) == (
        10.0,
        pytest.approx(90.0),
        ("Ana", "Bob"),
    )
    assert whole.pairs[0].cohen_kappa.value == pytest.approx(0.0)


def test_krippendorffs_own_example_comes_out():
    """Krippendorff (2011), three coders of fifteen units with gaps: 0.691 nominal; each unit is a tenth of a second."""
    coders = ["**1", "***", "*22", "*11", "*33", "334", "444", "13*", "2*2", "1*1", "1*1", "3*3", "3*3", "***", "3*4"]
    assert coded(*coders).krippendorff_alpha.value == pytest.approx(0.691358, abs=1e-6)


@pytest.mark.parametrize(
    ("units", "ac1", "fleiss"),
    [
        # Gwet (2014), table 2.10, of his package irrCAC, without the unit that one rater alone rated
        ("11*1 2232 3333 3333 2222 1234 4444 1121 2222 *555 **11", 0.77515171, 0.76248313),
        ("3221 **11 1323 2233 *223 1331 2321 3331", 0.25092659, 0.05666557),
        ("2*23 2*2* 1211 3313 *122 2213 3133 122*", 0.35533028, 0.1524618),
    ],
)
def test_ac1_and_fleiss_kappa_with_gaps_are_those_of_irrcac(units, ac1, fleiss):
    """Computed once with irrCAC 0.4.4, which cannot be installed beside a SciPy of today."""
    figures = coded(*units.split())
    assert figures.fleiss_kappa.value == pytest.approx(fleiss, abs=1e-6)
    assert figures.gwet_ac1.value == pytest.approx(ac1, abs=1e-6)


@settings(max_examples=60, deadline=None)
@given(
    units=st.integers(2, 5).flatmap(
        lambda raters: st.lists(st.text("123", min_size=raters, max_size=raters), min_size=1)
    )
)
def test_fleiss_kappa_is_that_of_statsmodels(units):
    figures = coded(*units)
    table = np.array([[row.count(digit) for digit in "123"] for row in units])
    if figures.fleiss_kappa.value is None:
        assert np.count_nonzero(table.sum(axis=0)) == 1
    else:
        assert figures.fleiss_kappa.value == pytest.approx(fleiss_kappa(table))


RATINGS = st.lists(
    st.tuples(
        st.sampled_from(["Ana", "Bob", "Cleo"]),
        st.integers(0, 8),
        st.integers(1, 4),
        st.dictionaries(st.sampled_from(EMOTIONS), st.sampled_from([0.2, 0.5, 1.0]), min_size=1),
    ),
    min_size=1,
    max_size=12,
)


def degrees_of(labels: Sequence[FileLabel]) -> dict[str, np.ndarray]:
    """What each person said, sampled at the middle of each tenth of a second; NaN where they said nothing."""
    middles = (np.arange(int(max(label.end_s for label in labels) * 10)) + 0.5) / 10
    said: dict[str, np.ndarray] = {}
    for each in labels:
        mine = said.setdefault(each.annotator, np.full((len(middles), len(EMOTIONS)), np.nan))
        there = (middles >= each.start_s) & (middles < each.end_s)
        mine[there] = np.fmax(mine[there], [each.degrees.get(emotion, 0.0) for emotion in EMOTIONS])
    return said


@settings(max_examples=60, deadline=None)
@given(ratings=RATINGS)
def test_all_figures_are_those_of_the_reference_packages(ratings):
    labels = [FileLabel(CLIP, who, start / 2, (start + length) / 2, degrees) for who, start, length, degrees in ratings]
    figures = measure(study(*labels))["audiovisual"]
    said = np.stack(list(degrees_of(labels).values()))
    chosen = np.where(np.isnan(said[..., 0]), np.nan, np.nan_to_num(said).argmax(axis=-1))
    pairable = (~np.isnan(chosen)).sum(axis=0) > 1
    if not pairable.any():
        assert figures.krippendorff_alpha.why == "not defined, because no moment was labelled by two people"
        assert (figures.percent_agreement.value, figures.pairs) == (None, ())
        return
    assert figures.seconds == pytest.approx(pairable.sum() / 10)
    if figures.krippendorff_alpha.value is None:
        assert len(np.unique(chosen[:, pairable][~np.isnan(chosen[:, pairable])])) == 1
    else:
        expected = krippendorff.alpha(chosen, level_of_measurement="nominal")
        assert figures.krippendorff_alpha.value == pytest.approx(expected)
    for place, emotion in enumerate(EMOTIONS):
        alpha = figures.emotions[emotion].degrees_alpha
        if alpha.value is None:
            assert np.ptp(said[:, pairable, place][~np.isnan(said[:, pairable, place])]) == 0
            assert alpha.why.startswith(f"not defined, because everybody gave {emotion} the degree ")
        else:
            expected = krippendorff.alpha(said[..., place], level_of_measurement="interval")
            assert alpha.value == pytest.approx(expected)
        against_rest = figures.emotions[emotion].krippendorff_alpha
        if against_rest.value is not None:
            binary = np.where(np.isnan(chosen), np.nan, chosen == place)
            assert against_rest.value == pytest.approx(krippendorff.alpha(binary, level_of_measurement="nominal"))
    people = list(degrees_of(labels))
    for pair in figures.pairs:
        one, other = (chosen[people.index(name)] for name in pair.annotators)
        both = ~np.isnan(one) & ~np.isnan(other)
        assert pair.percent == pytest.approx(100 * np.mean(one[both] == other[both]))
        if pair.cohen_kappa.value is not None:
            assert pair.cohen_kappa.value == pytest.approx(cohen_kappa_score(one[both], other[both]))


def test_sound_alone_pictures_alone_and_both_are_kept_apart():
    voice = FileClip("v.wav", "b" * 64, 5.0, has_video=False, has_sound=True)
    face = FileClip("f.mp4", "c" * 64, 5.0, has_video=True, has_sound=False)
    kinds = measure(
        study(
            *(label(who, 0, 2, clip, happy=1.0) for who in ("Ana", "Bob") for clip in (voice, CLIP)),
            label("Ana", 2, 4, voice, sad=1.0),
            label("Bob", 2, 4, voice, angry=1.0),
            label("Ana", 0, 2, face, sad=1.0),
        )
    )
    assert {kind: each.percent_agreement.value for kind, each in kinds.items()} == {
        "voice": 50.0,
        "audiovisual": 100.0,
        "face": None,
    }
    shown = as_json(kinds["audiovisual"])
    assert shown["krippendorff_alpha"] is None
    assert shown["gwet_ac1"] == 1.0
    reasons = shown["not_defined"]
    assert reasons["krippendorff_alpha"] == "not defined, because everybody chose happy all the time"
    assert reasons["cohen_kappa"] == "not defined, because it is defined for no pair of people"
    assert reasons["cohen_kappa of Ana and Bob"] == "not defined, because both chose only happy"
    assert reasons["degrees_alpha of sad"] == "not defined, because everybody gave sad the degree 0 all the time"
    assert reasons["onset_f1"] == "not defined, because nobody set a beginning inside a clip"
    assert reasons["iou of sad"] == "not defined, because nobody chose sad"
    assert reasons["fleiss_kappa of sad"] == (
        "not defined, because everybody chose something else than sad all the time"
    )
    assert "krippendorff_alpha of happy" in reasons
    assert as_json(kinds["face"])["not_defined"]["percent_agreement"] == (
        "not defined, because no moment was labelled by two people"
    )
    json.dumps({kind: as_json(each) for kind, each in kinds.items()}, allow_nan=False)


def test_nothing_labelled_is_no_kind_of_rating():
    assert measure(StudyFile(EMOTIONS, (CLIP,), ())) == {}


@settings(max_examples=200, deadline=None)
@given(one=st.lists(st.integers(0, 100)), other=st.lists(st.integers(0, 100)))
def test_as_many_boundaries_match_as_can(one, other):
    one_s, other_s = (np.sort(np.array(each, dtype=float)) / 10 for each in (one, other))
    close = np.abs(one_s[:, None] - other_s[None]) <= TOLERANCE_S + 1e-9
    most = np.count_nonzero(maximum_bipartite_matching(csr_array(close)) >= 0) if close.size else 0
    assert matches(one_s.tolist(), other_s.tolist()) == most


def test_boundaries_match_within_half_a_second_and_ends_of_clips_do_not_count():
    """Bob's happy begins 0.4 s after Ana's and ends 1.6 s after; where it follows sad, both begin with the clip."""
    ana = [label("Ana", 0, 10, sad=1.0), label("Ana", 10, 16, happy=1.0), label("Ana", 16, 20, happy=1.0)]
    bob = [label("Bob", 0, 10.4, sad=1.0), label("Bob", 10.4, 21.6, happy=1.0)]
    figures = measure(study(*ana, *bob))["audiovisual"]
    for overlap in (figures.overlap, figures.pairs[0].overlap):
        assert overlap.onset_f1.value == 1.0
        assert overlap.offset_f1.value == pytest.approx(0.5)
        assert overlap.iou.value == pytest.approx((10 + 9.6) / (10.4 + 11.6))
    assert figures.emotions["happy"].overlap.iou.value == pytest.approx(9.6 / 11.6)
    assert figures.emotions["happy"].overlap.offset_f1.value == 0.0
    assert figures.emotions["sad"].overlap.offset_f1.value == 1.0
    assert figures.emotions["sad"].overlap.onset_f1.why == (
        "not defined, because nobody set a beginning of sad inside a clip"
    )


def test_unnamed_votes_have_no_pairs():
    """As many votes as there are, of which nobody knows who cast them, are no two people."""
    labels = [label(f"{UNNAMED} {number}", 0, 2, happy=1.0) for number in range(3)]
    figures = measure(study(*labels, label(f"{UNNAMED} 3", 0, 2, sad=1.0)))["audiovisual"]
    assert figures.percent_agreement.value == pytest.approx(50.0)
    assert (figures.pairs, figures.cohen_kappa.why) == (
        (),
        "not defined, because it is not known who cast which vote",
    )


def test_intervals_are_of_a_bootstrap_over_clips():
    """Twenty clips of which half are agreed on: the interval holds the figure; with four clips there is none."""
    units = ["11", "22", "12", "21"] * 5
    few, many = coded(*units[:4], clips=4).percent_agreement, coded(*units, clips=20).percent_agreement
    assert (few.value, few.low, few.high) == (50.0, None, None)
    assert many.value == pytest.approx(50.0)
    assert 20 < many.low < 40 < 60 < many.high < 80
    assert as_json(coded(*units, clips=20))["ci95"]["percent_agreement"] == [many.low, many.high]


def test_agreement_by_day_counts_the_day_of_the_second_label():
    labels = [label("Ana", 0, 4, happy=1.0), label("Bob", 0, 2, happy=1.0), label("Bob", 2, 4, sad=1.0)]
    days = [date(2026, 3, 1), date(2026, 3, 1), date(2026, 3, 5)]
    found = measure(study(*labels), days)["audiovisual"].days
    assert {day: moment.percent_agreement.value for day, moment in found.items()} == {days[0]: 100.0, days[2]: 0.0}
    assert found[days[0]].krippendorff_alpha.why == "not defined, because everybody chose happy"


def test_agreement_in_windows_of_a_clip_and_the_consensus_is_nobody(store: Store):
    there = store.create_study("Demo", EMOTIONS)
    clip = store.add_clip(there.id, "a1" * 32, "speech.mp4", duration_s=9.0, has_video=True, has_sound=True)
    ana, bob, consensus = store.annotator("Ana").id, store.annotator("Bob").id, store.consensus().id
    store.annotate(clip.id, ana, 0.0, 6.0, {"happy": 1.0})
    store.annotate(clip.id, bob, 0.0, 3.0, {"happy": 1.0})
    store.annotate(clip.id, bob, 3.0, 5.0, {"sad": 1.0})
    store.annotate(clip.id, consensus, 0.0, 9.0, {"angry": 1.0}, by=ana)
    windows = over_a_clip(store, store.clip(clip.id), 4.0)
    assert [window.seconds for window in windows] == [4.0, 1.0, 0.0]
    assert [window.percent_agreement.value for window in windows] == [75.0, 0.0, None]
    assert windows[2].percent_agreement.why == "not defined, because no moment was labelled by two people"
    figures = of_study(store, there.id)["audiovisual"]
    assert figures.annotators == ("Ana", "Bob")
    assert figures.percent_agreement.value == pytest.approx(60.0)


def test_of_overlapping_annotations_the_higher_degree_counts():
    ana = [label("Ana", 0, 1, happy=1.0, sad=0.2), label("Ana", 0.5, 1.5, sad=0.6)]
    bob = [label("Bob", 0, 1, happy=1.0), label("Bob", 1, 1.5, sad=1.0)]
    assert measure(study(*ana, *bob))["audiovisual"].percent_agreement.value == 100.0
