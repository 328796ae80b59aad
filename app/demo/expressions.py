"""What muscles do to a face, on the 478 landmarks of Google's face landmarker.

Each action (a smile, a raised brow) says how far a few landmarks move; the rest of the skin follows smoothly. Lengths
are shares of the distance between the outer corners of the eyes, to the right and down; only the picture's left half
is written down, the other half mirrors it.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import RBFInterpolator

Floats = NDArray[np.float64]

CHIN = 152
TEMPLES = [127, 356]
UPPER_LIP = [78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308]
LOWER_LIP = [78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308]
MOUTH = UPPER_LIP + LOWER_LIP[-2:0:-1]
UPPER_LIDS = ([33, 246, 161, 160, 159, 158, 157, 173, 133], [263, 466, 388, 387, 386, 385, 384, 398, 362])
LOWER_LIDS = ([33, 7, 163, 144, 145, 153, 154, 155, 133], [263, 249, 390, 373, 374, 380, 381, 382, 362])
CREASES = ([130, 247, 30, 29, 27, 28, 56, 190, 243], [359, 467, 260, 259, 257, 258, 286, 414, 463])
#: Bare skin between an eye and its brow.
BELOW_BROW = [223, 222]
LEFT_EYE, RIGHT_EYE = (upper + lower[-2:0:-1] for upper, lower in zip(UPPER_LIDS, LOWER_LIDS, strict=True))
#: The folds from the nose to the mouth, and the lines under the eyes: softened when the smile of the photograph goes.
FOLDS = ([203, 206, 216, 212], [423, 426, 436, 432], [111, 117, 118], [340, 346, 347])
#: The furrows between the brows that a frown makes.
FURROWS = ([55, 193], [285, 417])

#: Landmarks of the picture's left half and their mirror images.
_MIRROR = {
    61: 291, 50: 280, 205: 425, 206: 426, 48: 278, 58: 288, 172: 397, 136: 365, 148: 377, 132: 361, 146: 375, 91: 321,
    181: 405, 84: 314, 40: 270, 39: 269, 37: 267, 185: 409, 55: 285, 107: 336, 65: 295, 66: 296, 52: 282, 105: 334,
    53: 283, 63: 293, 46: 276, 70: 300, 145: 374, 159: 386, 153: 380, 144: 373, 117: 346, 101: 330, 193: 417, 98: 327,
    165: 391, 149: 378, 150: 379, 57: 287, 43: 273, 106: 335, 182: 406, 204: 424, 33: 263, 133: 362, 158: 385, 160: 387,
    161: 388, 27: 257, 28: 258, 29: 259, 157: 384, 163: 390, 154: 381,
}  # fmt: skip

#: From the photograph's smile to a resting face.
_REST = {
    61: (0.085, 0.125), 0: (0, 0.045), 17: (0, 0.0), 40: (0.05, 0.08), 37: (0.0, 0.05), 91: (0.06, 0.06),
    84: (0.01, 0.01), 205: (0.05, 0.05), 50: (0.03, 0.04), 48: (0.035, 0.01), 98: (0.02, 0.01), 58: (0, 0.03),
    145: (0, 0.012), 117: (0.01, 0.03), 152: (0, 0.02), 206: (0.06, 0.06), 57: (0.085, 0.11),
}  # fmt: skip

ACTIONS: dict[str, dict[int, tuple[float, float]]] = {
    "frown": {61: (0.0, 0.11), 57: (-0.005, 0.10), 91: (0.0, 0.05), 40: (0, 0.04), 43: (-0.01, 0.06), 0: (0, -0.01),
              17: (0, -0.035), 84: (0, -0.03), 18: (0, -0.04), 206: (0, 0.04)},
    "inner brow": {55: (0.0, -0.14), 107: (0.0, -0.14), 65: (0, -0.08), 66: (0, -0.09), 52: (0, 0.0), 53: (0, 0.03),
                   46: (0, 0.05), 193: (0, -0.04)},
    "brow up": {55: (0, -0.12), 107: (0, -0.12), 65: (0, -0.13), 66: (0, -0.13), 52: (0, -0.135), 105: (0, -0.135),
                53: (0, -0.13), 63: (0, -0.13), 46: (0, -0.10), 70: (0, -0.10), 9: (0, -0.07), 27: (0, -0.035),
                28: (0, -0.03), 29: (0, -0.03)},
    "brow down": {55: (0.03, 0.085), 107: (0.03, 0.085), 65: (0.025, 0.085), 66: (0.025, 0.08), 52: (0.015, 0.065),
                  105: (0.015, 0.06), 53: (0.01, 0.045), 63: (0.01, 0.04), 46: (0, 0.015), 70: (0, 0.015),
                  9: (0, 0.06), 8: (0, 0.04), 193: (0.01, 0.03), 27: (0, 0.02), 28: (0, 0.025), 29: (0, 0.01)},
    "wide eyes": {159: (0, -0.045), 158: (0, -0.042), 160: (0, -0.04), 161: (0, -0.028), 157: (0, -0.03),
                  145: (0, 0.014), 144: (0, 0.012), 153: (0, 0.012)},
    "squint": {145: (0, -0.035), 144: (0, -0.032), 153: (0, -0.032), 163: (0, -0.02), 154: (0, -0.02), 117: (0, -0.03),
               159: (0, 0.015), 158: (0, 0.014), 160: (0, 0.014)},
    "nose": {98: (-0.015, -0.05), 48: (-0.015, -0.05), 206: (0, -0.06), 165: (0, -0.06), 37: (0, -0.055),
             39: (0, -0.06), 0: (0, -0.035), 40: (0, -0.03), 145: (0, -0.02), 193: (0.0, 0.04)},
    "press": {0: (0, 0.025), 37: (0, 0.025), 17: (0, -0.03), 84: (0, -0.03), 61: (-0.01, 0.0), 18: (0, -0.01)},
    "pout": {61: (0.07, 0.0), 57: (0.06, 0), 40: (0.04, -0.01), 91: (0.04, 0.01), 0: (0, -0.015), 17: (0, 0.02)},
    "stretch": {61: (-0.06, 0.02), 57: (-0.05, 0.02), 40: (-0.03, 0.01), 91: (-0.03, 0.02)},
    "jaw": {17: (0, 0.32), 84: (0, 0.315), 181: (0, 0.27), 91: (0.01, 0.2), 146: (0.015, 0.12), 61: (0.03, 0.06),
            57: (0.025, 0.06), 18: (0, 0.33), 182: (0, 0.31), 106: (0, 0.25), 43: (0.01, 0.14), 152: (0, 0.34),
            148: (0, 0.34), 149: (0, 0.3), 150: (0.01, 0.24), 136: (0.02, 0.17), 172: (0.02, 0.1), 58: (0.01, 0.04),
            204: (0, 0.28), 199: (0, 0.34)},
}  # fmt: skip

_REACH = 0.3


def basis(face: Floats) -> dict[str, Floats]:
    """How far every landmark ``(478, 2)`` moves in each action at full strength, in pixels."""
    unit = float(np.linalg.norm(face[263] - face[33]))
    return {name: unit * _spread(face / unit, moves) for name, moves in {"rest": _REST, **ACTIONS}.items()}


def shape(face: Floats, moves: Mapping[str, Floats], actions: Mapping[str, float]) -> Floats:
    """The landmarks ``(478, 2)`` of a face with the given strengths of its actions.

    Beside :data:`ACTIONS`: ``smile`` (1 is the photograph's), ``teeth`` (how far the lips part in that smile),
    ``blink`` (1 closes the eyes).
    """
    points = face + (1 - actions.get("smile", 0.0)) * moves["rest"]
    for name in ACTIONS:
        if name != "jaw":
            points = points + actions.get(name, 0.0) * moves[name]
    points = _sealed(points, 1 - actions.get("teeth", 0.0)) + actions.get("jaw", 0.0) * moves["jaw"]
    return _blinked(points, actions.get("blink", 0.0))


def _sealed(points: Floats, seal: float) -> Floats:
    """Bring the lips together: 1 closes the mouth."""
    upper, lower = points[UPPER_LIP], points[LOWER_LIP]
    meet = 0.45 * upper + 0.55 * lower
    result = points.copy()
    result[UPPER_LIP] += seal * (meet - upper)
    result[LOWER_LIP] += seal * (meet - lower)
    return result


def _blinked(points: Floats, blink: float) -> Floats:
    """Let the upper lids down onto the lower ones: 1 closes the eyes."""
    result = points.copy()
    for upper, lower, crease in zip(UPPER_LIDS, LOWER_LIDS, CREASES, strict=True):
        fall = blink * (points[lower] - points[upper])
        result[upper] += fall
        result[crease] += 0.35 * fall
    return result


def _lip_sides(face: Floats) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which landmarks belong to the skin above and below the mouth ``(478,)``; beside it they belong to both."""
    line = (face[UPPER_LIP] + face[LOWER_LIP]) / 2
    beside = (face[:, 0] <= line[0, 0]) | (face[:, 0] >= line[-1, 0])
    below = face[:, 1] > np.interp(face[:, 0], line[:, 0], line[:, 1])
    return ~below | beside, below | beside


def _spread(face: Floats, moves: Mapping[int, tuple[float, float]]) -> Floats:
    """Spread a few landmarks' moves over the skin around them; what is further than ``_REACH`` away keeps still.

    Above and below the lips separately: there they are not one skin.
    """
    given = {**moves, **{_MIRROR[k]: (-dx, dy) for k, (dx, dy) in moves.items() if k in _MIRROR}}
    lids = np.isin(np.arange(len(face)), LEFT_EYE + RIGHT_EYE)
    spread, times = np.zeros_like(face), np.zeros((len(face), 1))
    for side in _lip_sides(face):
        times[side] += 1
        pulled = [k for k in given if side[k]]
        if not pulled:
            continue
        away = np.linalg.norm(face[:, None] - face[pulled], axis=2).min(axis=1) > _REACH
        still = np.setdiff1d(np.flatnonzero((away | lids) & side), pulled)
        moved = np.r_[[given[k] for k in pulled], np.zeros((len(still), 2))]
        spread[side] += RBFInterpolator(face[[*pulled, *still]], moved, kernel="linear", smoothing=0.01)(face[side])
    return spread / times
