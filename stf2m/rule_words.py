"""Rules as people write them: ``IF brow lowering is high AND loudness is high THEN angry 0.8, sad 0.2``, read and told.

Case and spaces do not matter, conditions are joined by AND or commas, degrees may be left out or given in per cent.
Cues of the face may be called by the names or numbers of their action units (FACS), too. What cannot be read is refused
in one sentence that names the word at fault and the nearest known one.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches

from stf2m.fuzzy import MOST_CONDITIONS, TERMS

#: Own words for the terms of a cue: ``{"smile": {"high": "broad"}}``.
Words = Mapping[str, Mapping[str, str]]

#: What coders of faces call a cue: the action units of Ekman, Friesen & Hager 2002 by number and name.
FACS: Mapping[str, str] = {
    alias: cue
    for number, name, cue in (
        (1, "inner brow raiser", "inner brow raise"),
        (2, "outer brow raiser", "brow raise"),
        (4, "brow lowerer", "brow lowering"),
        (5, "upper lid raiser", "eye opening"),
        (6, "cheek raiser", "cheek raise"),
        (7, "lid tightener", "eye squint"),
        (9, "nose wrinkler", "nose wrinkle"),
        (10, "upper lip raiser", "upper lip raise"),
        (12, "lip corner puller", "smile"),
        (15, "lip corner depressor", "mouth corners down"),
        (17, "chin raiser", "chin raise"),
        (18, "lip puckerer", "lip pucker"),
        (20, "lip stretcher", "mouth stretch"),
        (24, "lip pressor", "lip press"),
        (26, "jaw dropper", "jaw drop"),
    )
    for alias in (f"au {number}", f"au{number}", name)
}

EXAMPLE = "IF smile is high AND loudness is high THEN happy"
MOST_LETTERS = 24
#: The longest rule in words, in characters.
LONGEST = 400

#: A number at the end; it begins at no digit within another number, so that none is read more than twice.
_NUMBER = re.compile(r"(?P<number>(?:-|(?<!\d))(?:\d++(?:\.\d++)?+|\.\d++))\s*+(?P<percent>%?)$")
_RESERVED = {"if", "and", "or", "not", "is", "then"}


class RuleError(ValueError):
    """A rule or a change of one that makes no sense; the message is one plain sentence for the person who made it."""


def read(
    text: str, cues: Iterable[str], emotions: Iterable[str], words: Words
) -> tuple[tuple[tuple[str, str], ...], dict[str, float]]:
    """A rule in words as its conditions ``(cue, term)``, terms being those of :data:`stf2m.fuzzy.TERMS`, and the degree
    of every emotion that it names, in (0, 1] to two places.

    ``words`` are understood beside the terms' own names. Raises :class:`RuleError`.
    """
    if len(text) > LONGEST:
        raise RuleError(f"A rule has {LONGEST} characters at most; this one has {len(text)}.")
    told = " ".join(text.split()).strip(" .;")
    premise, then, answer = (part.strip() for part in _around(told, "then"))
    premise = re.sub(r"^if\b\s*", "", premise, flags=re.IGNORECASE).rstrip(" ,")
    if not then or not premise or not answer:
        lacking = "THEN" if not then else "a condition before THEN" if not premise else "an emotion after THEN"
        raise RuleError(f"This rule lacks {lacking}; write it like “{EXAMPLE}”.")
    return _conditions(premise, tuple(cues), words), _degrees(answer, tuple(emotions))


def told(conditions: Iterable[tuple[str, str]], degrees: Mapping[str, float]) -> str:
    """A rule as a sentence, from its conditions and the emotions it names; :func:`read` reads it back."""
    premise = " AND ".join(f"{cue} is {term}" for cue, term in conditions)
    return f"IF {premise} THEN {', '.join(f'{name} {degree:.2f}' for name, degree in degrees.items())}"


def word(words: Words, cue: str, term: str) -> str:
    """What a term of a cue is called."""
    return words.get(cue, {}).get(term, term)


def term_called(words: Words, cue: str, called: str) -> str:
    """The term of a cue that is called so, by its own name or the one it was given. Raises :class:`RuleError`."""
    known = {**{term: term for term in TERMS}, **{_plain(word(words, cue, term)): term for term in TERMS}}
    found = known.get(_plain(called))
    if found is None:
        can_be = [word(words, cue, term) for term in TERMS]
        raise RuleError(
            f"“{cue}” can be {', '.join(can_be[:-1])} or {can_be[-1]}, not “{called}”{_nearest(called, known)}"
        )
    return found


def new_word(words: Words, cue: str, term: str, called: str) -> str:
    """The word for a term from now on, tidied. Raises :class:`RuleError` for one that would confuse."""
    tidy = " ".join(called.split())
    parts = tidy.casefold().split()
    if not tidy or len(tidy) > MOST_LETTERS or not all(re.fullmatch(r"[^\W\d_][^\W\d_’'-]*", part) for part in parts):
        raise RuleError(f"A term needs a name of letters, {MOST_LETTERS} at most; “{tidy}” is none.")
    if reserved := _RESERVED & set(parts):
        raise RuleError(f"“{min(reserved)}” has a meaning of its own in rules; choose another word.")
    others = [each for each in TERMS if each != term]
    if _plain(tidy) in {_plain(each) for each in (*others, *(word(words, cue, other) for other in others))}:
        raise RuleError(f"Another term of “{cue}” is called “{tidy}” already.")
    if _plain(tidy) == _plain(word(words, cue, term)):
        raise RuleError(f"This term of “{cue}” is called “{tidy}” already.")
    return tidy


def _conditions(premise: str, cues: Sequence[str], words: Words) -> tuple[tuple[str, str], ...]:
    if re.search(r"\bor\b", premise, re.IGNORECASE):
        raise RuleError("A rule has no OR; write a rule of its own for each case.")
    found: dict[str, str] = {}
    parts = [part.strip() for part in re.split(r",\s*and\b|\band\b|,", premise, flags=re.IGNORECASE)]
    for part in parts:
        said, between, called = (each.strip() for each in _around(part, "is"))
        if not (said and between and called):
            raise RuleError(f"“{part}” is no condition; write one like “smile is high”{_meant(part, cues, words)}")
        unit = FACS.get(_plain(said), "")
        cue = unit if unit in cues else _known(said, cues, "cue")
        if cue in found:
            raise RuleError(f"“{cue}” stands in this rule twice; a rule asks for a cue once.")
        found[cue] = term_called(words, cue, called)
    if len(found) > MOST_CONDITIONS:
        raise RuleError(f"A rule has {MOST_CONDITIONS} conditions at most; this one has {len(found)}.")
    return tuple(found.items())


def _degrees(answer: str, emotions: Sequence[str]) -> dict[str, float]:
    parts = [part.strip() for part in answer.split(",")]
    if len(parts) == 1 and _plain(answer) not in map(_plain, emotions):
        parts = [part.strip() for part in re.split(r"\band\b", answer, flags=re.IGNORECASE)]
    given: dict[str, float | None] = {}
    for part in parts:
        if re.search(r"\bor\b", part, re.IGNORECASE) and _plain(part) not in map(_plain, emotions):
            raise RuleError("A rule has no OR; give each emotion its degree, like “angry 0.8, sad 0.2”.")
        name, degree = _degree(part, emotions)
        if name in given:
            raise RuleError(f"“{name}” stands after THEN twice.")
        given[name] = degree
    without = [name for name, degree in given.items() if degree is None]
    if without and len(given) > 1:
        raise RuleError(f"Give “{without[0]}” a degree, too, like “angry 0.8, sad 0.2”.")
    degrees = {name: 1.0 if degree is None else degree for name, degree in given.items()}
    if sum(degrees.values()) > 1 + 0.005 * len(degrees):
        raise RuleError(f"The degrees add up to {sum(degrees.values()):.2f}; together they can be 1 at most.")
    return degrees


def _degree(part: str, emotions: Sequence[str]) -> tuple[str, float | None]:
    """An emotion and its degree, None where none is given; a name may end in a number itself."""
    if _plain(part) in map(_plain, emotions):
        return _known(part, emotions, "emotion"), None
    numbered = _NUMBER.search(part)
    if not numbered:
        return _known(part, emotions, "emotion"), None
    name = _known(part[: numbered.start()].rstrip(" :="), emotions, "emotion")
    degree = round(float(numbered["number"]) / (100 if numbered["percent"] else 1), 2)
    if not 0 < degree <= 1:
        raise RuleError(f"A degree is 0.01 at least and 1 at most, not “{numbered['number']}” as of “{name}”.")
    return name, degree


def _known(said: str, names: Sequence[str], what: str) -> str:
    by_plain = {_plain(name): name for name in names}
    if _plain(said) in by_plain:
        return by_plain[_plain(said)]
    if not said:
        raise RuleError(f"The name of {'an' if what == 'emotion' else 'a'} {what} is missing; write “{EXAMPLE}”.")
    near = _nearest(said, by_plain)
    if near == "." and what == "emotion":
        near = f"; it can be {', '.join(names)}."
    raise RuleError(f"There is no {what} “{said}”{near}")


def _nearest(said: str, names: Iterable[str]) -> str:
    """The end of a sentence about a word that is none of these."""
    found = get_close_matches(_plain(said), list(names), n=1, cutoff=0.5)
    return f"; did you mean “{found[0]}”?" if found else "."


def _meant(part: str, cues: Sequence[str], words: Words) -> str:
    """What somebody may have meant who left out the *is*."""
    for cue in cues:
        rest = _plain(part).removeprefix(_plain(cue)).strip()
        terms = {_plain(word(words, cue, term)): word(words, cue, term) for term in TERMS}
        if rest != _plain(part) and rest in terms:
            return f"; did you mean “{cue} is {terms[rest]}”?"
    return "."


def _around(text: str, between: str) -> tuple[str, str, str]:
    """The text before, at and after the first place where a word stands by itself."""
    found = re.search(rf"\b{between}\b", text, re.IGNORECASE)
    return (text[: found.start()], found[0], text[found.end() :]) if found else (text, "", "")


def _plain(name: str) -> str:
    """A name as it is compared: without regard to case, hyphens and spaces."""
    return " ".join(re.sub(r"[_\s-]+", " ", name.casefold()).split())
