"""What words say by themselves: valence, emphasis, negation, by the VADER lexicon of English.

C. J. Hutto and E. Gilbert (2014), *VADER: A parsimonious rule-based model for sentiment analysis of social media
text*, ICWSM. A word the lexicon does not have counts as neutral, which is why text in another language gets no numbers.
"""

import string
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

_STRONGEST = 4.0  # the lexicon's valences go from −4 to 4
_OWN = frozenset({"i", "me", "my", "mine", "myself", "i'm", "i've", "i'd", "i'll"})
# fmt: off
_ENGLISH = frozenset({
    "the", "and", "of", "to", "is", "you", "that", "it", "not", "with", "for", "this", "my", "your", "have", "be",
    "are", "what", "we", "they", "but", "don't", "do", "was", "he", "she", "his", "her", "there", "can't", "i'm",
    "it's", "i", "how", "who", "why", "would", "could", "about", "our", "their", "them", "from", "at",
})
# fmt: on
_ENOUGH_TO_TELL = 10


@dataclass(frozen=True)
class Said:
    """A sentence in numbers.

    ``valences``: of each word, −1..1 (negation and emphasis around it counted in, by VADER's rules); ``valence``:
    of the whole, −1..1 (VADER's compound score). The others are shares of its words, or 0 and 1.
    """

    valences: tuple[float, ...]
    emphatic: tuple[bool, ...]
    negating: tuple[bool, ...]
    own: tuple[bool, ...]
    valence: float
    question: float
    exclamation: float


def read_sentence(words: Sequence[str]) -> Said:
    """Numbers of a sentence of English words, punctuation attached to them."""
    from vaderSentiment.vaderSentiment import BOOSTER_DICT, SentiText, negated

    vader = _vader()
    text = " ".join(words)
    tokens = SentiText(text).words_and_emoticons
    valences: list[float] = []
    for place, token in enumerate(tokens):
        if token.lower() in BOOSTER_DICT:
            valences.append(0.0)
        else:
            valences = vader.sentiment_valence(0, SentiText(text), token, place, valences)
    plain = [word.strip(string.punctuation + "“”‘’…").lower().replace("’", "'") for word in words]
    end = text.rstrip("\"'”’) ")[-3:]
    return Said(
        valences=tuple(max(-1.0, min(1.0, valence / _STRONGEST)) for valence in valences),
        emphatic=tuple(BOOSTER_DICT.get(word, 0) > 0 for word in plain),
        negating=tuple(word == "no" or negated([word]) for word in plain),
        own=tuple(word in _OWN for word in plain),
        valence=float(vader.polarity_scores(text)["compound"]),
        question=float("?" in end),
        exclamation=float("!" in end),
    )


def looks_english(words: Sequence[str]) -> bool:
    """Whether words can be English: among ten or more, at least one in ten is a common English function word."""
    plain = [word.strip(string.punctuation).lower().replace("’", "'") for word in words]
    return len(plain) < _ENOUGH_TO_TELL or sum(word in _ENGLISH for word in plain) >= len(plain) / 10


@cache
def _vader() -> "SentimentIntensityAnalyzer":
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    return SentimentIntensityAnalyzer()
