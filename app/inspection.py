"""Looking closer at a study: what the figures of the Views, Rules and Adapt tabs show, as plain arrays."""

import numpy as np
from numpy.typing import NDArray

from annotations.records import ClipRecord, ModelVersionRecord, StudyRecord
from app.studio import Studio
from stf2m.timeline import Moments, Stretch, join, over_time
from stf2m.tracks import Cue

Array = NDArray[np.floating]


def colours(study: StudyRecord) -> dict[str, str]:
    """The colours of a study's emotions, in the study's order."""
    return {emotion.name: emotion.colour for emotion in study.emotions}


def ready_clips(studio: Studio, study_id: int) -> list[ClipRecord]:
    """The clips of a study that have been analysed, oldest first."""
    return [clip for clip in studio.store.clips(study_id) if clip.status == "ready"]


def moments(studio: Studio, clip: ClipRecord, version: ModelVersionRecord) -> Moments:
    """A version's answer over a clip, one column for each of the study's emotions.

    An emotion that the version does not know has degree 0.
    """
    found = studio.predictions.over_time(clip, version)
    names, known = studio.study(clip.study_id).emotion_names, studio.predictions.adapted(version).emotions
    columns = np.where(np.isnan(found.memberships[:, :1]), np.nan, np.zeros((len(found.memberships), len(names))))
    for column, name in enumerate(names):
        if name in known:
            columns[:, column] = found.memberships[:, known.index(name)]
    return Moments(found.edges, columns, found.uncertainty, found.shares)


def stretches(studio: Studio, clip: ClipRecord, version: ModelVersionRecord) -> list[Stretch]:
    """A version's timeline of a clip: neighbouring moments of one emotion joined."""
    return join(studio.predictions.over_time(clip, version), studio.predictions.adapted(version).emotions)


def firing(studio: Studio, clip: ClipRecord, version: ModelVersionRecord) -> tuple[Array, Array]:
    """Each rule's share of all firing over a clip: edges ``(P + 1,)``, s, and shares ``(P, R)``, NaN where unknown."""
    pieces, prediction, encoded = studio.predictions.predict(clip, version)
    known = np.asarray(encoded.present.any(axis=1))
    found = over_time(pieces, known, prediction.firing, prediction.uncertainty, prediction.shares)
    return found.edges, found.memberships


def variables(studio: Studio) -> dict[str, tuple[Cue, str]]:
    """What rules can speak of: every cue and every learned pattern by name, with its modality's name."""
    model = studio.predictions.model
    names = [modality.name for modality in model.modalities]
    return {cue.name: (cue, names[of]) for cue, of in zip(model.variables, model.modality_of, strict=True)}


def cue_values(studio: Studio, study_id: int, cue: str) -> Array:
    """A cue in all segments of a study, ``(n,)`` in its unit, NaN where unknown; empty for a learned pattern."""
    names = [each.name for each in studio.predictions.model.cues]
    if cue not in names:
        return np.zeros(0)
    found = [studio.predictions.encoded(clip).cues[:, names.index(cue)] for clip in ready_clips(studio, study_id)]
    return np.concatenate(found) if found else np.zeros(0)


def interval(right: float, of: int) -> tuple[float, float]:
    """The 95 % interval of a share of ``of`` tries (Wilson 1927), which is honest also for a handful of them."""
    z = 1.96
    middle = (right + z**2 / (2 * of)) / (1 + z**2 / of)
    reach = z / (1 + z**2 / of) * np.sqrt(right * (1 - right) / of + z**2 / (4 * of**2))
    return max(0.0, float(middle - reach)), min(1.0, float(middle + reach))
