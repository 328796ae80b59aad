"""The use cases of the studio: plain Python that the page, the tests and scripts call alike.

Ids in, records and plain values out; every change a person makes goes through the annotation store's event log.
"""

import os
import shutil
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar, cast

from annotations.guarding import MayWrite
from annotations.records import (
    AnnotationRecord,
    AnnotatorRecord,
    ClipRecord,
    ModelVersionRecord,
    NotFoundError,
    StudyRecord,
)
from annotations.store import Store
from app import timeline
from app.adapting import AdaptationReport, Adapting, Change
from app.editing_rules import EditingRules
from app.explaining import Explaining
from app.files import ClipFiles
from app.ingest import ClipRefused, Ingest, Upload
from app.jobs import Job, Jobs
from app.labelling import Labelling
from app.predictions import Predictions
from app.queue.cards import Queue, WorkList
from app.queue.search import Moment
from app.settings import Settings
from app.support import Whose
from app.together import Together
from stf2m.adaptation import AdaptedModel
from stf2m.tracks import Track
from stf2m.vocabulary import canonical
from stf2m.weights import Progress

#: For so long undo brings back a clip that was taken out; and how often it is looked which one is beyond that, seconds.
REGRET, FORGET_EVERY_S = timedelta(days=1), 600.0

Kept = TypeVar("Kept")


