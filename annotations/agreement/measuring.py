"""Measuring how far the people of a study agree."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date

import numpy as np

from annotations.agreement import coefficients, pairs
from annotations.agreement.coefficients import NOBODY_TWICE, Figure, figure, undefined
from annotations.agreement.over_time import Moment, by_day, in_windows
from annotations.agreement.pairs import Overlap, PairAgreement
from annotations.agreement.ratings import Floats, Ratings, rate
from annotations.interchange import FileClip, FileLabel, StudyFile, collect
from annotations.records import AnnotationRecord, ClipRecord
from annotations.store import Store


@dataclass(frozen=True)
class EmotionAgreement:
    """One emotion against the rest; ``degrees_alpha`` is interval, of its degrees."""

    percent_agreement: Figure
    fleiss_kappa: Figure
    krippendorff_alpha: Figure
    gwet_ac1: Figure
    degrees_alpha: Figure
    overlap: Overlap


@dataclass(frozen=True)
class Agreement:
    """The agreement of one kind of rating.

    ``seconds`` were labelled by two people or more. ``cohen_kappa`` is a mean over pairs of people, each weighted by
    the seconds that both labelled; ``pairs`` tells those with the most seconds of all ``pair_count``. ``days`` are
    those on which a second person labelled; empty where they are not known.
    """

    clips: int
    annotators: tuple[str, ...]
    seconds: float
    percent_agreement: Figure
    cohen_kappa: Figure
    fleiss_kappa: Figure
    krippendorff_alpha: Figure
    gwet_ac1: Figure
    overlap: Overlap
    emotions: Mapping[str, EmotionAgreement]
    pairs: tuple[PairAgreement, ...]
    pair_count: int
    days: Mapping[date, Moment]


def of_study(store: Store, study_id: int) -> dict[str, Agreement]:
    """The agreement of the people of a study per kind of rating, as :func:`measure`; by day as well."""
    return of_annotations(store, study_id, store.annotations(study_id=study_id))


def of_annotations(store: Store, study_id: int, made: Sequence[AnnotationRecord]) -> dict[str, Agreement]:
    """As :func:`of_study`, of annotations of the study that were read already."""
    labels = _people_only(store, made)
    content = collect(store.study(study_id), store.clips(study_id), labels)
    return measure(content, [label.updated.astimezone(UTC).date() for label in labels])


def measure(study: StudyFile, days: Sequence[date] | None = None) -> dict[str, Agreement]:
    """The agreement per kind of rating: of clips with sound alone (``voice``), pictures alone (``face``) or both.

    The third is ``audiovisual``; a kind without labels is not there. ``days``: on which each label was made.
    """
    by_kind: defaultdict[str, list[int]] = defaultdict(list)
    kinds = {clip: _kind(clip) for clip in dict.fromkeys(label.clip for label in study.labels)}
    for place, label in enumerate(study.labels):
        by_kind[kinds[label.clip]].append(place)
    return {
        kind: _agreement(
            [study.labels[place] for place in places],
            study.emotions,
            None if days is None else [days[place] for place in places],
        )
        for kind, places in by_kind.items()
    }


def over_a_clip(store: Store, clip: ClipRecord, window_s: float) -> list[Moment]:
    """The agreement in each window of a clip, ``window_s`` seconds long, from its beginning on."""
    labels = _people_only(store, store.annotations(clip_id=clip.id))
    ratings = rate(labels, [clip.id] * len(labels), store.study(clip.study_id).emotion_names, window_s=window_s)
    return in_windows(_by_several(ratings), window_s, clip.duration_s)


def _kind(clip: FileClip) -> str:
    if clip.has_video and not clip.has_sound:
        return "face"
    return "voice" if clip.has_sound and not clip.has_video else "audiovisual"


def _people_only(store: Store, labels: Sequence[AnnotationRecord]) -> list[AnnotationRecord]:
    people = {each.id for each in store.annotators() if each.kind == "person"}
    return [label for label in labels if label.annotator_id in people]


def _by_several(ratings: Ratings) -> Ratings:
    """What was rated by two people or more."""
    kept = ratings.raters > 1
    rows = kept[ratings.piece]
    return replace(
        ratings,
        person=ratings.person[rows],
        piece=(np.cumsum(kept) - 1)[ratings.piece[rows]],
        degrees=ratings.degrees[rows],
        chosen=ratings.chosen[rows],
        clip=ratings.clip[kept],
        start_s=ratings.start_s[kept],
        seconds=ratings.seconds[kept],
        day=ratings.day[kept],
    )


def _agreement(labels: Sequence[FileLabel], emotions: Sequence[str], days: Sequence[date] | None) -> Agreement:
    every = rate(labels, [label.clip for label in labels], emotions, days)
    durations = [clip.duration_s for clip in dict.fromkeys(label.clip for label in labels)]
    ratings = _by_several(every)
    counts, m = ratings.counts, ratings.raters.astype(np.float64)
    weights = coefficients.draws(ratings.clip, ratings.clips)

    def nominal(chosen: Floats, names: Sequence[str]) -> dict[str, Figure]:
        sums = coefficients.tally(chosen, ratings.seconds, ratings.clip, ratings.clips)
        return coefficients.figures(sums, weights, names)

    compared = pairs.compare(every, durations)
    return Agreement(
        clips=ratings.clips,
        annotators=ratings.people,
        seconds=float(ratings.seconds.sum()),
        cohen_kappa=compared.cohen_kappa,
        overlap=compared.overlap,
        emotions={
            emotion: EmotionAgreement(
                **nominal(
                    np.stack([counts[:, e], m - counts[:, e]], axis=1), (emotion, f"something else than {emotion}")
                ),
                degrees_alpha=degrees,
                overlap=compared.emotions[e],
            )
            for e, (emotion, degrees) in enumerate(zip(emotions, _degrees_alpha(ratings, weights), strict=True))
        },
        pairs=compared.told,
        pair_count=compared.pairs,
        days=by_day(ratings),
        **nominal(counts, emotions),
    )


def _degrees_alpha(ratings: Ratings, weights: Floats | None) -> list[Figure]:
    if not len(ratings.piece):
        return [undefined(NOBODY_TWICE)] * len(ratings.emotions)
    return [
        undefined(f"everybody gave {emotion} the degree {ratings.degrees[0, e]:g} all the time")
        if np.isnan(value)
        else figure(value, low, high)
        for e, (emotion, value, low, high) in enumerate(
            zip(ratings.emotions, *coefficients.degrees_alpha(ratings, weights), strict=True)
        )
    ]
