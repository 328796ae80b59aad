"""A photograph as a puppet: a mesh over a face that is pulled into expressions and drawn again.

The photograph is cut into triangles between the landmarks of its face and a few points around the head. An
expression moves the corners of the triangles; each triangle carries its piece of the picture along. Mouth and eyes are
holes in that mesh: what lies behind them (teeth, eyeballs) moves with the skull, not with the skin.
"""

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter
from scipy.ndimage import map_coordinates
from scipy.spatial import Delaunay

from app.demo import expressions
from stf2m import weights

Floats = NDArray[np.float64]

WIDTH, HEIGHT = 480, 360
#: The part of the 512 × 512 photograph that is shown: left, top, right, bottom.
CROP = (96, 0, 360, 198)
#: Where the face is in the photograph: left, top and side of a square, with the margin the landmark network expects.
FACE_SQUARE = (144.0, 43.0, 163.0)
#: The silhouette of the hair and the neck, just outside it, in pixels of the photograph: it moves with the head.
HEAD_RING = (
    (172, 133), (164, 120), (154, 104), (150, 84), (153, 62), (164, 46), (180, 32), (200, 20), (224, 13), (250, 15),
    (272, 28), (288, 44), (299, 64), (303, 88), (297, 112), (288, 128), (279, 138),
)  # fmt: skip
#: Points that stay where they are: the edge of the background around the head, the collar and the suit.
STILL_RING = (
    (170, 160), (150, 148), (128, 120), (122, 84), (128, 46), (150, 20), (184, 3), (224, 0), (270, 1), (304, 18),
    (326, 46), (333, 88), (324, 122), (300, 150), (276, 166), (188, 186), (205, 190), (222, 192), (240, 190),
    (256, 184),
)  # fmt: skip

HOLES = (expressions.MOUTH, expressions.LEFT_EYE, expressions.RIGHT_EYE)
#: The landmarks before this one lie on the skin; the rest are the irises.
SKIN = 468
#: The inside of the mouth where there are no teeth: its colour at the top and, with the tongue, at the bottom.
PALATE, TONGUE = np.array([42.0, 18.0, 17.0]), np.array([128.0, 62.0, 58.0])

#: The landmarks' depth is flattened so much: hair that the photograph does not show cannot be turned into view.
DEPTH = 0.7


@dataclass(frozen=True)
class Pose:
    """How the head is held: degrees of yaw, pitch and roll, and a shift in pixels."""

    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    dx: float = 0.0
    dy: float = 0.0


