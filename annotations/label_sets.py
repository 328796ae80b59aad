"""Changing the label set of a study while people work on it: the annotations follow, in the same undoable step."""

import re
from collections.abc import Callable
from datetime import UTC, datetime

from sqlalchemy.orm import Session

from annotations import events, labels, studies
from annotations.events import Actor, State
from annotations.records import AnnotationError
from annotations.schema import Emotion, Study


def add(session: Session, study: Study, name: str, actor: Actor) -> None:
    """One more emotion at the end of the list. Raises where the study has it already."""
    _change(session, study, actor, "emotion added", lambda: studies.add(study, name))


def rename(session: Session, study: Study, old: str, new: str, actor: Actor) -> None:
    """Give an emotion another name, and so every annotation of it. Raises where another emotion has that name."""
    emotion = find(study, old)
    new = studies.free_name(study, new, emotion)
    if new == emotion.name:
        return

    def change() -> None:
        emotion.meaning = emotion.meaning or emotion.name
        emotion.former = _names(*(emotion.former or ()), emotion.name)
        emotion.name = new

    _change(session, study, actor, "emotion renamed", change)


def merge(session: Session, study: Study, source: str, into: str, actor: Actor) -> None:
    """Make two emotions one: what was ``source`` is ``into`` from now on; of two degrees the higher one stays."""
    gone, stays = find(study, source), find(study, into)
    if gone is stays:
        raise AnnotationError("Choose two different emotions to be merged.")
    if len(study.emotions) < 3:
        raise AnnotationError("A study needs two emotions at least; these are its last two.")

    def change() -> None:
        stays.former = _names(*(stays.former or ()), *(gone.former or ()), gone.name)
        study.emotions.remove(gone)

    _change(session, study, actor, "emotions merged", change)


def recolour(session: Session, study: Study, name: str, colour: str, actor: Actor) -> None:
    """Give an emotion another colour, ``#rrggbb``."""
    emotion = find(study, name)
    if not re.fullmatch("#[0-9a-fA-F]{6}", colour):
        raise AnnotationError(f"A colour is written #rrggbb, not {colour!r}.")

    def change() -> None:
        emotion.colour = colour.lower()

    _change(session, study, actor, "emotion recoloured", change)


def find(study: Study, name: str) -> Emotion:
    """The emotion of that name. Raises ``AnnotationError`` where the study has none."""
    for emotion in study.emotions:
        if emotion.name == name:
            return emotion
    raise AnnotationError(
        f"This study has no emotion {name!r}; it has {', '.join(each.name for each in study.emotions)}."
    )


def put(session: Session, study_id: int, wanted: State | None) -> State:
    """Bring back an earlier label set, for undo and redo; returns the state of the study."""
    study = studies.get(session, study_id)
    study.emotions.clear()
    session.flush()
    for position, emotion in enumerate((wanted or {})["emotions"]):
        study.emotions.append(Emotion(position=position, **{**emotion, "former": list(emotion.get("former", ()))}))
    session.flush()
    return studies.state(study)


def _change(session: Session, study: Study, actor: Actor, kind: str, change: Callable[[], None]) -> None:
    before = studies.state(study)
    change()
    session.flush()
    actor = actor.in_a_step()
    events.append(session, actor, kind, "study", study.id, study_id=study.id, before=before, after=studies.state(study))
    names = {emotion.name for emotion in study.emotions}
    for annotation in labels.find(session, None, study.id):
        if set(annotation.degrees) <= names:
            continue
        was = labels.state(annotation)
        annotation.degrees = studies.degrees_by_todays_names(study, annotation.degrees)
        annotation.version += 1
        annotation.updated = datetime.now(UTC)
        events.append(
            session,
            actor,
            f"annotation follows: {kind}",
            "annotation",
            annotation.id,
            study_id=study.id,
            before=was,
            after=labels.state(annotation),
        )


def _names(*names: str) -> list[str]:
    return list(dict.fromkeys(names))
