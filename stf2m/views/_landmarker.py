"""Google's face landmarker (Apache-2.0) run by LiteRT: faces in a picture, 478 landmarks of a face, 52 blendshapes.

The bundle holds three networks and the canonical face. What is written down here are the interface facts of its
published graphs (MediaPipe, ``face_detection_short_range`` and ``face_landmarks_detector``): sizes, ranges, anchors.
"""

import threading
import zipfile
from dataclasses import dataclass
from functools import cache

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray
from PIL import Image

from stf2m import weights
from stf2m.tracks import FloatArray

Picture = NDArray[np.uint8]

LANDMARKS = 478
_DETECTOR_SIDE = 128
_LANDMARK_SIDE = 256
_LEAST_SCORE = 0.5
_OVERLAP = 0.3  # boxes that share more than this of their area are one face
_BLENDSHAPE_INPUT = """
    0 1 4 5 6 7 8 10 13 14 17 21 33 37 39 40 46 52 53 54 55 58 61 63 65 66 67 70 78 80 81 82 84 87 88 91 93 95 103
    105 107 109 127 132 133 136 144 145 146 148 149 150 152 153 154 155 157 158 159 160 161 162 163 168 172 173 176 178
    181 185 191 195 197 234 246 249 251 263 267 269 270 276 282 283 284 285 288 291 293 295 296 297 300 308 310 311 312
    314 317 318 321 323 324 332 334 336 338 356 361 362 365 373 374 375 377 378 379 380 381 382 384 385 386 387 388 389
    390 397 398 400 402 405 409 415 454 466 468 469 470 471 472 473 474 475 476 477"""
_BLENDSHAPE_OUTPUT = """
    _neutral browDownLeft browDownRight browInnerUp browOuterUpLeft browOuterUpRight cheekPuff cheekSquintLeft
    cheekSquintRight eyeBlinkLeft eyeBlinkRight eyeLookDownLeft eyeLookDownRight eyeLookInLeft eyeLookInRight
    eyeLookOutLeft eyeLookOutRight eyeLookUpLeft eyeLookUpRight eyeSquintLeft eyeSquintRight eyeWideLeft eyeWideRight
    jawForward jawLeft jawOpen jawRight mouthClose mouthDimpleLeft mouthDimpleRight mouthFrownLeft mouthFrownRight
    mouthFunnel mouthLeft mouthLowerDownLeft mouthLowerDownRight mouthPressLeft mouthPressRight mouthPucker mouthRight
    mouthRollLower mouthRollUpper mouthShrugLower mouthShrugUpper mouthSmileLeft mouthSmileRight mouthStretchLeft
    mouthStretchRight mouthUpperUpLeft mouthUpperUpRight noseSneerLeft noseSneerRight"""
_BLENDSHAPE_LANDMARKS = np.array([int(index) for index in _BLENDSHAPE_INPUT.split()])
#: The names of the 52 blendshapes, in the order of the network.
BLENDSHAPES: tuple[str, ...] = tuple(_BLENDSHAPE_OUTPUT.split())


@dataclass(frozen=True)
class Region:
    """A square of a picture that holds a face: centre and side in pixels, turned by ``angle`` (radians, clockwise)."""

    x: float
    y: float
    side: float
    angle: float

    @classmethod
    def around(cls, points: FloatArray, left: FloatArray, right: FloatArray, scale: float = 1.5) -> "Region":
        """The region around ``points`` ``(N, 2)``, turned so that the line from ``left`` to ``right`` lies level."""
        low, high = points.min(axis=0), points.max(axis=0)
        x, y = (low + high) / 2
        angle = np.arctan2(right[1] - left[1], right[0] - left[0])
        return cls(float(x), float(y), float(scale * (high - low).max()), float(angle))

    def to_picture(self, points: FloatArray) -> FloatArray:
        """Points ``(N, 3)`` in units of the region's side, 0..1 across it, to pixels of the picture; z keeps scale."""
        cos, sin = np.cos(self.angle), np.sin(self.angle)
        x, y = points[:, 0] - 0.5, points[:, 1] - 0.5
        placed = [self.x + self.side * (cos * x - sin * y), self.y + self.side * (sin * x + cos * y)]
        return np.stack([*placed, self.side * points[:, 2]], axis=1).astype(np.float32)

    def crop(self, picture: Picture, side: int) -> FloatArray:
        """The region as a level ``(side, side, 3)`` picture in 0..1; black outside the picture."""
        return (np.asarray(self.cut(Image.fromarray(picture), side), np.float32) / 255).astype(np.float32)

    def cut(self, picture: Image.Image, side: int) -> Image.Image:
        """The region as a level picture of ``side`` × ``side`` pixels; black outside the picture."""
        step = self.side / side
        a, b = step * np.cos(self.angle), step * np.sin(self.angle)
        half = side / 2
        x, y = self.x - half * (a - b), self.y - half * (a + b)
        return picture.transform((side, side), Image.Transform.AFFINE, (a, -b, x, b, a, y), Image.Resampling.BILINEAR)


@dataclass(frozen=True, eq=False)
class Found:
    """A face that the detector found: ``box`` (left, top, right, bottom) and six ``points`` ``(6, 2)``, in pixels."""

    score: float
    box: FloatArray
    points: FloatArray

    @property
    def region(self) -> Region:
        """The region in which to look for landmarks: the box half as large again, turned by the eyes."""
        return Region.around(self.box.reshape(2, 2), self.points[0], self.points[1])


