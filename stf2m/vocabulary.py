"""One vocabulary of emotions for data sets, models and people, with the aliases that corpora use.

A study may use any emotion names; only names listed here are recognised across spellings. Everything else is
kept as written, lower case, so that an emotion nobody thought of is as good as the classical ones.
"""

#: Emotions known to the shipped model, in the order used on screens.
EMOTIONS: tuple[str, ...] = (
    "angry",
    "calm",
    "contempt",
    "disgust",
    "fearful",
    "happy",
    "neutral",
    "sad",
    "surprised",
)

_ALIASES = {
    "angry": ("anger", "ang", "wut", "mad"),
    "bored": ("boredom",),
    "calm": ("calmness", "relaxed"),
    "contempt": ("contemptuous", "scorn"),
    "disgust": ("disgusted", "dis", "ekel"),
    "fearful": ("fear", "afraid", "anxiety", "anxious", "scared", "fea", "angst"),
    "happy": ("happiness", "joy", "joyful", "hap", "freude"),
    "neutral": ("neu", "none"),
    "sad": ("sadness", "sorrow", "trauer"),
    "surprised": ("surprise", "sur", "astonished"),
}
_CANONICAL = {alias: name for name, aliases in _ALIASES.items() for alias in (name, *aliases)}


def canonical(name: str) -> str:
    """Return the vocabulary's name for an emotion: ``canonical("Anger") == "angry"``.

    Unknown names come back lower case with single spaces. Raises ``ValueError`` for an empty name.
    """
    word = " ".join(name.split()).lower()
    if not word:
        raise ValueError("An emotion needs a name.")
    return _CANONICAL.get(word, word)
