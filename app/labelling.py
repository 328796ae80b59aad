"""What people write: corrections, edits of several, a reviewer's consensus, and undo.

Each write goes through the annotation store's event log; a new label keeps what the model had said there.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from annotations.records import (
    AnnotationError,
    AnnotationRecord,
    AnswerRecord,
    ClipRecord,
    Edit,
    EventRecord,
    NewAnnotation,
    PaintedRecord,
    SuggestionRecord,
)
from annotations.store import Store
from app import timeline
from app.adapting import Adapting
from app.predictions import Predictions


class Labelling:
    """The labels of a studio. With ``review`` a person writes on the lane of the consensus instead of their own."""

    def __init__(self, store: Store, predictions: Predictions, adapting: Adapting) -> None:
        self._store = store
        self._predictions = predictions
        self._adapting = adapting

    def correct(
        self,
        clip_id: int,
        annotator_id: int,
        start_s: float,
        end_s: float,
        degrees: Mapping[str, float],
        *,
        annotation_id: int | None = None,
        version: int | None = None,
        note: str = "",
        intensity: float | None = None,
        painted: PaintedRecord | None = None,
        shown: bool = True,
        review: bool = False,
    ) -> dict[str, Any]:
        """Save what a person says about a stretch of a clip; with ``annotation_id`` and ``version``, change it.

        ``shown`` is whether the person had seen the suggestion there; with ``review`` they settle the consensus.
        Raises :class:`annotations.records.StaleWrite` when somebody else changed it meanwhile, and
        :class:`annotations.records.AnnotationError` with one sentence for anything that makes no sense.
        """
        if annotation_id is None:
            answered = None if review else self._answered(self._store.clip(clip_id), start_s, end_s, shown)
            record = self._store.annotate(
                clip_id,
                self._store.consensus().id if review else annotator_id,
                start_s,
                end_s,
                degrees,
                intensity=intensity,
                note=note,
                suggestion=answered,
                painted=painted,
                by=annotator_id,
            )
        else:
            record = self._store.change(
                annotation_id,
                version or 0,
                annotator_id,
                start_s=start_s,
                end_s=end_s,
                degrees=degrees,
                intensity=intensity,
                note=note,
            )
        return timeline.annotation(record, record.annotator_id)

    def edit(
        self, clip_id: int, annotator_id: int, edits: Sequence[Edit], *, review: bool = False
    ) -> list[AnnotationRecord | None]:
        """Several edits of one lane at once, as one step that one undo takes back. Raises as :meth:`correct`."""
        lane = self._store.consensus().id if review else annotator_id
        return self._store.edit(clip_id, lane, edits, by=annotator_id)

    def accept_sure(self, clip_id: int, annotator_id: int, version_id: int) -> list[AnnotationRecord]:
        """Accept every suggestion that the model is sure of and that this person has not answered, as one step.

        ``version_id`` is the model version whose suggestions they have seen. Raises
        :class:`annotations.records.AnnotationError` where another one answers now.
        """
        clip = self._store.clip(clip_id)
        version = self._adapting.active(clip.study_id)
        if version.id != version_id:
            raise AnnotationError(
                "Another version of the model answers now: look at what it suggests first, then accept again."
            )
        unsure = self._store.study(clip.study_id).settings.unsure
        mine = self._store.annotations(clip_id=clip_id, annotator_id=annotator_id)
        edits = [
            NewAnnotation(
                each.start_s, each.end_s, {max(each.memberships, key=each.memberships.__getitem__): 1.0}, answers=each
            )
            for each in self._predictions.kept_suggestions(clip, version, self._store)
            if each.uncertainty < unsure and not any(_overlap(one, each) for one in mine)
        ]
        return [each for each in self._store.edit(clip_id, annotator_id, edits) if each]

    def remove(self, annotation_id: int, version: int, annotator_id: int) -> None:
        """Take an annotation back."""
        self._store.remove(annotation_id, version, annotator_id)

    def undo(self, study_id: int, annotator_id: int) -> EventRecord | None:
        """Undo this person's last change in a study; None when there is none."""
        return self._followed(self._store.undo(study_id, annotator_id), study_id, annotator_id)

    def redo(self, study_id: int, annotator_id: int) -> EventRecord | None:
        """Redo what this person undid last; None when there is nothing."""
        return self._followed(self._store.redo(study_id, annotator_id), study_id, annotator_id)

    def _answered(self, clip: ClipRecord, start_s: float, end_s: float, shown: bool) -> AnswerRecord | None:
        """What the active model says about a stretch: kept with the correction that answers it."""
        version = self._adapting.active(clip.study_id)
        memberships = self._predictions.between(clip, version, start_s, end_s)
        return AnswerRecord(version.id, start_s, end_s, memberships, shown) if memberships else None

    def _followed(self, event: EventRecord | None, study_id: int, annotator_id: int) -> EventRecord | None:
        """After the label set of a study went back, the model goes with it."""
        if event is not None and event.entity == "study":
            self._adapting.follow(study_id, annotator_id)
        return event


def _overlap(one: AnnotationRecord, other: SuggestionRecord) -> bool:
    return one.start_s < other.end_s and other.start_s < one.end_s
