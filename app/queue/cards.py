"""The queue of a study: one card per clip with its reasons and how far people are with it, in the order of work."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from annotations.records import (
    AnnotationRecord,
    AnnotatorRecord,
    ClipRecord,
    ModelVersionRecord,
    StudyRecord,
    VisitRecord,
)
from annotations.store import Store
from app.predictions import Predictions
from app.queue import reasons, search
from app.queue.looking import Found, Looking
from app.queue.order import USUAL, arrange
from app.queue.reasons import Kind, Reason, Spot
from app.queue.search import Moment
from app.stretches import covered

#: So long an answer about the queue waits for clips that were not looked through yet, seconds.
PATIENCE_S = 0.6


@dataclass(frozen=True)
class ClipCard:
    """A clip as the queue shows it to one person.

    ``mine`` of its ``corrections`` are this person's and label a share ``labelled`` of it. ``finished`` by this person;
    ``finished_by`` names the others who are. ``lead`` is the reason that gave it its place, None where none did.
    """

    id: int
    name: str
    duration_s: float
    notes: tuple[str, ...]
    has_video: bool
    mine: int
    corrections: int
    labelled: float
    finished: bool
    finished_by: tuple[str, ...]
    reasons: tuple[Reason, ...]
    lead: Kind | None


@dataclass(frozen=True)
class WorkList:
    """The cards in the order of work; ``looking`` clips among them were not looked through by the model yet.

    ``left`` is where this person was last: a clip's id and seconds; None before the first clip.
    """

    cards: tuple[ClipCard, ...]
    looking: int
    left: tuple[int, float] | None


class Queue:
    """Puts the clips of a study in order for a person, and finds moments of an emotion in all of them."""

    def __init__(self, store: Store, predictions: Predictions, origin: "Queue | None" = None) -> None:
        self._store = store
        self._looking = Looking(predictions, origin._looking if origin else None)

    def cards(
        self, study: StudyRecord, version: ModelVersionRecord, annotator_id: int, only: int | None = None
    ) -> WorkList:
        """Every clip of the study with the reasons to look at it, ordered by the study's mix; or ``only`` one clip."""
        clips = self._clips(study.id) if only is None else [self._store.clip(only)]
        found = self._looking.at(clips, version, PATIENCE_S)
        said: dict[int, list[AnnotationRecord]] = defaultdict(list)
        for each in self._store.annotations(study_id=study.id, clip_id=only):
            said[each.clip_id].append(each)
        seen: dict[int, dict[int, VisitRecord]] = defaultdict(dict)
        for visit in self._store.visits(study.id):
            seen[visit.clip_id][visit.annotator_id] = visit
        people = {person.id: person for person in self._store.annotators()}
        why = {
            clip.id: _reasons(study, clip, found.get(clip.id), said[clip.id], seen[clip.id], people, annotator_id)
            for clip in clips
        }
        by_id = {clip.id: clip for clip in clips}
        cards = tuple(
            _card(by_id[clip_id], lead, why[clip_id], said[clip_id], seen[clip_id], people, annotator_id)
            for clip_id, lead in arrange(why, study.settings.mix)
        )
        own = [visits[annotator_id] for visits in seen.values() if annotator_id in visits]
        last = max(own, key=lambda visit: visit.opened, default=None)
        return WorkList(cards, len(clips) - len(found), (last.clip_id, last.position_s) if last else None)

    def moments(
        self, study: StudyRecord, version: ModelVersionRecord, emotion: str, *, by_people: bool
    ) -> tuple[list[Moment], int]:
        """The moments of an emotion over all clips of a study, the clearest first, by people's labels or by the model.

        Also returns how many clips the model has not looked through yet.
        """
        clips = self._clips(study.id)
        if by_people:
            return search.by_people(clips, self._store.annotations(study_id=study.id), emotion), 0
        found = self._looking.at(clips, version, PATIENCE_S)
        return search.by_model(clips, found, emotion), len(clips) - len(found)

    def forget(self, clip: ClipRecord) -> None:
        """Look through a clip anew: it is another one than before."""
        self._looking.forget(clip)

    def _clips(self, study_id: int) -> list[ClipRecord]:
        return [clip for clip in self._store.clips(study_id) if clip.status == "ready"]


def _reasons(
    study: StudyRecord,
    clip: ClipRecord,
    found: Found | None,
    said: Sequence[AnnotationRecord],
    seen: Mapping[int, VisitRecord],
    people: Mapping[int, AnnotatorRecord],
    annotator_id: int,
) -> tuple[Reason, ...]:
    """What still speaks for a look by this person: nothing that they have labelled already.

    On a clip that they have finished, people's disagreements and the random check still count.
    """
    mine = [(each.start_s, each.end_s) for each in said if each.annotator_id == annotator_id]
    settled = [(each.start_s, each.end_s) for each in said if people[each.annotator_id].kind == "consensus"]
    persons = [each for each in said if people[each.annotator_id].kind == "person"]
    spots: dict[Kind, list[Spot]] = {
        "disagreement": reasons.disagreements(persons, settled),
        "check": reasons.without(reasons.check(study.id, clip.id, clip.duration_s), mine),
    }
    if annotator_id not in seen or seen[annotator_id].finished is None:
        if not said and not seen:
            spots["new"] = [Spot(0.0, clip.duration_s)]
        if found is not None and found.taught:
            spots["unsure"] = reasons.without(reasons.unsure(found.moments, study.settings.unsure), mine)
            spots["contradiction"] = reasons.without(found.contradictions, mine)
            spots["change"] = reasons.without(found.changes, mine)
    return tuple(
        Reason(kind, tuple(spots[kind]), _strength(kind, spots[kind], clip.duration_s))
        for kind in USUAL
        if spots.get(kind)
    )


def _strength(kind: Kind, spots: Sequence[Spot], duration_s: float) -> float:
    """How much speaks for a clip: the share of it that a reason is about, or the changes a second."""
    about = len(spots) if kind == "change" else sum(spot.end_s - spot.start_s for spot in spots)
    return about / duration_s


def _card(
    clip: ClipRecord,
    lead: Kind | None,
    why: tuple[Reason, ...],
    said: Sequence[AnnotationRecord],
    seen: Mapping[int, VisitRecord],
    people: Mapping[int, AnnotatorRecord],
    annotator_id: int,
) -> ClipCard:
    mine = [(each.start_s, each.end_s) for each in said if each.annotator_id == annotator_id]
    finished = [person_id for person_id, visit in seen.items() if visit.finished is not None]
    return ClipCard(
        id=clip.id,
        name=clip.name,
        duration_s=clip.duration_s,
        notes=clip.notes,
        has_video=clip.has_video,
        mine=len(mine),
        corrections=len(said),
        labelled=min(1.0, covered(mine) / clip.duration_s),
        finished=annotator_id in finished,
        finished_by=tuple(people[person_id].name for person_id in finished if person_id != annotator_id),
        reasons=why,
        lead=lead,
    )
