"""The cues of a face: what is measured at every moment, under everyday names and in natural units."""

import numpy as np
from numpy.typing import NDArray

from stf2m.tracks import RATE_HZ, BoolArray, Cue, FloatArray
from stf2m.views._geometry import Aligned, canonical_face
from stf2m.views._landmarker import BLENDSHAPES

#: Cues that are blendshapes: the mean of those named.
_SHAPES: dict[str, tuple[str, ...]] = {
    "smile": ("mouthSmileLeft", "mouthSmileRight"),
    "mouth corners down": ("mouthFrownLeft", "mouthFrownRight"),
    "mouth stretch": ("mouthStretchLeft", "mouthStretchRight"),
    "lip press": ("mouthPressLeft", "mouthPressRight"),
    "lip pucker": ("mouthPucker",),
    "upper lip raise": ("mouthUpperUpLeft", "mouthUpperUpRight"),
    "chin raise": ("mouthShrugLower",),
    "jaw drop": ("jawOpen",),
    "brow raise": ("browOuterUpLeft", "browOuterUpRight"),
    "inner brow raise": ("browInnerUp",),
    "brow lowering": ("browDownLeft", "browDownRight"),
    "eye squint": ("eyeSquintLeft", "eyeSquintRight"),
    "looking down": ("eyeLookDownLeft", "eyeLookDownRight"),
}
CUES: tuple[Cue, ...] = (
    Cue("smile", "0–1", (0, 1), "How far the corners of the mouth are drawn up."),
    Cue("mouth corners down", "0–1", (0, 1), "How far the corners of the mouth are drawn down."),
    Cue("mouth stretch", "0–1", (0, 1), "How far the corners of the mouth are pulled sideways."),
    Cue("lip press", "0–1", (0, 1), "How hard the lips are pressed together."),
    Cue("lip pucker", "0–1", (0, 1), "How far the lips are pushed forward, as for a kiss."),
    Cue("upper lip raise", "0–1", (0, 1), "How far the upper lip is raised, showing the upper teeth."),
    Cue("chin raise", "0–1", (0, 1), "How far the chin pushes the lower lip up, as in a pout."),
    Cue("jaw drop", "0–1", (0, 1), "How far the mouth is open."),
    Cue("brow raise", "0–1", (0, 1), "How far the outer brows are raised."),
    Cue("inner brow raise", "0–1", (0, 1), "How far the inner ends of the brows are raised, as in worry."),
    Cue("brow lowering", "0–1", (0, 1), "How far the brows are drawn down and together, as in a frown."),
    Cue("eye squint", "0–1", (0, 1), "How far the eyes are narrowed."),
    Cue("looking down", "0–1", (0, 1), "How far the eyes look down."),
    Cue("lopsided smile", "0–1", (0, 0.4), "How much more one corner of the mouth is drawn up than the other."),
    Cue("eye opening", "% of eye width", (0, 60), "Height of the open eye in per cent of its width."),
    Cue("mouth width", "mm", (40, 80), "Distance of the corners of the mouth, on a face of average size."),
    Cue("cheek raise", "mm", (-3, 4), "How much higher the cheeks are than on the average face at rest."),
    Cue("nose wrinkle", "mm", (-15, 10), "How much shorter it is from the brows to the wings of the nose than usual."),
    Cue("face movement", "eye distances/s", (0, 0.5), "How fast the face changes, the movement of the head left out."),
    Cue("head movement", "°/s", (0, 60), "How fast the head turns, nods or tilts."),
    Cue("blink rate", "blinks/min", (0, 60), "Blinks in the ten seconds around, counted per minute."),
    Cue("head turn", "°", (-45, 45), "How far the head is turned; towards the right of the picture is positive."),
    Cue("head nod", "°", (-30, 30), "How far the head is raised; down is negative."),
    Cue("head tilt", "°", (-30, 30), "How far the head leans; towards the right of the picture is positive."),
)
_NAMES = [cue.name for cue in CUES]
_BLINK = 0.5  # a blink begins where the eyes are more than half closed
_BLINK_WINDOW_S = 10.0
_LEAST_WATCHED_S = 3.0


def still_cues(shapes: FloatArray, face: Aligned) -> FloatArray:
    """The cues of one picture ``(Q,)`` from its blendshapes ``(52,)`` and its aligned face; NaN for those of time."""
    shape = dict(zip(BLENDSHAPES, shapes.tolist(), strict=True))
    known = {name: float(np.mean([shape[part] for part in parts])) for name, parts in _SHAPES.items()}
    points, mean = face.points, canonical_face()[0]
    known |= {
        "lopsided smile": abs(shape["mouthSmileLeft"] - shape["mouthSmileRight"]),
        "eye opening": 50 * (_ratio(points, 159, 145, 33, 133) + _ratio(points, 386, 374, 263, 362)),
        "mouth width": 10 * _far(points, 61, 291),
        "cheek raise": 5 * float((points[[205, 425], 1] - mean[[205, 425], 1]).sum()),
        "nose wrinkle": 5 * (_nose(mean) - _nose(points)),
        "head turn": face.turn,
        "head nod": face.nod,
        "head tilt": face.tilt,
    }
    return np.array([known.get(name, np.nan) for name in _NAMES], np.float32)


def add_moving_cues(cues: FloatArray, points: FloatArray, closed: FloatArray, valid: BoolArray) -> None:
    """Fill in, in place, the cues of a clip ``(T, Q)`` that need time.

    ``points`` ``(T, K, 3)`` are landmarks of the aligned face in centimetres, ``closed`` ``(T,)`` says how closed the
    eyes are, 0..1. Movement is known where the picture before is known too; blinks where the face was watched for at
    least three of the ten seconds around.
    """
    if len(cues) < 2:
        return
    both = valid[1:] & valid[:-1]
    mean = canonical_face()[0]
    steps = np.linalg.norm(np.diff(points, axis=0), axis=2).mean(axis=1) / _far(mean, 33, 263) * RATE_HZ
    turns = np.diff(cues[:, [_NAMES.index(name) for name in ("head turn", "head nod", "head tilt")]], axis=0)
    cues[1:, _NAMES.index("face movement")] = np.where(both, steps, np.nan)
    cues[1:, _NAMES.index("head movement")] = np.where(both, np.linalg.norm(turns, axis=1) * RATE_HZ, np.nan)
    cues[:, _NAMES.index("blink rate")] = _blink_rate(closed, valid)


def _blink_rate(closed: FloatArray, valid: BoolArray) -> NDArray[np.floating]:
    shut = (closed > _BLINK) & valid
    begins = np.concatenate([[False], shut[1:] & ~shut[:-1] & valid[:-1]])
    window = np.ones(int(_BLINK_WINDOW_S * RATE_HZ) + 1)
    blinks = np.convolve(begins, window)[len(window) // 2 :][: len(valid)]
    watched_s = np.convolve(valid, window)[len(window) // 2 :][: len(valid)] / RATE_HZ
    rate = 60 * blinks / np.maximum(watched_s, 1)
    return np.where(valid & (watched_s >= _LEAST_WATCHED_S), rate, np.nan)


def _far(points: FloatArray, one: int, other: int) -> float:
    return float(np.linalg.norm(points[one] - points[other]))


def _ratio(points: FloatArray, upper: int, lower: int, outer: int, inner: int) -> float:
    return _far(points, upper, lower) / max(_far(points, outer, inner), 1e-6)


def _nose(points: FloatArray) -> float:
    """From the inner brows to the wings of the nose, both sides together."""
    return _far(points, 55, 129) + _far(points, 285, 358)
