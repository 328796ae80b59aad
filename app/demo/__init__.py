"""The clips that the studio's first study opens with: a photograph that is moved like a puppet, no recording of anyone.

:mod:`app.demo.render` makes them from a public-domain photograph and a synthetic voice.
"""

from dataclasses import dataclass
from pathlib import Path

#: What a clip says of itself, with and without sound.
CAPTION = "Demo: a public-domain photograph, animated; synthetic voice"
SILENT_CAPTION = "Demo: a public-domain photograph, animated; no sound"

_FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Demo:
    """A demo clip: its file, its subtitles where it has words, a title, and what there is to see in it."""

    path: Path
    title: str
    about: str
    subtitles: Path | None = None


#: In the order in which a newcomer should meet them.
DEMOS: tuple[Demo, ...] = (
    Demo(
        _FOLDER / "good_news_bad_news.mp4",
        "Good news, bad news",
        "Face, voice and words agree: calm, surprised, happy, sad, angry and calm again.",
        _FOLDER / "good_news_bad_news.srt",
    ),
    Demo(
        _FOLDER / "mixed_signals.mp4",
        "Mixed signals",
        "The words say one thing, the face and the voice another, as in irony.",
        _FOLDER / "mixed_signals.srt",
    ),
    Demo(
        _FOLDER / "without_words.mp4",
        "Without words",
        "Humming, laughter, a gasp, sighs and growls: a voice and a face, but not one word.",
    ),
    Demo(
        _FOLDER / "without_sound.mp4",
        "Without sound",
        "A silent film: only the face tells.",
    ),
)
