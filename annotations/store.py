"""The store: every use case one method with its own short transaction; what it returns are frozen records."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Unpack

from sqlalchemy.orm import Session

from annotations import (
    backup,
    clips,
    engine,
    events,
    guarding,
    importing,
    interchange,
    label_sets,
    labels,
    migrations,
    studies,
    undoing,
    versions,
    visits,
)
from annotations.events import Actor
from annotations.guarding import Deed, MayWrite
from annotations.interchange import ImportReport, StudyFile
from annotations.records import (
    AnnotationRecord,
    AnnotatorRecord,
    AnswerRecord,
    ClipRecord,
    ClipStatus,
    Edit,
    EventRecord,
    ModelVersionRecord,
    NewVersion,
    PaintedRecord,
    StaleWrite,
    StudyRecord,
    SuggestionRecord,
    VisitRecord,
)
from annotations.remembered import Remembered


class Store:
    """One database, used by any number of threads and processes.

    Writes return once they are on the disk. Every method raises :class:`~annotations.records.NotFoundError` for an id
    that is not there, :class:`~annotations.records.AnnotationError` for what cannot be done and
    :class:`~annotations.records.StoreError` where the database does not work; each message is one plain sentence.

    ``annotator_id`` says who does it; None where it is the studio itself.
    """

    def __init__(self, url: str, may_write: MayWrite | None = None):
        """Open the database at an SQLAlchemy URL, making or upgrading its tables where needed.

        ``may_write`` is asked before anything is kept and raises :class:`~annotations.guarding.NotAllowed`.
        """
        self._may_write = may_write
        self._engine = engine.connect(url)
        self._writer = engine.writer(self._engine)
        self._turn = engine.turns(self._engine)
        self._remembered = Remembered()
        with self._plain_errors(), self._turn:
            migrations.upgrade(self._engine)

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()

    # studies and people

    def create_study(self, name: str, emotions: Sequence[str], annotator_id: int | None = None) -> StudyRecord:
        """A new study with its emotions in this order; letters and colours are given to them."""
        with self._write() as session:
            return studies.create(session, name, emotions, self._actor(session, annotator_id)).record()

    def studies(self) -> list[StudyRecord]:
        """All studies, oldest first."""
        with self._read() as session:
            return [study.record() for study in studies.every(session)]

    def study(self, study_id: int) -> StudyRecord:
        """One study."""
        with self._read() as session:
            return studies.get(session, study_id).record()

    def rename_study(self, study_id: int, name: str, annotator_id: int | None = None) -> StudyRecord:
        """Give a study another name."""
        with self._write() as session:
            study = studies.get(session, study_id)
            studies.rename(session, study, name, self._actor(session, annotator_id))
            return study.record()

    def change_settings(self, study_id: int, annotator_id: int | None = None, **changes: Any) -> StudyRecord:
        """Change how a study is worked on; ``changes`` are fields of :class:`~annotations.records.StudySettings`."""
        with self._write() as session:
            study = studies.get(session, study_id)
            studies.change_settings(session, study, changes, self._actor(session, annotator_id))
            return study.record()

    def add_emotion(self, study_id: int, name: str, annotator_id: int | None = None) -> StudyRecord:
        """Add an emotion at the end of a study's list."""
        with self._write() as session:
            study = studies.get(session, study_id)
            label_sets.add(session, study, name, self._actor(session, annotator_id))
            return study.record()

    def rename_emotion(self, study_id: int, old: str, new: str, annotator_id: int | None = None) -> StudyRecord:
        """Rename an emotion of a study with all its annotations; one undo takes it back."""
        with self._write() as session:
            study = studies.get(session, study_id)
            label_sets.rename(session, study, old, new, self._actor(session, annotator_id))
            return study.record()

    def merge_emotions(self, study_id: int, source: str, into: str, annotator_id: int | None = None) -> StudyRecord:
        """Make ``source`` a part of ``into``, with all its annotations; one undo takes it back."""
        with self._write() as session:
            study = studies.get(session, study_id)
            label_sets.merge(session, study, source, into, self._actor(session, annotator_id))
            return study.record()

    def recolour_emotion(self, study_id: int, name: str, colour: str, annotator_id: int | None = None) -> StudyRecord:
        """Give an emotion another colour, ``#rrggbb``."""
        with self._write() as session:
            study = studies.get(session, study_id)
            label_sets.recolour(session, study, name, colour, self._actor(session, annotator_id))
            return study.record()

    def annotator(self, name: str) -> AnnotatorRecord:
        """The person of that name, new where there is none. Raises for the name of the consensus."""
        with self._write() as session:
            return studies.annotator(session, name).record()

    def consensus(self) -> AnnotatorRecord:
        """The lane of what reviewers have settled, made at first use."""
        with self._write() as session:
            return studies.consensus(session).record()

    def set_reaction(self, annotator_id: int, reaction_s: float | None) -> AnnotatorRecord:
        """Keep a person's reaction time, seconds; None forgets it."""
        with self._write() as session:
            person = studies.get_annotator(session, annotator_id)
            studies.set_reaction(session, person, reaction_s)
            return person.record()

    def annotators(self) -> list[AnnotatorRecord]:
        """All annotators by name."""
        with self._read() as session:
            return [person.record() for person in studies.annotators(session)]

    # clips

    def add_clip(
        self,
        study_id: int,
        sha256: str,
        name: str,
        *,
        duration_s: float,
        has_video: bool,
        has_sound: bool,
        notes: Sequence[str] = (),
        annotator_id: int | None = None,
    ) -> ClipRecord:
        """The clip with this content in this study: new and ``waiting``, or the one that is there already.

        A removed clip is restored.
        """
        new = clips.NewClip(sha256, name, duration_s, has_video, has_sound, notes)
        with self._write() as session:
            return clips.add(session, study_id, new, self._actor(session, annotator_id)).record()

    def clips(self, study_id: int, *, removed: bool = False) -> list[ClipRecord]:
        """The clips of a study in the order they were added; the removed ones instead with ``removed``."""
        with self._read() as session:
            return [clip.record() for clip in clips.of_study(session, study_id, removed=removed)]

    def clip(self, clip_id: int) -> ClipRecord:
        """One clip that is not removed."""
        with self._read() as session:
            return clips.get(session, clip_id).record()

    def set_clip_status(
        self, clip_id: int, status: ClipStatus, *, error: str = "", notes: Sequence[str] | None = None
    ) -> ClipRecord:
        """Say how far a clip's analysis is; ``error`` is the sentence for ``failed``, ``notes`` replaces its notes."""
        with self._write() as session:
            clip = clips.get(session, clip_id)
            clips.set_status(session, clip, status, error, notes)
            return clip.record()

    def delete_clip(self, clip_id: int, annotator_id: int | None = None) -> None:
        """Take a clip and everything on it out of sight; undo and :meth:`restore` bring it back."""
        self.delete_clips([clip_id], annotator_id)

    def delete_clips(self, clip_ids: Sequence[int], annotator_id: int | None = None) -> None:
        """Take several clips out of sight, all or none; one undo brings them back."""
        with self._write() as session:
            clips.remove(session, clip_ids, self._actor(session, annotator_id))

    def restore(self, clip_id: int, annotator_id: int | None = None) -> ClipRecord:
        """Bring a removed clip back."""
        with self._write() as session:
            clip = clips.get_removed(session, clip_id)
            clips.restore(session, clip, self._actor(session, annotator_id))
            return clip.record()

    def purge(self, clip_id: int, annotator_id: int | None = None) -> None:
        """Forget a removed clip with its annotations and suggestions for good; its files are the caller's to delete."""
        with self._write() as session:
            clips.purge(session, clips.get_removed(session, clip_id), self._actor(session, annotator_id))

    # how far people are

    def visit(self, clip_id: int, annotator_id: int, position_s: float) -> VisitRecord:
        """Remember where a person is on a clip, seconds."""
        with self._write() as session:
            clip, person = clips.get(session, clip_id), studies.get_annotator(session, annotator_id)
            if self._may_write:  # it is no event, which would be asked about
                self._may_write(Deed("clip visited", "visit", person.name, person.id, {person.id: person.kind}))
            return visits.visit(session, clip, person, position_s).record()

    def finish(self, clip_id: int, annotator_id: int, finished: bool = True) -> VisitRecord:
        """Say that a person has finished a clip, or has not after all."""
        with self._write() as session:
            clip, person = clips.get(session, clip_id), studies.get_annotator(session, annotator_id)
            return visits.finish(session, clip, person, finished).record()

    def visits(self, study_id: int) -> list[VisitRecord]:
        """How far everybody is with the clips of a study."""
        with self._read() as session:
            return [each.record() for each in visits.of_study(session, study_id)]

    # annotations

    def annotate(
        self,
        clip_id: int,
        annotator_id: int,
        start_s: float,
        end_s: float,
        degrees: Mapping[str, float],
        *,
        intensity: float | None = None,
        note: str = "",
        suggestion: SuggestionRecord | AnswerRecord | None = None,
        painted: PaintedRecord | None = None,
        by: int | None = None,
    ) -> AnnotationRecord:
        """A new annotation. ``degrees`` in (0, 1] per emotion; ``suggestion`` is the one that it answers, if any.

        ``by`` is who does it where it is not the annotator: a reviewer who settles the consensus.
        """
        content = labels.Changes(
            start_s=start_s, end_s=end_s, degrees=degrees, intensity=intensity, note=note, painted=painted
        )
        with self._write() as session:
            clip, lane = clips.get(session, clip_id), studies.get_annotator(session, annotator_id)
            actor = self._actor(session, by or annotator_id)
            return labels.create(session, clip, lane, content, suggestion, actor=actor).record()

    def change(
        self, annotation_id: int, version: int, annotator_id: int, **changes: Unpack[labels.Changes]
    ) -> AnnotationRecord:
        """Change an annotation that is still in ``version``; ``annotator_id`` is who does it.

        Raises :class:`~annotations.records.StaleWrite` where it is not; nothing is written then.
        """
        with self._write() as session:
            return labels.change(session, annotation_id, version, self._actor(session, annotator_id), changes).record()

    def edit(
        self, clip_id: int, annotator_id: int, edits: Sequence[Edit], *, by: int | None = None
    ) -> list[AnnotationRecord | None]:
        """Make, change and remove several annotations of a lane at once: all of it or nothing, and one undo.

        Returns what each edit left behind, None where it removed. Raises as :meth:`change`; ``by`` as in
        :meth:`annotate`.
        """
        with self._write() as session:
            clip, lane = clips.get(session, clip_id), studies.get_annotator(session, annotator_id)
            left = labels.edit(session, clip, lane, self._actor(session, by or annotator_id), edits)
            return [each.record() if each else None for each in left]

    def restore_annotation(
        self, annotation_id: int, event_id: int, version: int | None, annotator_id: int
    ) -> AnnotationRecord:
        """Bring back what an event of :meth:`history` left; ``version`` is the one seen, None where it was removed.

        Raises :class:`~annotations.records.StaleWrite` where somebody changed it meanwhile.
        """
        with self._write() as session:
            actor = self._actor(session, annotator_id)
            return labels.restore(session, annotation_id, event_id, version, actor).record()

    def remove(self, annotation_id: int, version: int, annotator_id: int) -> None:
        """Remove an annotation that is still in ``version``; raises :class:`~annotations.records.StaleWrite` if not."""
        with self._write() as session:
            labels.remove(session, annotation_id, version, self._actor(session, annotator_id))

    def annotation(self, annotation_id: int) -> AnnotationRecord:
        """One annotation that is not removed."""
        with self._read() as session:
            return labels.get(session, annotation_id).record()

    def annotations(
        self,
        clip_id: int | None = None,
        study_id: int | None = None,
        annotator_id: int | None = None,
        *,
        start_s: float | None = None,
    ) -> list[AnnotationRecord]:
        """The annotations of a clip, a study, a person, or of these together, by clip and start.

        ``start_s``: only those that start at this moment, to the microsecond.
        """
        with self._read() as session:
            if start_s is not None:
                return labels.records(session, clip_id, study_id, annotator_id, start_s)
            if study_id is not None:
                found = self._remembered.of_study(session, study_id, clip_id)
            elif clip_id is not None:
                found = self._remembered.of_clip(session, clip_id)
            else:
                return labels.records(session, annotator_id=annotator_id)
        return [each for each in found if annotator_id in (None, each.annotator_id)]

    # undo and history

    def undo(self, study_id: int, annotator_id: int | None) -> EventRecord | None:
        """Take back this person's newest standing change in the study; None where there is none.

        Raises :class:`~annotations.records.StaleWrite` where somebody else has changed the same thing since: theirs
        stands, and the next undo goes on to this person's change before.
        """
        return self._take_back("undo", study_id, annotator_id)

    def redo(self, study_id: int, annotator_id: int | None) -> EventRecord | None:
        """Bring back what this person undid last, unless they have changed something since. Raises as :meth:`undo`."""
        return self._take_back("redo", study_id, annotator_id)

    def can_undo(self, study_id: int, annotator_id: int | None) -> bool:
        """Whether :meth:`undo` would find something."""
        with self._read() as session:
            return events.next_undo(session, study_id, annotator_id) is not None

    def can_redo(self, study_id: int, annotator_id: int | None) -> bool:
        """Whether :meth:`redo` would find something."""
        with self._read() as session:
            return events.next_redo(session, study_id, annotator_id) is not None

    def history(self, annotation_id: int) -> list[EventRecord]:
        """Everything that happened to an annotation, oldest first."""
        with self._read() as session:
            return events.of_entity(session, "annotation", annotation_id)

    def clip_history(self, clip_id: int, latest: int = 500) -> list[EventRecord]:
        """The latest events of all annotations of a clip, removed ones too, oldest first."""
        with self._read() as session:
            return events.of_annotations(session, clip_id, latest)

    def events(self, study_id: int, after_id: int = 0) -> list[EventRecord]:
        """The events of a study with an id above ``after_id``, oldest first."""
        with self._read() as session:
            return events.of_study(session, study_id, after_id)

    def count_events(self) -> dict[str, int]:
        """How many events of each kind there are, in all studies."""
        with self._read() as session:
            return events.counted(session)

    # the model's side

    def put_suggestions(self, clip_id: int, model_version_id: int, suggestions: Sequence[SuggestionRecord]) -> None:
        """Replace all suggestions of a model version for a clip."""
        with self._write() as session:
            versions.put_suggestions(session, clip_id, versions.get(session, model_version_id), suggestions)

    def suggestions(self, clip_id: int, model_version_id: int) -> list[SuggestionRecord]:
        """A model version's suggestions for a clip, by time."""
        with self._read() as session:
            return [each.record() for each in versions.suggestions(session, clip_id, model_version_id)]

    def add_model_version(
        self, study_id: int, new: NewVersion, annotator_id: int | None = None, *, activate: bool = True
    ) -> ModelVersionRecord:
        """The next model version of a study; a study's first one is active in any case."""
        with self._write() as session:
            actor = self._actor(session, annotator_id)
            return versions.add(session, study_id, new, actor, activate=activate).record()

    def model_versions(self, study_id: int) -> list[ModelVersionRecord]:
        """The model versions of a study by number."""
        with self._read() as session:
            return [version.record() for version in versions.of_study(session, study_id)]

    def active_version(self, study_id: int) -> ModelVersionRecord | None:
        """The model version that suggests now; None while the study has none."""
        with self._read() as session:
            version = versions.active(session, study_id)
            return version.record() if version else None

    def activate(self, version_id: int, annotator_id: int | None = None) -> ModelVersionRecord:
        """Make a model version the one that suggests: also the way back to an earlier one."""
        with self._write() as session:
            version = versions.get(session, version_id)
            versions.make_active(session, version, self._actor(session, annotator_id))
            return version.record()

    def corrections(self, version_id: int) -> list[AnnotationRecord]:
        """The annotations a model version learned from, as they were then and in that order, out of the log."""
        with self._read() as session:
            return versions.corrections(session, versions.get(session, version_id))

    # in and out

    def import_file(self, study: str, content: StudyFile, annotator_id: int | None = None) -> ImportReport:
        """Add to the study of that name, which may be new, what of a file is not there yet.

        All of it, or nothing where anything cannot be stored. One :meth:`undo` of who imported takes all labels back.
        """
        with self._write() as session:
            return importing.bring_in(session, study, content, self._actor(session, annotator_id))

    def export_file(self, study_id: int) -> StudyFile:
        """What a file should hold of a study."""
        with self._read() as session:
            study = studies.get(session, study_id).record()
            there = [clip.record() for clip in clips.of_study(session, study_id, removed=False)]
            return interchange.collect(study, there, labels.records(session, None, study_id))

    def backup(self, file: Path, annotator_id: int | None = None) -> None:
        """Write all that is here at this moment into a new SQLite file, while others go on working.

        Videos, tracks and models are not in it. :func:`annotations.backup.restore` brings it back, into SQLite or
        PostgreSQL.
        """
        if self._may_write:
            with self._read() as session:
                actor = self._actor(session, annotator_id)
            self._may_write(Deed("backup taken", "backup", actor.name, actor.annotator_id, {}))
        backup.take(self._engine, file)

    # transactions

    @contextmanager
    def _read(self) -> Iterator[Session]:
        with self._plain_errors(), Session(self._engine) as session:
            yield session

    @contextmanager
    def _write(self) -> Iterator[Session]:
        """One transaction with the write lock; writers queue for it here instead of polling the database."""
        with (
            self._plain_errors(),
            self._turn,
            Session(self._writer, expire_on_commit=False) as session,
            session.begin(),
        ):
            since = guarding.last_event(session) if self._may_write else 0
            yield session
            if self._may_write:
                guarding.look(session, since, self._may_write)

    def _take_back(self, way: str, study_id: int, annotator_id: int | None) -> EventRecord | None:
        with self._write() as session:
            actor = self._actor(session, annotator_id)
            outcome = (undoing.undo if way == "undo" else undoing.redo)(session, study_id, actor)
            result = outcome.record() if isinstance(outcome, events.Event) else None
        if isinstance(outcome, undoing.Overwritten):
            raise StaleWrite(outcome.message, outcome.current, {way: outcome.event_id})
        return result

    @staticmethod
    def _actor(session: Session, annotator_id: int | None) -> Actor:
        return Actor.of(None if annotator_id is None else studies.get_annotator(session, annotator_id))

    def _plain_errors(self) -> AbstractContextManager[None]:
        return engine.plain_errors(self._engine)
