"""The annotations of studies, kept in memory and brought up to date from the log: a look costs what has changed since.

Pages ask for all annotations of a study or a clip after every correction. The log says which ones have changed, in this
process or another; only these are read from the database.
"""

import threading
from bisect import insort
from collections import OrderedDict

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from annotations import labels
from annotations.records import AnnotationRecord
from annotations.schema import Clip, Event

#: Studies that are remembered, the ones asked for last.
MOST_STUDIES = 4
#: Where more has changed than this, everything is read anew.
MOST_CHANGES = 400


class Remembered:
    """Annotations by study; safe to share between threads."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._studies: OrderedDict[int, _Study] = OrderedDict()

    def of_study(self, session: Session, study_id: int, clip_id: int | None = None) -> list[AnnotationRecord]:
        """The annotations in sight of a study, or of one of its clips, by clip and start."""
        study = self._study(study_id)
        return study.all(session) if clip_id is None else study.on(session, clip_id)

    def of_clip(self, session: Session, clip_id: int) -> list[AnnotationRecord]:
        """All annotations in sight of a clip, by start."""
        study_id = session.scalar(select(Clip.study_id).where(Clip.id == clip_id))
        return [] if study_id is None else self._study(study_id).on(session, clip_id)

    def _study(self, study_id: int) -> "_Study":
        with self._guard:
            study = self._studies.setdefault(study_id, _Study(study_id))
            self._studies.move_to_end(study_id)
            while len(self._studies) > MOST_STUDIES:
                self._studies.popitem(last=False)
            return study


class _Study:
    """One study as the log was after the event ``_last``."""

    def __init__(self, study_id: int) -> None:
        self._id = study_id
        self._guard = threading.Lock()
        self._last = -1
        self._by_id: dict[int, AnnotationRecord] = {}
        self._by_clip: dict[int, list[AnnotationRecord]] = {}

    def all(self, session: Session) -> list[AnnotationRecord]:
        with self._guard:
            self._catch_up(session)
            return [each for clip_id in sorted(self._by_clip) for each in self._by_clip[clip_id]]

    def on(self, session: Session, clip_id: int) -> list[AnnotationRecord]:
        with self._guard:
            self._catch_up(session)
            return list(self._by_clip.get(clip_id, ()))

    def _catch_up(self, session: Session) -> None:
        # The log is looked at before the annotations: what is written in between is read again next time.
        newest = session.scalar(select(func.max(Event.id))) or 0
        if self._last < 0:
            self._read_all(session)
        elif newest > self._last:
            since = select(Event.entity, Event.entity_id, Event.kind)
            since = since.where(Event.id > self._last, Event.study_id == self._id)
            news = session.execute(since.limit(MOST_CHANGES + 1)).all()
            if len(news) > MOST_CHANGES or any(_moves_clips(entity, kind) for entity, _, kind in news):
                self._read_all(session)
            else:
                self._read(session, {entity_id for entity, entity_id, _ in news if entity == "annotation"})
        self._last = newest

    def _read_all(self, session: Session) -> None:
        self._last, self._by_id, self._by_clip = -1, {}, {}
        for record in labels.records(session, study_id=self._id):
            self._by_id[record.id] = record
            self._by_clip.setdefault(record.clip_id, []).append(record)

    def _read(self, session: Session, changed: set[int]) -> None:
        for annotation_id in changed & self._by_id.keys():
            former = self._by_id.pop(annotation_id)
            self._by_clip[former.clip_id].remove(former)
        for record in labels.records(session, among=changed) if changed else ():
            self._by_id[record.id] = record
            insort(self._by_clip.setdefault(record.clip_id, []), record, key=_order)


def _moves_clips(entity: str, kind: str) -> bool:
    """Whether an event brings a clip in or out of sight with all that is on it."""
    return entity == "clip" and kind.endswith(("removed", "restored", "purged"))


def _order(record: AnnotationRecord) -> tuple[float, int]:
    return record.start_s, record.id
