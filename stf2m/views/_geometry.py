"""A face laid over the mean face: where the head points, and every landmark as if the face looked straight ahead.

Weighted orthogonal Procrustes with scale (Umeyama 1991): ``face ≈ s · R · mean + t``, over landmarks that expressions
hardly move. What is left after undoing it is the expression and the shape of the face, in centimetres of a mean face.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np

from stf2m.tracks import FloatArray
from stf2m.views._landmarker import LANDMARKS, bundle


@dataclass(frozen=True, eq=False)
class Aligned:
    """``points`` ``(468, 3)``: the face turned straight, in centimetres of the mean face (x right, y up, z front).

    Angles in degrees: ``turn`` towards the right of the picture, ``nod`` upwards, ``tilt`` clockwise as seen in the
    picture. ``eye_distance`` between the outer corners of the eyes, in pixels, as if seen from the front.
    """

    points: FloatArray
    turn: float
    nod: float
    tilt: float
    eye_distance: float


def align(landmarks: FloatArray) -> Aligned:
    """Lay landmarks ``(478, 3)`` in pixels over the mean face."""
    mean, weight = canonical_face()
    face = landmarks[: len(mean)].astype(np.float64) * [1, -1, -1]
    share = (weight / weight.sum())[:, None]
    face_centre, mean_centre = (share * face).sum(axis=0), (share * mean).sum(axis=0)
    spread = (share * (face - face_centre)).T @ (mean - mean_centre)
    left, stretch, right = np.linalg.svd(spread)
    mirror = np.diag([1, 1, np.sign(np.linalg.det(left @ right))])
    rotation = left @ mirror @ right
    scale = (stretch * np.diag(mirror)).sum() / (share * (mean - mean_centre) ** 2).sum()
    straight = (face - face_centre) @ rotation / max(scale, 1e-6) + mean_centre
    forward = rotation[:, 2]
    return Aligned(
        points=straight.astype(np.float32),
        turn=float(np.degrees(np.arctan2(forward[0], forward[2]))),
        nod=float(np.degrees(np.arcsin(np.clip(forward[1], -1, 1)))),
        tilt=float(-np.degrees(np.arctan2(rotation[1, 0], rotation[1, 1]))),
        eye_distance=float(scale * np.linalg.norm(mean[33] - mean[263])),
    )


@cache
def canonical_face() -> tuple[FloatArray, FloatArray]:
    """The mean face ``(468, 3)`` in centimetres (x right, y up, z to the front) and each landmark's weight ``(468,)``.

    The weights say how much a landmark counts when a face is laid over the mean face: those that expressions
    hardly move. Both are in the bundle, as the protocol buffer ``GeometryPipelineMetadata``.
    """
    vertices: list[float] = []
    weight = np.zeros(LANDMARKS - 10, np.float32)
    for field, value in _fields(bundle()["geometry_pipeline_metadata_landmarks.binarypb"]):
        if field == 1:
            vertices = [struct.unpack("<f", part)[0] for number, part in _fields(value) if number == 3]
        elif field == 2:
            basis = dict(_fields(value))
            weight[int.from_bytes(basis[1], "little")] = struct.unpack("<f", basis[2])[0]
    return np.array(vertices, np.float32).reshape(-1, 5)[:, :3], weight


def _fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """The fields of a protocol buffer: number and raw value (whole numbers as eight little-endian bytes)."""
    at = 0

    def number() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(message):
        key = number()
        if key & 7 == 0:
            yield key >> 3, number().to_bytes(8, "little")
        else:
            length = 4 if key & 7 == 5 else number()
            yield key >> 3, message[at : at + length]
            at += length
