"""Learning from the corrections of a study: a new model version, what it changed, and honest figures about it."""

import contextvars
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from annotations.records import AnnotationRecord, ClipRecord, ModelVersionRecord, NotFoundError, StudyRecord
from annotations.store import Store
from annotations.versions import NewVersion
from app import label_set
from app.held_out import HeldOut, held_out, learned, right
from app.jobs import PlainError
from app.predictions import Predictions
from app.settings import Settings
from app.support import EVERYBODY, Support, Teacher, Whose, by, missing, per_emotion, support_set, teacher
from app.unlabelled import Unlabelled, gather
from stf2m.adaptation import AdaptedModel, SupportError
from stf2m.rule_edits import NO_EDITS, RuleEdits, edits_in
from stf2m.weights import Progress


class NotEnoughCorrections(PlainError):  # noqa: N818 - what happened, in a person's words
    """There is too little to adapt to; the message says how many of what are missing."""


@dataclass(frozen=True)
class Change:
    """A stretch of a clip that two model versions answer differently."""

    clip_id: int
    clip: str
    start_s: float
    end_s: float
    before: str
    after: str


@dataclass(frozen=True)
class AdaptationReport:
    """What an adaptation did: the new version, the seconds it took, figures on held-out corrections, what changed.

    ``unlabelled`` counts the segments without a label from which it learned beside the corrections, ``left_out`` those
    with which it would not have answered as the corrections say; ``unused`` counts corrections of stretches where
    nobody is seen or heard.
    """

    version: ModelVersionRecord
    previous: ModelVersionRecord
    seconds: float
    per_emotion: Mapping[str, int]
    held_out: HeldOut | None
    changes: Sequence[Change]
    unlabelled: int
    left_out: int
    unused: int


@dataclass(frozen=True, eq=False)
class Lessons:
    """What a model version learned from: ``corrections``, and the ``support`` made of them, whose owners they are."""

    corrections: Sequence[AnnotationRecord]
    support: Support