class Studio:
    """One studio with all its state under ``settings.home``; safe to share between threads.

    A studio that began as a copy of ``origin`` stands in one line with it for analyses, and shares in memory what is
    known of the clips that both have; ``may_write`` is asked before each change, see :mod:`annotations.guarding`.
    """

    def __init__(self, settings: Settings, origin: "Studio | None" = None, may_write: MayWrite | None = None) -> None:
        self.settings = settings
        self.files = ClipFiles(settings.home)
        self.store = Store(settings.database, may_write)
        self._ingest = Ingest(settings, self.files, self.store)
        self.predictions = Predictions(
            settings, self.files, self._ingest.tracks, origin.predictions if origin else None
        )
        self._adapting = Adapting(settings, self.store, self.predictions)
        self.labels = Labelling(self.store, self.predictions, self._adapting)
        self.reasons = Explaining(self.store, self.predictions, self._adapting)
        self.rules = EditingRules(self.store, self.predictions, self._adapting)
        self._queue = Queue(self.store, self.predictions, origin._queue if origin else None)
        self._jobs = Jobs(origin._jobs.line if origin else None)
        self._counting = Together[tuple[Counter[str], str]]()
        self._making = threading.RLock()
        self._kept: dict[Any, Any] = {}

    # --- its own life ---------------------------------------------------------------------------------------------

    def once(self, make: Callable[["Studio"], Kept]) -> Kept:
        """What ``make`` makes of this studio, made at the first call and kept with it, as what a page remembers is."""
        with self._making:
            if make not in self._kept:
                self._kept[make] = make(self)
            return cast(Kept, self._kept[make])

    @cached_property
    def outgoing(self) -> Path:
        """A folder for files that are made for people to fetch; it goes with the studio."""
        return Path(tempfile.mkdtemp(prefix="stf2m-", dir=os.environ.get("GRADIO_TEMP_DIR")))

    def close(self) -> bool:
        """Stop all analyses and close the database; False where an analysis has yet to notice: call again then."""
        if not self._jobs.stop():
            return False
        self.store.close()
        self.files.close()
        if "outgoing" in vars(self):
            shutil.rmtree(self.outgoing, ignore_errors=True)
        return True

    # --- studies and people ---------------------------------------------------------------------------------------

    def studies(self) -> list[StudyRecord]:
        """All studies, oldest first."""
        return self.store.studies()

    def study(self, study_id: int) -> StudyRecord:
        """One study."""
        return self.store.study(study_id)

    def create_study(self, name: str, emotions: Sequence[str], annotator_id: int | None = None) -> StudyRecord:
        """Create a study with its emotions and the model as shipped as its first version."""
        study = self.store.create_study(name, [canonical(emotion) for emotion in emotions], annotator_id)
        self._adapting.start(study, annotator_id)
        return study

    def annotator(self, name: str) -> AnnotatorRecord:
        """The annotator of that name, created at first use."""
        return self.store.annotator(name)

    # --- clips ----------------------------------------------------------------------------------------------------

    def ingest(self, study_id: int, upload: Upload, progress: Progress | None = None) -> ClipRecord:
        """Analyse a video file and add it to a study.

        Raises :class:`app.ingest.ClipRefused` with one sentence; the database is left as it was then.
        """
        clip = self._ingest.add(study_id, upload, self.predictions, progress or (lambda share, stage: None))
        self._queue.forget(clip)
        return clip

    def submit(self, study_id: int, upload: Upload, clear_up: Callable[[], object] = lambda: None) -> Job:
        """Analyse a video file in the background: the work goes on when the page is closed.

        The studio keeps a copy of its own; ``clear_up`` is called when the file is needed no more, whatever came of it.
        """
        return self._jobs.submit(
            study_id, Path(upload.name).name, lambda progress: self.ingest(study_id, upload, progress).id, clear_up
        )

    def catch_up(self) -> None:
        """Finish clips that were added but not made ready before the studio was killed, from its own copy of them.

        Clips of which only the labels were imported stay as they are.
        """
        for study in self.store.studies():
            for clip in self.store.clips(study.id):
                without_video = clip.status == "failed" and self.files.media(clip) is None
                if clip.status != "ready" and not without_video:
                    try:
                        self._ingest.finish(clip, self.predictions)
                    except ClipRefused as refusal:
                        self.store.set_clip_status(clip.id, "failed", error=str(refusal))

    def jobs(self, study_id: int) -> list[Job]:
        """The analyses of a study since the studio started, oldest first."""
        return self._jobs.of(study_id)

    @property
    def busy(self) -> int:
        """How many analyses run or wait, with those of all studios that share the line."""
        return len(self._jobs.line)

    def cancel(self, job_id: int) -> None:
        """Stop an analysis."""
        self._jobs.cancel(job_id)

    def clip(self, clip_id: int) -> ClipRecord:
        """One clip."""
        return self.store.clip(clip_id)

    def find_clip(self, clip_id: int) -> ClipRecord | None:
        """One clip, None when there is no such clip (any more)."""
        try:
            return self.store.clip(clip_id)
        except NotFoundError:
            return None

    def clips(self, study_id: int, annotator_id: int, only: int | None = None) -> WorkList:
        """The queue of a person: every clip (or ``only`` one) with the reasons to look at it, in the order of work."""
        return self._queue.cards(self.study(study_id), self.version(study_id), annotator_id, only)

    def find_emotion(self, study_id: int, emotion: str, *, by_people: bool) -> tuple[list[Moment], int]:
        """The clearest moments of an emotion over all clips, and how many clips the model has yet to look through."""
        return self._queue.moments(self.study(study_id), self.version(study_id), emotion, by_people=by_people)

    def delete_clips(self, clip_ids: Sequence[int], annotator_id: int) -> None:
        """Take clips out of their study; one undo brings them back for a day, then they are gone with all files."""
        clips = [self.store.clip(clip_id) for clip_id in clip_ids]
        self.store.delete_clips(clip_ids, annotator_id)
        for clip in clips:
            self.predictions.forget(clip)
            self._queue.forget(clip)

    def forget_removed(self, keep: timedelta = REGRET) -> None:
        """Delete clips for good that were taken out longer ago: files, tracks, thumbnails, annotations, suggestions."""
        removed = [clip for study in self.studies() for clip in self.store.clips(study.id, removed=True)]
        for clip in removed:
            if clip.deleted is not None and datetime.now(UTC) - clip.deleted >= keep:
                try:
                    self.store.purge(clip.id)
                except NotFoundError:  # brought back just now, or another process was first
                    continue
                self.predictions.forget(clip)
                others = [each.sha256 for study in self.studies() for each in self._clips_of(study.id)]
                self.files.remove(clip, tracks_too=clip.sha256 not in others)

    def media(self, clip_id: int) -> Path | None:
        """The file of a clip that browsers can play."""
        return self.files.media(self.store.clip(clip_id))

    def thumbnail(self, clip_id: int) -> Path | None:
        """A small picture of a clip."""
        return self.files.thumbnail(self.store.clip(clip_id))

    def tracks(self, clip_id: int) -> dict[str, Track]:
        """The tracks of a clip by modality."""
        return self.predictions.tracks(self.store.clip(clip_id))

    # --- suggestions ----------------------------------------------------------------------------------------------

    def timeline(
        self,
        clip_id: int,
        annotator_id: int,
        *,
        compare_to: int | None = None,
        review: bool = False,
    ) -> dict[str, Any]:
        """Everything the timeline of a clip shows, as plain JSON values; ``compare_to`` adds an earlier version's.

        With ``review`` the lane to write on is the consensus, and what people say stands in for the suggestions.
        """
        clip = self.store.clip(clip_id)
        study = self.store.study(clip.study_id)
        version = self.version(clip.study_id)
        tracks = self.predictions.tracks(clip)
        said = self.store.annotations(clip_id=clip_id)
        settled = self.store.consensus().id if review else None
        by_people = [each for each in said if each.annotator_id != settled]
        return {
            "clip": timeline.clip(clip),
            "emotions": timeline.emotions(study.emotions),
            "suggestions": timeline.what_people_say(by_people) if review else self._shown(clip, version),
            "before": None if compare_to is None else self._shown(clip, self.version(study.id, compare_to)),
            "annotations": [timeline.annotation(each, settled or annotator_id) for each in said],
            "review": review,
            "mode": study.settings.mode,
            "unsure": study.settings.unsure,
            **self._visit(clip, annotator_id),
            "lanes": timeline.lanes(tracks),
            "words": timeline.words(tracks),
            "segment_s": self.settings.segment_s,
            "hop_s": self.settings.hop_s,
            "can_undo": self.store.can_undo(study.id, annotator_id),
            "can_redo": self.store.can_redo(study.id, annotator_id),
            "version": timeline.version(version),
        }

    def adapted(self, study_id: int, version_id: int | None = None) -> AdaptedModel:
        """The model of a version of a study, the active one by default."""
        return self.predictions.adapted(self.version(study_id, version_id))

    def corrections(self, study_id: int) -> list[AnnotationRecord]:
        """All annotations of a study, in the order in which they were made."""
        return sorted(self.store.annotations(study_id=study_id), key=lambda annotation: annotation.id)

    # --- adaptation -----------------------------------------------------------------------------------------------

    def readiness(self, study_id: int, whose: Whose | None = None) -> tuple[Counter[str], str]:
        """The corrections per emotion, and what is missing before the model can adapt to them (empty: nothing).

        ``whose`` corrections: everybody's or one annotator's; None: as last time.
        """
        # Every page asks after every correction, and all corrections of the study are read for it.
        return self._counting.ask(
            (study_id, whose), lambda: self._adapting.readiness(self.store.study(study_id), whose)
        )

    def adapt(
        self,
        study_id: int,
        annotator_id: int,
        progress: Progress | None = None,
        *,
        unlabelled: bool | None = None,
        whose: Whose | None = None,
    ) -> AdaptationReport:
        """Learn from the corrections of a study, and with ``unlabelled`` from the segments without one, too.

        A new model version becomes the active one. ``whose`` as in :meth:`readiness`; None, of either: as last time.

        Raises :class:`app.adapting.NotEnoughCorrections` when something is missing first.
        """
        study = self.store.study(study_id)
        return self._adapting.adapt(study, annotator_id, progress or (lambda share, stage: None), unlabelled, whose)

    def personal(self, study_id: int, annotator_id: int, emotions: Sequence[str]) -> AdaptedModel:
        """The shipped model adapted to one annotator's corrections alone, to look at. Raises as :meth:`adapt`."""
        return self._adapting.personal(self.store.study(study_id), annotator_id, emotions)

    def learns_from(self, study_id: int) -> Whose:
        """Whose corrections the last adaptation of a study learned from; everybody's before the first."""
        return self._adapting.learns_from(study_id)

    def uses_unlabelled(self, study_id: int) -> bool:
        """Whether the last adaptation of a study learned from unlabelled segments as well; True before the first."""
        return self._adapting.uses_unlabelled(study_id)

    def changes(self, study_id: int, before_id: int, after_id: int) -> list[Change]:
        """The stretches of a study's clips that two model versions answer differently."""
        return self._adapting.changes(study_id, self.version(study_id, before_id), self.version(study_id, after_id))

    def versions(self, study_id: int) -> list[ModelVersionRecord]:
        """The model versions of a study that can answer, oldest first."""
        return self._adapting.versions(study_id)

    def version(self, study_id: int, version_id: int | None = None) -> ModelVersionRecord:
        """A model version of a study, the active one by default. Raises ``NotFoundError`` for one of another study."""
        if version_id is None:
            return self._adapting.active(study_id)
        for version in self._adapting.versions(study_id):
            if version.id == version_id:
                return version
        raise NotFoundError("There is no such model version in this study.")

    def activate(self, version_id: int, annotator_id: int) -> ModelVersionRecord:
        """Make a model version the active one: the one click to go back."""
        return self.store.activate(version_id, annotator_id)

    # --- the label set --------------------------------------------------------------------------------------------

    def add_emotion(self, study_id: int, name: str, annotator_id: int) -> StudyRecord:
        """One more emotion of a study."""
        self.store.add_emotion(study_id, canonical(name), annotator_id)
        return self._relabelled(study_id, annotator_id)

    def rename_emotion(self, study_id: int, old: str, new: str, annotator_id: int) -> StudyRecord:
        """Give an emotion another name; its annotations and the model's answers follow."""
        self.store.rename_emotion(study_id, old, new, annotator_id)
        return self._relabelled(study_id, annotator_id)

    def merge_emotions(self, study_id: int, source: str, into: str, annotator_id: int) -> StudyRecord:
        """Make one emotion a part of another; its annotations and the model's answers follow."""
        self.store.merge_emotions(study_id, source, into, annotator_id)
        return self._relabelled(study_id, annotator_id)

    def recolour_emotion(self, study_id: int, name: str, colour: str, annotator_id: int) -> StudyRecord:
        """Give an emotion another colour, ``#rrggbb``."""
        return self.store.recolour_emotion(study_id, name, colour, annotator_id)

    def _relabelled(self, study_id: int, annotator_id: int) -> StudyRecord:
        self._adapting.follow(study_id, annotator_id)
        return self.study(study_id)

    # --- inside ---------------------------------------------------------------------------------------------------

    def _clips_of(self, study_id: int) -> list[ClipRecord]:
        return self.store.clips(study_id) + self.store.clips(study_id, removed=True)

    def _visit(self, clip: ClipRecord, annotator_id: int) -> dict[str, Any]:
        """Where a person was last on a clip, whether they have finished it, and how fast they press a key."""
        seen = next(
            (
                each
                for each in self.store.visits(clip.study_id)
                if (each.clip_id, each.annotator_id) == (clip.id, annotator_id)
            ),
            None,
        )
        reaction = next((each.reaction_s for each in self.store.annotators() if each.id == annotator_id), None)
        return {
            "position_s": seen.position_s if seen else 0.0,
            "finished": bool(seen and seen.finished),
            "reaction_s": reaction,
        }

    def _shown(self, clip: ClipRecord, version: ModelVersionRecord) -> list[dict[str, Any]]:
        return [timeline.suggestion(each) for each in self.predictions.kept_suggestions(clip, version, self.store)]