class Landmarker:
    """The three networks. One object is for one thread; :func:`landmarker` gives each thread its own."""

    def __init__(self) -> None:
        files = bundle()
        self._detector = _network(files["face_detector.tflite"])
        self._mesh = _network(files["face_landmarks_detector.tflite"])
        self._shapes = _network(files["face_blendshapes.tflite"])

    def detect(self, picture: Picture, left: int = 0, top: int = 0, right: int = 0, bottom: int = 0) -> list[Found]:
        """The faces in a part of a picture (all of it unless given), best first, in pixels of the whole picture."""
        right, bottom = right or picture.shape[1], bottom or picture.shape[0]
        part = Image.fromarray(picture[top:bottom, left:right])
        scale = _DETECTOR_SIDE / max(part.size)
        size = max(1, round(part.width * scale)), max(1, round(part.height * scale))
        canvas = Image.new("RGB", (_DETECTOR_SIDE, _DETECTOR_SIDE))
        offset = (_DETECTOR_SIDE - size[0]) // 2, (_DETECTOR_SIDE - size[1]) // 2
        canvas.paste(part.resize(size, Image.Resampling.BILINEAR), offset)
        boxes, scores = _run(self._detector, np.asarray(canvas, np.float32)[None] / 127.5 - 1)
        faces = _faces(boxes[0], scores[0, :, 0])
        shift = np.array([left, top], np.float32)
        for face in faces:
            for points in (face.box.reshape(2, 2), face.points):
                points -= offset
                points /= scale
                points += shift
        return faces

    def landmarks(self, picture: Picture, region: Region) -> tuple[FloatArray, float]:
        """The 478 landmarks ``(478, 3)`` in pixels (z towards the back, same scale) and how surely a face is there."""
        points, presence, _ = _run(self._mesh, region.crop(picture, _LANDMARK_SIDE)[None])
        placed = region.to_picture((points.reshape(LANDMARKS, 3) / _LANDMARK_SIDE).astype(np.float32))
        return placed, float(_sigmoid(presence.reshape(-1)[0]))

    def blendshapes(self, points: FloatArray) -> FloatArray:
        """The 52 blendshape scores in 0..1 of a face's landmarks in pixels."""
        return _run(self._shapes, points[_BLENDSHAPE_LANDMARKS, :2][None])[0].reshape(-1).copy()


_own = threading.local()


def landmarker() -> Landmarker:
    """Return the networks of this thread, loaded at its first call.

    Raises :class:`~stf2m.weights.WeightsUnavailableError` when the bundle can be had nowhere.
    """
    if not hasattr(_own, "landmarker"):
        _own.landmarker = Landmarker()
    return _own.landmarker


def _network(content: bytes) -> Interpreter:
    network = Interpreter(model_content=content, num_threads=1)
    network.allocate_tensors()
    return network


def _run(network: Interpreter, values: FloatArray) -> list[FloatArray]:
    network.set_tensor(network.get_input_details()[0]["index"], np.ascontiguousarray(values, np.float32))
    network.invoke()
    return [network.get_tensor(output["index"]) for output in network.get_output_details()]


def _sigmoid(values: NDArray[np.floating]) -> NDArray[np.floating]:
    return 1 / (1 + np.exp(-np.clip(values, -80, 80)))


@cache
def _anchors() -> FloatArray:
    """The centres of the 896 boxes that the detector scores, 2 a cell of 16 × 16 and 6 a cell of 8 × 8, in pixels."""
    centres = []
    for cells, boxes in ((16, 2), (8, 6)):
        along = (np.arange(cells) + 0.5) * _DETECTOR_SIDE / cells
        y, x = np.meshgrid(along, along, indexing="ij")
        centres.append(np.repeat(np.stack([x.ravel(), y.ravel()], axis=1), boxes, axis=0))
    return np.concatenate(centres).astype(np.float32)


def _faces(boxes: FloatArray, logits: FloatArray) -> list[Found]:
    """Decode the detector's output and blend overlapping boxes by their scores (Bazarevsky et al. 2019, BlazeFace)."""
    scores = _sigmoid(logits)
    kept = np.flatnonzero(scores >= _LEAST_SCORE)
    kept = kept[np.argsort(-scores[kept])]
    scores, boxes = scores[kept], boxes[kept].reshape(-1, 8, 2)
    centres = boxes[:, :1] + _anchors()[kept][:, None]
    points = boxes[:, 2:] + _anchors()[kept][:, None]
    corners = np.concatenate([centres - boxes[:, 1:2] / 2, centres + boxes[:, 1:2] / 2, points], axis=1)
    faces: list[Found] = []
    while len(scores):
        same = _overlaps(corners[0, :2], corners[:, :2]) > _OVERLAP
        same[0] = True
        blended = np.average(corners[same], axis=0, weights=scores[same]).astype(np.float32)
        faces.append(Found(float(scores[0]), blended[:2].reshape(-1).copy(), blended[2:].copy()))
        scores, corners = scores[~same], corners[~same]
    return faces


def _overlaps(box: FloatArray, boxes: FloatArray) -> FloatArray:
    """Intersection over union of one box ``(2, 2)`` with many ``(N, 2, 2)``."""
    inside = np.clip(np.minimum(box[1], boxes[:, 1]) - np.maximum(box[0], boxes[:, 0]), 0, None).prod(axis=1)
    union = (box[1] - box[0]).prod() + (boxes[:, 1] - boxes[:, 0]).prod(axis=1) - inside
    return inside / np.maximum(union, 1e-9)


@cache
def bundle() -> dict[str, bytes]:
    """The files of the bundle by name."""
    with zipfile.ZipFile(weights.find(weights.FACE_LANDMARKER) / "face_landmarker.task") as file:
        return {name: file.read(name) for name in file.namelist()}