class Adapting:
    """Makes model versions of a study from its corrections."""

    def __init__(self, settings: Settings, store: Store, predictions: Predictions) -> None:
        self._settings = settings
        self._store = store
        self._predictions = predictions
        self._model = predictions.model
        self._renewing = threading.Lock()

    def start(
        self,
        study: StudyRecord,
        annotator_id: int | None,
        edits: RuleEdits = NO_EDITS,
        edited: Sequence[str] = (),
    ) -> ModelVersionRecord:
        """The model as shipped, as the first version of a study; or with the rules that people ``edited``."""
        meanings = label_set.meanings(study)
        emotions = [name for name in study.emotion_names if self._knows(meanings[name])]
        emotions = emotions if len(emotions) > 1 else list(study.emotion_names)
        base = self._predictions.base([meanings[name] for name in emotions])
        figures = {"checkpoint": self._predictions.checkpoint, **({"edited": list(edited)} if edits else {})}
        file = self._predictions.keep(base.named(emotions).with_edits(edits))
        kind = "adapted" if edits else "base"
        return self._store.add_model_version(study.id, NewVersion(kind, emotions, file, figures=figures), annotator_id)

    def versions(self, study_id: int) -> list[ModelVersionRecord]:
        """The versions of a study that the present checkpoint can run, oldest first."""
        return [version for version in self._store.model_versions(study_id) if self._runs(version)]

    def active(self, study_id: int) -> ModelVersionRecord:
        """The version of a study that answers now; where a new checkpoint came since, made again with that one."""
        version = self._store.active_version(study_id)
        if version is not None and self._runs(version):
            return version
        with self._renewing:
            version = self._store.active_version(study_id)
            if version is not None and self._runs(version):
                return version
            # In a context in which nobody asks: it is the studio's own doing, whoever happened to need it first.
            return contextvars.Context().run(self._renew, study_id, version)

    def readiness(self, study: StudyRecord, whose: Whose | None = None) -> tuple[Counter[str], str]:
        """The corrections per emotion, and what is missing before the model can adapt to them (empty: nothing).

        ``whose`` corrections: everybody's or one annotator's; None: as last time.
        """
        whose = self.learns_from(study.id) if whose is None else whose
        corrections = self._corrections(study, whose)
        meanings = label_set.meanings(study)
        known = [name for name in study.emotion_names if self._knows(meanings[name])]
        lacking = missing(corrections, study.emotion_names, known)
        if lacking and whose != EVERYBODY:
            lacking = f"From {self._named(whose)} alone: {lacking}"
        return per_emotion(corrections), lacking

    def learns_from(self, study_id: int) -> Whose:
        """Whose corrections the last adaptation of a study learned from; everybody's before the first.

        Everybody's as well where those of the one it learned from are all gone.
        """
        adapted = [each for each in self.versions(study_id) if each.kind == "adapted"]
        who = teacher(adapted[-1]) if adapted else None
        return who.id if who and self._corrections(self._store.study(study_id), who.id) else EVERYBODY

    def uses_unlabelled(self, study_id: int) -> bool:
        """Whether the last adaptation of a study learned from unlabelled segments as well; True before the first."""
        chosen = [each.figures["unlabelled"] for each in self.versions(study_id) if "unlabelled" in each.figures]
        return chosen[-1] is not None if chosen else True

    def adapt(
        self,
        study: StudyRecord,
        annotator_id: int,
        progress: Progress,
        unlabelled: bool | None = None,
        whose: Whose | None = None,
    ) -> AdaptationReport:
        """Learn from the corrections of a study and, with ``unlabelled``, from the segments without a correction.

        ``whose`` corrections: everybody's, with the consensus for the people's where it says something, or one
        annotator's. None, of either: as last time. Raises :class:`NotEnoughCorrections`.
        """
        whose = self.learns_from(study.id) if whose is None else whose
        counts, lacking = self.readiness(study, whose)
        if lacking:
            raise NotEnoughCorrections(lacking)
        progress(0.1, "Reading the corrections")
        corrections = self._corrections(study, whose)
        meaning = label_set.meanings(study)
        emotions = [name for name in study.emotion_names if name in counts or self._knows(meaning[name])]
        meanings = [meaning[name] for name in emotions]
        others = None
        if self.uses_unlabelled(study.id) if unlabelled is None else unlabelled:
            clips = self._ready(study.id)
            others = self._unlabelled(clips, corrections, lambda share, stage: progress(0.1 + 0.3 * share, stage))
        progress(0.4, "Adapting")
        try:
            support = self._support(corrections, emotions)
            adapted, seconds = learned(self._model, support, meanings, others)
        except SupportError as error:
            raise NotEnoughCorrections(str(error)) from error
        progress(0.5, "Testing on corrections left out")
        tested = held_out(self._model, self._predictions.base(meanings), support, meanings, others)
        previous = self.active(study.id)
        figures = {
            "checkpoint": self._predictions.checkpoint,
            "seconds": seconds,
            "per_emotion": dict(counts),
            "held_out": asdict(tested) if tested else None,
            "unlabelled": others.identity if others else None,
            "in_company": adapted.in_company,
            "whose": None if whose == EVERYBODY else asdict(self._teacher(whose)),
        }
        edits = self._edits(study, previous)
        figures |= {"edited": previous.figures.get("edited", [])} if edits else {}
        file = self._predictions.keep(adapted.named(emotions).with_edits(edits))
        new = NewVersion("adapted", emotions, file, previous.id, corrections, figures)
        version = self._store.add_model_version(study.id, new, annotator_id)
        progress(0.8, "Looking at what changed")
        unused = len(corrections) - len(np.unique(support.owner))
        changes = self.changes(study.id, previous, version)
        there = len(others.encoded) if others else 0
        used = there if adapted.in_company else 0
        return AdaptationReport(version, previous, seconds, counts, tested, changes, used, there - used, unused)

    def personal(self, study: StudyRecord, annotator_id: int, emotions: Sequence[str]) -> AdaptedModel:
        """The shipped model adapted to one annotator's corrections alone, to look at: it is no version of the study.

        Raises :class:`NotEnoughCorrections`.
        """
        _, lacking = self.readiness(study, annotator_id)
        if lacking:
            raise NotEnoughCorrections(lacking)
        meaning = label_set.meanings(study)
        try:
            support = self._support(self._corrections(study, annotator_id), emotions)
            adapted, _ = learned(self._model, support, [meaning[name] for name in emotions], None)
        except SupportError as error:
            raise NotEnoughCorrections(f"From {self._named(annotator_id)} alone: {error}") from error
        return adapted.named(emotions)

    def follow(self, study_id: int, annotator_id: int) -> ModelVersionRecord:
        """After the label set of a study changed: the version that answers for the emotions of now becomes active.

        It is the newest that there is; else one that learns anew from the corrections, or the shipped model.
        """
        study = self._store.study(study_id)
        for version in (self.active(study_id), *reversed(self.versions(study_id))):
            if self._answers_for(version, study):
                return version if version.active else self._store.activate(version.id, annotator_id)
        if self.active(study_id).kind == "adapted" and not self.readiness(study)[1]:
            return self.adapt(study, annotator_id, lambda share, stage: None).version
        was = self.active(study_id)
        base = self.start(study, annotator_id, self._edits(study, was), was.figures.get("edited", []))
        return self._store.activate(base.id, annotator_id)

    def _answers_for(self, version: ModelVersionRecord, study: StudyRecord) -> bool:
        """Whether a version names only emotions that the study has, and all of them that the shipped model knows."""
        meanings = label_set.meanings(study)
        known = {name for name in study.emotion_names if self._knows(meanings[name])}
        return known <= set(version.emotions) <= set(study.emotion_names)

    def lessons(self, version: ModelVersionRecord) -> Lessons:
        """What a version learned from, as far as the clips are still there."""
        there = {clip.id for clip in self._ready(version.study_id)}
        corrections = [each for each in self._store.corrections(version.id) if each.clip_id in there]
        emotions = self._predictions.adapted(version).emotions
        try:
            support = self._support(corrections, emotions)
        except SupportError:
            nothing = np.zeros(0)
            support = Support(self._model.encode([]), np.zeros((0, len(emotions))), nothing, nothing.astype(np.intp))
        return Lessons(corrections, support)

    def right(self, study: StudyRecord, models: Sequence[AdaptedModel]) -> tuple[int, list[int]]:
        """How many corrections there are where somebody is seen or heard, and how many of them each model answers with
        their emotion.
        """
        corrections = self._corrections(study, EVERYBODY)
        if not corrections:
            return 0, [0] * len(models)
        try:
            support = self._support(corrections, study.emotion_names)
        except SupportError:
            return 0, [0] * len(models)
        return len(np.unique(support.owner)), [right(model, support, study.emotion_names) for model in models]

    def changes(self, study_id: int, before: ModelVersionRecord, after: ModelVersionRecord) -> list[Change]:
        """The stretches of a study's clips that two model versions answer differently."""
        return [
            Change(clip.id, clip.name, start_s, end_s, was, now)
            for clip in self._ready(study_id)
            for start_s, end_s, was, now in self._predictions.differences(clip, before, after)
        ]

    def _runs(self, version: ModelVersionRecord) -> bool:
        return version.figures.get("checkpoint") == self._predictions.checkpoint

    def _renew(self, study_id: int, outdated: ModelVersionRecord | None) -> ModelVersionRecord:
        """The shipped model, and after it the outdated version's lessons learned anew, from the clips still there."""
        study = self._store.study(study_id)
        edits = self._edits_for_this_model(outdated)
        edited = outdated.figures.get("edited", []) if outdated else []
        base = self.start(study, None)
        if outdated is None or not outdated.corrections:
            return self._store.activate(self.start(study, None, edits, edited).id if edits else base.id)
        there = {clip.id: clip for clip in self._ready(study_id)}
        corrections = [each for each in self._store.corrections(outdated.id) if each.clip_id in there]
        emotions, chosen = list(outdated.emotions), outdated.figures.get("unlabelled")
        others = None
        if chosen:
            clips = [there[each] for each in chosen["clips"] if each in there]
            others = self._unlabelled(clips, corrections, lambda share, stage: None)
        try:
            meaning = label_set.meanings(study)
            meanings = [meaning.get(name, name) for name in emotions]
            adapted, seconds = learned(self._model, self._support(corrections, emotions), meanings, others)
        except SupportError:
            return self._store.activate(base.id)
        adapted = adapted.named(emotions).with_edits(edits)
        figures = {"checkpoint": self._predictions.checkpoint, "seconds": seconds, "renewed": outdated.number}
        figures |= {"in_company": adapted.in_company}
        figures |= {"edited": edited} if edits else {}
        if "unlabelled" in outdated.figures:
            figures["unlabelled"] = others.identity if others else None
        figures["whose"] = outdated.figures.get("whose")
        new = NewVersion("adapted", emotions, self._predictions.keep(adapted), base.id, corrections, figures)
        return self._store.add_model_version(study_id, new)

    def _edits(self, study: StudyRecord, version: ModelVersionRecord) -> RuleEdits:
        """The edits of a version's rules, with the emotions by the names they have in the study today."""
        today = {former: emotion.name for emotion in study.emotions for former in emotion.former}
        names = set(study.emotion_names)
        edits = self._predictions.adapted(version).edits
        return edits.renamed(lambda name: name if name in names else today.get(name, name))

    def _edits_for_this_model(self, outdated: ModelVersionRecord | None) -> RuleEdits:
        """What of the edits of a version, which another checkpoint made, can be carried over to this one."""
        if outdated is None or not outdated.figures.get("edited"):
            return NO_EDITS
        cues = [cue.name for cue in self._model.variables]
        return edits_in(self._predictions.content(outdated)).for_another_model(cues)

    def _corrections(self, study: StudyRecord, whose: Whose) -> list[AnnotationRecord]:
        """What there is to learn from, in the order in which it was made, which makes adapting repeatable."""
        ready = {clip.id for clip in self._ready(study.id)}
        if not ready:
            return []
        made = sorted(self._store.annotations(study_id=study.id), key=lambda annotation: annotation.id)
        settled = {each.id for each in self._store.annotators() if each.kind == "consensus"}
        return by(whose, [each for each in made if each.clip_id in ready], settled)

    def _teacher(self, whose: Whose) -> Teacher:
        for each in self._store.annotators():
            if each.id == whose:
                return Teacher(each.id, each.name, each.kind)
        raise NotFoundError(f"There is no annotator {whose}.")

    def _named(self, whose: Whose) -> str:
        return self._teacher(whose).called

    def _knows(self, meaning: str) -> bool:
        return meaning in self._predictions.known_emotions

    def _ready(self, study_id: int) -> list[ClipRecord]:
        """The clips of a study that have been analysed, in the order in which they were added."""
        return sorted(
            (clip for clip in self._store.clips(study_id) if clip.status == "ready"), key=lambda each: each.id
        )

    def _unlabelled(
        self, clips: Sequence[ClipRecord], corrections: Sequence[AnnotationRecord], progress: Progress
    ) -> Unlabelled:
        return gather(clips, corrections, self._predictions, self._settings, progress)

    def _support(self, corrections: Sequence[AnnotationRecord], emotions: Sequence[str]) -> Support:
        clips = {each.clip_id: self._store.clip(each.clip_id) for each in corrections}
        return support_set(
            corrections,
            emotions,
            lambda correction, pieces: self._predictions.encode(clips[correction.clip_id], pieces),
            self._settings.segment_s,
        )
