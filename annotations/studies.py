"""Studies with their emotions, and annotators."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import chain, product
from typing import Any, get_args

from sqlalchemy import select
from sqlalchemy.orm import Session

from annotations import events, validation
from annotations.events import STUDIO, Actor
from annotations.records import AnnotationError, LaneKind, Mode, NotFoundError, StudySettings
from annotations.schema import Annotator, Emotion, Study

#: Colours that colour-blind people can tell apart: Okabe & Ito (2008) without black, then Tol's "muted" (2021).
PALETTE = (
    "#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7", "#999999",
    "#332288", "#88ccee", "#117733", "#ddcc77", "#882255", "#44aa99", "#cc6677", "#999933", "#aa4499",
)  # fmt: skip

#: The name of the lane of what reviewers have settled.
CONSENSUS = "Consensus"
#: The longest reaction time that is believed, seconds.
SLOWEST_S = 3.0

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
        add(study, emotion)
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


def change_settings(session: Session, study: Study, changes: Mapping[str, Any], actor: Actor) -> None:
    """Change how a study is worked on: fields of :class:`StudySettings`; of the mix, only the reasons named."""
    before = asdict(study.record().settings)
    unknown = set(changes) - set(before)
    if unknown:
        raise AnnotationError(f"A study has no setting {', '.join(sorted(unknown))}.")
    wanted = {**before, **changes}
    if wanted["mode"] not in get_args(Mode):
        raise AnnotationError(f"The mode of a study is {' or '.join(get_args(Mode))}, not {wanted['mode']!r}.")
    wanted["unsure"] = validation.share(wanted["unsure"], "The threshold of uncertainty")
    named = {str(reason): _weight(weight, str(reason)) for reason, weight in wanted["mix"].items()}
    wanted["mix"] = {**before["mix"], **named}
    if wanted == before:
        return
    study.settings = asdict(StudySettings(**wanted))
    events.append(
        session, actor, "settings changed", "settings", study.id, study_id=study.id, before=before, after=study.settings
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
    return {"name": study.name, "emotions": [validation.plain(asdict(each.record())) for each in study.emotions]}


def annotator(session: Session, name: str) -> Annotator:
    """The person of that name, new where there is none. Raises for the name of the consensus."""
    found = lane(session, name)
    if found.kind == "consensus":
        raise AnnotationError(f"{found.name} is the lane of what has been settled; choose another name.")
    return found


def consensus(session: Session) -> Annotator:
    """The lane of what reviewers have settled, made at first use."""
    found = session.scalars(select(Annotator).where(Annotator.kind == "consensus")).first()
    if found:
        return found
    taken = set(session.scalars(select(Annotator.name)))
    names = chain([CONSENSUS], (f"{CONSENSUS} {number}" for number in range(2, len(taken) + 3)))
    return _new_annotator(session, next(name for name in names if name not in taken), "consensus")


def lane(session: Session, name: str) -> Annotator:
    """The person of that name, or the consensus where it has it; a new person where there is none."""
    name = validation.name(name, "An annotator")
    found = session.scalars(select(Annotator).where(Annotator.name == name)).first()
    if found:
        return found
    return consensus(session) if name == CONSENSUS else _new_annotator(session, name, "person")


def set_reaction(session: Session, person: Annotator, reaction_s: float | None) -> None:
    """Keep a person's reaction time, seconds; None forgets it."""
    before = {"name": person.name, "reaction_s": person.reaction_s}
    if reaction_s is not None:
        reaction_s = validation.number(reaction_s, "The reaction time")
        if not 0 <= reaction_s <= SLOWEST_S:
            raise AnnotationError(f"A reaction time lies between 0 and {SLOWEST_S:g} s, not at {reaction_s:g} s.")
    person.reaction_s = reaction_s
    events.append(
        session,
        Actor.of(person),
        "reaction time set",
        "annotator",
        person.id,
        study_id=None,
        before=before,
        after={"name": person.name, "reaction_s": reaction_s},
    )


def _new_annotator(session: Session, name: str, kind: LaneKind) -> Annotator:
    person = Annotator(name=name, created=datetime.now(UTC), kind=kind)
    session.add(person)
    session.flush()
    events.append(
        session,
        STUDIO if kind == "consensus" else Actor.of(person),
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


def _weight(weight: float, reason: str) -> float:
    clean = validation.number(weight, f"The weight of {reason!r}")
    if clean < 0:
        raise AnnotationError(f"The weight of {reason!r} must be 0 or more, not {clean:g}.")
    return clean


def add(study: Study, name: str) -> None:
    """One more emotion with a letter and a colour of its own. Raises where the study has it already."""
    name = free_name(study, name)
    position = max((emotion.position for emotion in study.emotions), default=-1) + 1
    letter = free_letter(name, (emotion.letter for emotion in study.emotions))
    used = {emotion.colour for emotion in study.emotions}
    colour = next((colour for colour in PALETTE if colour not in used), PALETTE[position % len(PALETTE)])
    study.emotions.append(Emotion(position=position, name=name, letter=letter, colour=colour))


def free_name(study: Study, name: str, itself: Emotion | None = None) -> str:
    """A name that no other emotion of the study has. Raises where one does."""
    name = validation.name(name, "An emotion")
    if any(name.casefold() == each.name.casefold() for each in study.emotions if each is not itself):
        raise AnnotationError(f"The emotion {name!r} is there twice.")
    return name


def degrees_by_todays_names(study: Study, degrees: Mapping[str, float]) -> dict[str, float]:
    """Degrees that were given under names of long ago, under the names of now; of two that became one, the higher."""
    names = {emotion.name for emotion in study.emotions}
    now = {former: emotion.name for emotion in study.emotions for former in emotion.former or ()}
    found: dict[str, float] = {}
    for name, degree in degrees.items():
        today = name if name in names else now.get(name, name)
        found[today] = max(found.get(today, 0.0), degree)
    return found
