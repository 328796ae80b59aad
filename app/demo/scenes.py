"""What happens in the demo clips: who feels what, when, and what is said."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from app.demo.puppet import Pose
from app.demo.voices import Sound, Voice

#: Each emotion in a face, as strengths of the actions in :mod:`app.demo.expressions`.
FACES: Mapping[str, Mapping[str, float]] = {
    "neutral": {},
    "calm": {"smile": 0.25},
    "happy": {"smile": 1.0, "teeth": 0.9, "squint": 0.45, "brow up": 0.15},
    "sad": {"inner brow": 0.85, "frown": 1.1, "stretch": 0.4, "blink": 0.25},
    "angry": {"brow down": 1.2, "squint": 1.0, "nose": 0.3, "press": 0.9, "frown": 0.3},
    "surprised": {"brow up": 1.0, "wide eyes": 1.0, "jaw": 0.55, "pout": 0.25},
    "disgust": {"nose": 1.0, "brow down": 0.45, "squint": 0.6, "frown": 0.5},
    "fearful": {"inner brow": 0.6, "brow up": 0.5, "wide eyes": 0.9, "stretch": 0.9, "jaw": 0.12},
}
#: How the head is held in each emotion.
HEADS: Mapping[str, Pose] = {
    "happy": Pose(roll=4, pitch=2),
    "sad": Pose(roll=-3, pitch=-5, dy=4),
    "angry": Pose(pitch=-3, dy=-2),
    "surprised": Pose(pitch=4, dy=-3),
    "disgust": Pose(yaw=4, roll=2),
    "fearful": Pose(pitch=2, dx=-4),
}
#: How each emotion sounds.
VOICES: Mapping[str, Voice] = {
    "neutral": Voice(),
    "calm": Voice(pitch=88, range=70, words_per_minute=140, gain_db=-2),
    "happy": Voice(pitch=125, range=170, words_per_minute=180, gain_db=3),
    "sad": Voice(pitch=72, range=35, words_per_minute=110, gain_db=-7),
    "angry": Voice(pitch=95, range=190, words_per_minute=200, gain_db=8),
    "surprised": Voice(pitch=150, range=220, words_per_minute=170, gain_db=4),
}


@dataclass(frozen=True)
class Beat:
    """One stretch of a clip: an emotion in the face, and what is heard meanwhile.

    It lasts as long as its sentences or sounds and ``seconds`` beyond. ``voice`` names another emotion for the voice.
    """

    emotion: str
    seconds: float
    says: tuple[str, ...] = ()
    sounds: tuple[Sound, ...] = ()
    voice: str = ""
    strength: float = 1.0


@dataclass(frozen=True)
class Scene:
    """A clip: the name of its file and its beats; the seed decides blinks and the head's drift."""

    name: str
    seed: int
    silent: bool
    beats: tuple[Beat, ...] = field(default=())


LAUGH = tuple(
    Sound("a", 0.16, (hz, hz * 0.85), gain_db=2, breath=0.35, pause_s=0.07) for hz in (330, 360, 345, 320, 300, 270)
)

SCENES = (
    Scene(
        "good_news_bad_news",
        seed=11,
        silent=False,
        beats=(
            Beat("calm", 0.8, ("Good morning.", "I am waiting for a letter from the observatory.")),
            Beat("surprised", 0.7, ("Oh, it is here already!", "I did not expect that!")),
            Beat("happy", 0.9, ("They said yes!", "This is wonderful, I am so happy!")),
            Beat("sad", 1.2, ("But it means leaving home.", "I will miss my friends very much.")),
            Beat("angry", 0.8, ("And somebody has opened my letter!", "How dare they, that is outrageous!")),
            Beat("calm", 1.2, ("Well.", "Tomorrow I will write back, and then we shall see.")),
        ),
    ),
    Scene(
        "mixed_signals",
        seed=23,
        silent=False,
        beats=(
            Beat("neutral", 0.6, ("Listen to the words, then look at the face.",)),
            Beat("sad", 1.0, ("No, really, I am fine.", "Everything is great."), strength=0.9),
            Beat("happy", 0.9, ("What a terrible, awful, miserable day!", "I hate everything about it!")),
            Beat("angry", 1.0, ("I am perfectly calm.", "There is no problem at all."), strength=0.9),
            Beat("neutral", 0.8, ("Thank you so much.", "That is the best present ever."), voice="happy"),
            Beat("happy", 1.2, ("Now everything agrees, and I am happy!",)),
        ),
    ),
    Scene(
        "without_words",
        seed=37,
        silent=False,
        beats=(
            Beat("calm", 0.9, sounds=(Sound("m", 1.3, (190, 205, 190, 215, 180), gain_db=-4),) * 2),
            Beat("happy", 0.9, sounds=(*LAUGH, Sound("a", 0.5, (300, 250), pause_s=0.4), *LAUGH)),
            Beat("surprised", 1.0, sounds=(Sound("o", 0.9, (220, 420, 470), gain_db=4), Sound("a", 0.6, (460, 380)))),
            Beat(
                "sad",
                1.2,
                sounds=(
                    Sound("o", 1.6, (210, 185, 150), gain_db=-6, breath=0.3, pause_s=0.4),
                    Sound("m", 1.8, (180, 165, 140), gain_db=-9, breath=0.2),
                ),
            ),
            Beat(
                "angry",
                0.8,
                sounds=(
                    Sound("e", 1.1, (150, 200, 190), gain_db=8, rough=0.12, pause_s=0.3),
                    Sound("a", 1.0, (220, 290, 240), gain_db=10, rough=0.1),
                ),
            ),
            Beat("calm", 1.0, sounds=(Sound("m", 1.6, (185, 195, 170), gain_db=-5),)),
        ),
    ),
    Scene(
        "without_sound",
        seed=41,
        silent=True,
        beats=(
            Beat("neutral", 3.0),
            Beat("happy", 4.0),
            Beat("surprised", 3.0),
            Beat("disgust", 3.2),
            Beat("neutral", 1.5),
            Beat("angry", 3.5),
            Beat("fearful", 3.2),
            Beat("sad", 4.0),
            Beat("calm", 2.5),
        ),
    ),
)
