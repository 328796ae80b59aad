import json

import krippendorff
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from annotations.agreement import as_json, degrees_of, measure
from annotations.interchange import FileClip, FileLabel, StudyFile

CLIP = FileClip("x.mp4", "a" * 64, 60.0)
EMOTIONS = ("angry", "happy", "sad")


def label(annotator: str, start_s: float, end_s: float, clip: FileClip = CLIP, **degrees: float) -> FileLabel:
    return FileLabel(clip, annotator, start_s, end_s, degrees)


def study(*labels: FileLabel) -> StudyFile:
    return StudyFile(EMOTIONS, tuple({each.clip for each in labels}), labels)


def test_time_counts_and_not_the_number_of_annotations():
    """Ana and Bob agree on 9 of 10 seconds, however Bob cuts them."""
    ana = [label("Ana", 0, 9, happy=1.0), label("Ana", 9, 10, sad=1.0)]
    whole = measure(study(*ana, label("Bob", 0, 10, happy=1.0)))["audiovisual"]
    cut = measure(study(*ana, *(label("Bob", n / 2, n / 2 + 0.5, happy=1.0) for n in range(20))))["audiovisual"]
    assert whole == cut
    assert (whole.seconds, whole.percent.value, whole.annotators) == (10.0, pytest.approx(90.0), ("Ana", "Bob"))
    assert whole.pairs[0].cohen_kappa.value == pytest.approx(0.0)


def test_krippendorffs_own_example_comes_out():
    """Krippendorff (2011), three coders of fifteen units with gaps: 0.691 nominal; each unit is a tenth of a second."""
    coders = {
        "A": "* * * * * 3 4 1 2 1 1 3 3 * 3",
        "B": "1 * 2 1 3 3 4 3 * * * * * * *",
        "C": "* * 2 1 3 4 4 * 2 1 1 3 3 * 4",
    }
    labels = [
        FileLabel(CLIP, coder, unit / 10, (unit + 1) / 10, {value: 1.0})
        for coder, values in coders.items()
        for unit, value in enumerate(values.split())
        if value != "*"
    ]
    figures = measure(StudyFile(tuple("1234"), (CLIP,), tuple(labels)))["audiovisual"]
    assert figures.krippendorff_alpha.value == pytest.approx(0.691358, abs=1e-6)


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


@settings(max_examples=60, deadline=None)
@given(ratings=RATINGS)
def test_all_figures_are_those_of_the_reference_packages(ratings):
    labels = [FileLabel(CLIP, who, start / 2, (start + length) / 2, degrees) for who, start, length, degrees in ratings]
    figures = measure(study(*labels))["audiovisual"]
    said = np.stack(list(degrees_of(labels, EMOTIONS).values()))
    chosen = np.where(np.isnan(said[..., 0]), np.nan, np.nan_to_num(said).argmax(axis=-1))
    pairable = (~np.isnan(chosen)).sum(axis=0) > 1
    if not pairable.any():
        assert figures.krippendorff_alpha.why == "not defined, because no moment was labelled by two people"
        assert (figures.percent.value, figures.pairs) == (None, ())
        return
    assert figures.seconds == pytest.approx(pairable.sum() / 10)
    if figures.krippendorff_alpha.value is None:
        assert len(np.unique(chosen[:, pairable][~np.isnan(chosen[:, pairable])])) == 1
    else:
        expected = krippendorff.alpha(chosen, level_of_measurement="nominal")
        assert figures.krippendorff_alpha.value == pytest.approx(expected)
    for place, emotion in enumerate(EMOTIONS):
        alpha = figures.degrees_alpha[emotion]
        if alpha.value is None:
            assert np.ptp(said[:, pairable, place][~np.isnan(said[:, pairable, place])]) == 0
            assert alpha.why.startswith(f"not defined, because everybody gave {emotion} the degree ")
        else:
            expected = krippendorff.alpha(said[..., place], level_of_measurement="interval")
            assert alpha.value == pytest.approx(expected)
    people = list(degrees_of(labels, EMOTIONS))
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
    assert {kind: each.percent.value for kind, each in kinds.items()} == {
        "voice": 50.0,
        "audiovisual": 100.0,
        "face": None,
    }
    shown = as_json(kinds["audiovisual"])
    assert shown["krippendorff_alpha"] is None
    assert shown["not_defined"] == {
        "krippendorff_alpha": "not defined, because everybody chose happy all the time",
        "cohen_kappa": "not defined, because it is defined for no pair of people",
        "degrees_alpha of angry": "not defined, because everybody gave angry the degree 0 all the time",
        "degrees_alpha of happy": "not defined, because everybody gave happy the degree 1 all the time",
        "degrees_alpha of sad": "not defined, because everybody gave sad the degree 0 all the time",
        "cohen_kappa of Ana and Bob": "not defined, because both chose only happy",
    }
    assert as_json(kinds["face"])["not_defined"]["percent_agreement"] == (
        "not defined, because no two people labelled the same moment"
    )
    json.dumps({kind: as_json(each) for kind, each in kinds.items()}, allow_nan=False)


def test_nothing_labelled_is_no_kind_of_rating():
    assert measure(StudyFile(EMOTIONS, (CLIP,), ())) == {}


def test_of_overlapping_annotations_the_higher_degree_counts():
    said = degrees_of([label("Ana", 0, 1, happy=1.0, sad=0.2), label("Ana", 0.5, 1.5, sad=0.6)], EMOTIONS)["Ana"]
    assert said[2].tolist() == [0.0, 1.0, 0.2]
    assert said[7].tolist() == [0.0, 1.0, 0.6]
    assert said[12].tolist() == [0.0, 0.0, 0.6]
