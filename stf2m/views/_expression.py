"""What a small network says that a face expresses: mini-XCEPTION (Arriaga et al. 2017), trained on FER2013.

It sees what landmarks cannot: wrinkles, furrows, shadows around nose and mouth. It was trained on the images of
FER2013, so on them it looks better than it is on people it has never seen: judge it on other faces.
"""

import threading
import warnings

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray
from PIL import Image

from stf2m import weights
from stf2m.tracks import FloatArray
from stf2m.views._landmarker import Picture, Region

#: What the network was trained to tell apart, in the order of its output and in the words of the vocabulary.
EXPRESSIONS: tuple[str, ...] = ("angry", "disgust", "fearful", "happy", "sad", "surprised", "neutral")

_SIDE = 64
_FILE = "emotion_model_quantized.tflite"
_LOGITS = "global_average_pooling2d"  # part of the name of the tensor before the softmax
# Where the median picture of FER2013 ends, in sides of a square as large as the box around its landmarks.
_SCALE, _RAISED = 1.1, 0.065
_LEANING = 0.25  # radians of tilt that are left as they are: faces in FER2013 lean as well


class ExpressionNetwork:
    """The network. One object is for one thread; :func:`expression_network` gives each thread its own."""

    def __init__(self) -> None:
        path = weights.find(weights.EXPRESSIONS) / _FILE
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # that inner tensors are kept costs half a megabyte
            self._network = Interpreter(str(path), num_threads=1, experimental_preserve_all_tensors=True)
        self._network.allocate_tensors()
        self._input = self._network.get_input_details()[0]["index"]
        self._logits = next(each["index"] for each in self._network.get_tensor_details() if _LOGITS in each["name"])

    def __call__(self, picture: Picture, landmarks: FloatArray) -> FloatArray:
        """The logit of each of :data:`EXPRESSIONS` ``(7,)`` for a face ``(478, 3)`` in a picture ``(H, W, 3)``.

        The mean of the face and of its mirror image, so that it does not matter which is the better side.
        """
        face = crop(picture, landmarks)
        return ((self._run(face) + self._run(face[:, ::-1])) / 2).astype(np.float32)

    def _run(self, face: NDArray[np.uint8]) -> FloatArray:
        self._network.set_tensor(self._input, (face.astype(np.float32) / 127.5 - 1)[None, :, :, None])
        self._network.invoke()
        return self._network.get_tensor(self._logits)[0]


_own = threading.local()


def expression_network() -> ExpressionNetwork:
    """Return the network of this thread, loaded at its first call.

    Raises :class:`~stf2m.weights.WeightsUnavailableError` when its weights can be had nowhere.
    """
    if not hasattr(_own, "network"):
        _own.network = ExpressionNetwork()
    return _own.network


def crop(picture: Picture, landmarks: FloatArray) -> NDArray[np.uint8]:
    """The face in grey, ``(64, 64)``, framed as FER2013 frames faces; beyond its edges the picture goes on as it ends.

    A head that leans by more than some degrees is turned back to those.
    """
    region = _region(landmarks)
    reach = int(region.side / 2 * (abs(np.cos(region.angle)) + abs(np.sin(region.angle)))) + 2
    left, top = int(region.x) - reach, int(region.y) - reach
    patch = Image.fromarray(_cut_out(picture, left, top, 2 * reach + 1)).convert("L")
    smaller = max(1, int(region.side // _SIDE))
    place = Region((region.x - left) / smaller, (region.y - top) / smaller, region.side / smaller, region.angle)
    return np.asarray(place.cut(patch.reduce(smaller), _SIDE))


def _cut_out(picture: Picture, left: int, top: int, side: int) -> Picture:
    """A square of a picture, its edges repeated where the square goes beyond them."""
    height, width = picture.shape[:2]
    beyond = [(max(-top, 0), max(top + side - height, 0)), (max(-left, 0), max(left + side - width, 0)), (0, 0)]
    inside = picture[max(top, 0) : top + side, max(left, 0) : left + side]
    return np.pad(inside, beyond, mode="edge") if np.any(beyond) else np.ascontiguousarray(inside)


def _region(landmarks: FloatArray) -> Region:
    """The square of a picture that a picture of FER2013 would show."""
    points = landmarks[:, :2].astype(np.float64)
    across = points[263] - points[33]
    tilt = float(np.arctan2(across[1], across[0]))
    angle = tilt - float(np.clip(tilt, -_LEANING, _LEANING))
    level = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    upright = points @ level
    low, high = upright.min(axis=0), upright.max(axis=0)
    size = float(np.sqrt((high - low).prod()))
    x, y = level @ ((low + high) / 2 - [0, _RAISED * size])
    return Region(float(x), float(y), _SCALE * size, angle)