class Puppet:
    """A face in a photograph ``(512, 512, 3)`` that can be drawn with any expression and pose.

    Raises :class:`stf2m.weights.WeightsUnavailableError` when the landmark network is not there.
    """

    def __init__(self, photograph: NDArray[np.uint8]) -> None:
        scale = WIDTH / (CROP[2] - CROP[0])
        picture = Image.fromarray(photograph).resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS, box=CROP)
        found = _landmarks(photograph)
        self.face = np.c_[(found[:, :2] - CROP[:2]) * scale, found[:, 2] * scale * DEPTH]
        rings = (np.array([*HEAD_RING, *STILL_RING], float) - CROP[:2]) * scale
        self.around = np.c_[rings, np.full(len(rings), self.face[expressions.TEMPLES, 2].mean())]
        self.points = self._with_edges(self.face)
        self.moving = np.arange(len(self.points)) < len(self.points) - len(STILL_RING)
        self.basis = expressions.basis(self.face[:, :2])
        triangles = Delaunay(self.points[:, :2]).simplices
        middles = self.points[triangles, :2].mean(axis=1)
        self.triangles = triangles[~np.any([_within(middles, self.face[hole, :2]) for hole in HOLES], axis=0)]
        self.picture = np.asarray(picture, np.float64)
        self.unwrinkled = np.asarray(picture.filter(ImageFilter.GaussianBlur(5)), np.float64)
        self.folds = _soft_mask(self.face[:, :2], expressions.FOLDS, 7, 4)
        self.furrows = _soft_mask(self.face[:, :2], expressions.FURROWS, 3, 2)
        lids = tuple(
            [*ring, *crease[::-1]] for ring, crease in zip(expressions.UPPER_LIDS, expressions.CREASES, strict=True)
        )
        self.lids = _soft_mask(self.face[:, :2], lids, 0, 1)
        self.lid_colour = self.unwrinkled[tuple(self.face[expressions.BELOW_BROW, :2].mean(axis=0).astype(int)[::-1])]
        self.teeth = _soft_mask(self.face[:, :2], (expressions.MOUTH,), 0, 1.2)

    def draw(self, actions: Mapping[str, float], pose: Pose) -> NDArray[np.uint8]:
        """The picture ``(360, 480, 3)`` with the given strengths of :data:`expressions.ACTIONS`, 0 to 1."""
        face = expressions.shape(self.face[:, :2], self.basis, actions)
        moved = self._posed(self._with_edges(np.c_[face, self.face[:, 2]]), pose)
        where, covered = self._where_from(moved)
        image = _sample(self._skin(actions), where)
        for hole in HOLES:
            self._fill(image, covered, moved, hole, pose)
        return np.clip(image, 0, 255).astype(np.uint8)

    def _with_edges(self, face: Floats) -> Floats:
        """The mesh's points ``(P, 3)``: the skin's landmarks, more along the edges of the holes, and those around."""
        edges = [
            face[ring] + (face[np.roll(ring, -1)] - face[ring]) * share for ring in HOLES for share in (0.25, 0.5, 0.75)
        ]
        return np.concatenate([face[:SKIN], *edges, self.around])

    def _skin(self, actions: Mapping[str, float]) -> Floats:
        """The picture with the folds of its own smile softened, furrows in a frown, and the skin of closed lids."""
        soften = 0.75 * self.folds * (1 - min(actions.get("smile", 0.0), 1.0))
        skin = self.picture * (1 - soften[..., None]) + self.unwrinkled * soften[..., None]
        closed = (0.75 * self.lids * actions.get("blink", 0.0))[..., None]
        skin = skin * (1 - closed) + self.lid_colour * closed
        return skin * (1 - 0.3 * self.furrows * min(actions.get("brow down", 0.0), 1.0))[..., None]

    def _posed(self, points: Floats, pose: Pose) -> Floats:
        """Turn the head about the top of the neck and shift it; the ring around it stays. ``(P, 2)``."""
        chin, temples = self.face[expressions.CHIN], self.face[expressions.TEMPLES].mean(axis=0)
        pivot = np.array([temples[0], chin[1] - 8, temples[2] + 20])
        yaw, pitch, roll = np.radians([pose.yaw, pose.pitch, pose.roll])
        x, y, z = (points - pivot).T
        x, z = x * np.cos(yaw) - z * np.sin(yaw), x * np.sin(yaw) + z * np.cos(yaw)
        y, z = y * np.cos(pitch) + z * np.sin(pitch), -y * np.sin(pitch) + z * np.cos(pitch)
        x, y = x * np.cos(roll) - y * np.sin(roll), x * np.sin(roll) + y * np.cos(roll)
        turned = np.c_[x + pivot[0] + pose.dx, y + pivot[1] + pose.dy]
        return np.where(self.moving[:, None], turned, points[:, :2])

    def _where_from(self, moved: Floats) -> tuple[Floats, NDArray[np.bool_]]:
        """Where in the photograph each new pixel comes from, ``(2, 360, 480)``, and which of them the mesh covers."""
        source = np.stack(np.meshgrid(np.arange(WIDTH), np.arange(HEIGHT))).astype(np.float64)
        covered = np.zeros((HEIGHT, WIDTH), bool)
        corners = moved[self.triangles]
        low = np.clip(np.floor(corners.min(axis=1)).astype(int), 0, (WIDTH - 1, HEIGHT - 1))
        high = np.clip(np.ceil(corners.max(axis=1)).astype(int), 0, (WIDTH - 1, HEIGHT - 1))
        size = high - low + 1
        count = size.prod(axis=1)
        which = np.repeat(np.arange(len(count)), count)
        step = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
        pixel = np.c_[low[which, 0] + step % size[which, 0], low[which, 1] + step // size[which, 0]]
        first, second, third = corners[which].transpose(1, 0, 2)
        area = _cross(second - first, third - first)
        safe = np.where(np.abs(area) < 1e-6, np.inf, area)
        a = _cross(second - pixel, third - pixel) / safe
        b = _cross(third - pixel, first - pixel) / safe
        c = 1 - a - b
        inside = (np.minimum(np.minimum(a, b), c) >= -1e-6) & np.isfinite(safe)
        parts = np.c_[a, b, c][inside]
        origin = np.einsum("pk,pkd->pd", parts, self.points[self.triangles[which[inside]], :2])
        source[:, pixel[inside, 1], pixel[inside, 0]] = origin.T
        covered[pixel[inside, 1], pixel[inside, 0]] = True
        return source, covered

    def _fill(self, image: Floats, covered: NDArray[np.bool_], moved: Floats, ring: list[int], pose: Pose) -> None:
        """Draw into the hole that ``ring`` bounds what the photograph shows there; dark where it shows only skin."""
        edge = moved[ring]
        left, top = np.floor(edge.min(axis=0)).astype(int) - 1
        right, bottom = np.ceil(edge.max(axis=0)).astype(int) + 2
        part = (slice(top, bottom), slice(left, right))
        stencil = Image.new("L", ((right - left) * 4, (bottom - top) * 4))
        ImageDraw.Draw(stencil).polygon([tuple(corner) for corner in (edge - (left, top)) * 4 + 2], fill=255)
        stencil = stencil.filter(ImageFilter.MinFilter(3)).resize((right - left, bottom - top), Image.Resampling.BOX)
        hole = np.maximum(np.asarray(stencil, np.float64) / 255, ~covered[part])[..., None]

        skull = self._posed(self.points, pose)[ring]
        back = np.linalg.lstsq(np.c_[skull, np.ones(len(ring))], self.face[ring, :2], rcond=None)[0]
        y, x = np.mgrid[part].astype(np.float64)
        from_x, from_y = (np.stack([x, y, np.ones_like(x)], -1) @ back).transpose(2, 0, 1)
        seen = _sample(self.picture, np.stack([from_x, from_y]))
        if ring is expressions.MOUTH:
            known = map_coordinates(self.teeth, [from_y, from_x], order=1, mode="nearest")[..., None]
            depth = ((y - edge[:, 1].min()) / np.ptp(edge[:, 1]))[..., None].clip(0, 1) ** 2
            seen = seen * known + (PALATE + (TONGUE - PALATE) * depth) * (1 - known)
        image[part] = image[part] * (1 - hole) + seen * hole


def _landmarks(photograph: NDArray[np.uint8]) -> Floats:
    """The 478 landmarks of the face in pixels of the photograph, ``(478, 3)``; depth points away from the camera."""
    bundle = zipfile.ZipFile(weights.find(weights.FACE_LANDMARKER) / "face_landmarker.task")
    network = Interpreter(model_content=bundle.read("face_landmarks_detector.tflite"), num_threads=1)
    network.allocate_tensors()
    left, top, side = FACE_SQUARE
    square = Image.fromarray(photograph).resize(
        (256, 256), Image.Resampling.BICUBIC, (left, top, left + side, top + side)
    )
    network.set_tensor(network.get_input_details()[0]["index"], np.asarray(square, np.float32)[None] / 255)
    network.invoke()
    points = next(output["index"] for output in network.get_output_details() if output["shape"][-1] == 1434)
    return network.get_tensor(points).reshape(478, 3) * (side / 256) + (left, top, 0)


def _soft_mask(points: Floats, lines: tuple[list[int], ...], width: int, blur: float) -> Floats:
    """A mask ``(360, 480)`` of 0 to 1: soft strokes along landmarks, or filled outlines where ``width`` is 0."""
    mask = Image.new("L", (WIDTH, HEIGHT))
    pen = ImageDraw.Draw(mask)
    for line in lines:
        corners = [tuple(point) for point in points[line]]
        if width:
            pen.line(corners, fill=255, width=width, joint="curve")
        else:
            pen.polygon(corners, fill=255)
    return np.asarray(mask.filter(ImageFilter.GaussianBlur(blur)), np.float64) / 255


def _sample(picture: Floats, where: Floats) -> Floats:
    """The picture's colours at ``where`` ``(2, H, W)``, between pixels by straight lines."""
    return np.stack([map_coordinates(picture[..., k], where[::-1], order=1, mode="nearest") for k in range(3)], -1)


def _within(points: Floats, outline: Floats) -> NDArray[np.bool_]:
    """Which points ``(P, 2)`` lie inside a closed outline ``(K, 2)``, by counting the edges to their right."""
    x, y = points.T[:, :, None]
    (x1, y1), (x2, y2) = outline.T, np.roll(outline, -1, axis=0).T
    crosses = ((y1 > y) != (y2 > y)) & (x < x1 + (x2 - x1) * (y - y1) / np.where(y1 == y2, 1, y2 - y1))
    return crosses.sum(axis=1) % 2 == 1


def _cross(one: Floats, other: Floats) -> Floats:
    return one[:, 0] * other[:, 1] - one[:, 1] * other[:, 0]
