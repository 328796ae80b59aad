"""Studies with their emotions, and annotators."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import chain, product

from sqlalchemy import select
from sqlalchemy.orm import Session

from annotations import events, validation
from annotations.events import Actor
from annotations.records import AnnotationError, NotFoundError
from annotations.schema import Annotator, Emotion, Study

#: Colours that colour-blind people can tell apart: Okabe & Ito (2008) without black, then Tol's "muted" (2021).
PALETTE = (
    "#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7", "#999999",
    "#332288", "#88ccee", "#117733", "#ddcc77", "#882255", "#44aa99", "#cc6677", "#999933", "#aa4499",
)  # fmt: skip

_LETTERS = "abcdefghijklmnopqrstuvwxyzαβγδεζηθικλμνξοπρστυφχψωбгджийлпфцчшщэюя"


def create(session: Session, name: str, emotions: Sequence[str], actor: Actor) -> Study:
    """A new study. Raises where the name is taken or the emotions are none, empty or doubled."""
    name = validation.name(name, "A study")
    if named(session, name):
        raise AnnotationError(f"There is already a study called {name!r}.")
    if isinstance(emotions, str) or not emotions:
        raise AnnotationError("A study needs at least one emotion.")
    study = Study(name=name, created=datetime.now(UTC))
    for emotion in emotions:
        _add(study, emotion)
    session.add(study)
    session.flush()
    events.append(
        session, actor, "study created", "study", study.id, study_id=study.id, before=None, after=state(study)
    )
    return study


def rename(session: Session, study: Study, name: str, actor: Actor) -> None:
    """Give a study another name. Raises where it is taken."""
    name = validation.name(name, "A study")
    if (named(session, name) or study) is not study:
        raise AnnotationError(f"There is already a study called {name!r}.")
    before = state(study)
    study.name = name
    events.append(
        session, actor, "study renamed", "study", study.id, study_id=study.id, before=before, after=state(study)
    )


def add_emotion(session: Session, study: Study, name: str, actor: Actor) -> None:
    """One more emotion at the end of the list. Raises where the study has it already."""
    before = state(study)
    _add(study, name)
    events.append(
        session, actor, "emotion added", "study", study.id, study_id=study.id, before=before, after=state(study)
    )


def named(session: Session, name: str) -> Study | None:
    """The study of that name, if there is one."""
    return session.scalars(select(Study).where(Study.name == validation.name(name, "A study"))).first()


def every(session: Session) -> Sequence[Study]:
    """All studies, oldest first."""
    return session.scalars(select(Study).order_by(Study.id)).all()


def get(session: Session, study_id: int) -> Study:
    """A study by id. Raises :class:`NotFoundError`."""
    study = session.get(Study, study_id)
    if study is None:
        raise NotFoundError(f"There is no study {study_id}.")
    return study


def state(study: Study) -> events.State:
    """What the log keeps of a study."""
    emotions = [{"name": each.name, "letter": each.letter, "colour": each.colour} for each in study.emotions]
    return {"name": study.name, "emotions": emotions}


def annotator(session: Session, name: str) -> Annotator:
    """The annotator of that name, new where there is none."""
    name = validation.name(name, "An annotator")
    found = session.scalars(select(Annotator).where(Annotator.name == name)).first()
    if found:
        return found
    person = Annotator(name=name, created=datetime.now(UTC))
    session.add(person)
    session.flush()
    events.append(
        session,
        Actor.of(person),
        "annotator created",
        "annotator",
        person.id,
        study_id=None,
        before=None,
        after={"name": name},
    )
    return person


def get_annotator(session: Session, annotator_id: int) -> Annotator:
    """An annotator by id. Raises :class:`NotFoundError`."""
    person = session.get(Annotator, annotator_id)
    if person is None:
        raise NotFoundError(f"There is no annotator {annotator_id}.")
    return person


def annotators(session: Session) -> Sequence[Annotator]:
    """All annotators by name."""
    return session.scalars(select(Annotator).order_by(Annotator.name)).all()


def free_letter(name: str, taken: Iterable[str]) -> str:
    """The first letter of the name that is free, else of the alphabets, else a free pair of letters.

    >>> free_letter("sad", {"s"})
    'a'
    """
    used = set(taken)
    return next(letter for letter in _candidates(name) if letter not in used)


def _candidates(name: str) -> Iterator[str]:
    own = (letter for letter in name.casefold() if letter.isalpha())
    pairs = ("".join(pair) for pair in product(_LETTERS, repeat=2))
    return chain(own, _LETTERS, pairs)


def _add(study: Study, name: str) -> None:
    name = validation.name(name, "An emotion")
    if any(name.casefold() == emotion.name.casefold() for emotion in study.emotions):
        raise AnnotationError(f"The emotion {name!r} is there twice.")
    position = len(study.emotions)
    letter = free_letter(name, (emotion.letter for emotion in study.emotions))
    colour = PALETTE[position % len(PALETTE)]
    study.emotions.append(Emotion(position=position, name=name, letter=letter, colour=colour))
