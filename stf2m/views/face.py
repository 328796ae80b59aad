"""The face of a clip: landmarks by region, blendshapes and cues of the most prominent face, ten times a second.

Shape comes from Google's face landmarker (Apache-2.0). ``values`` are landmarks of a face turned straight: how far each
is from where the mean face has it, in centimetres of a face of average size, so neither the place nor the size of the
face in the picture nor the pose of the head is in them. ``embedding`` is the 52 blendshapes, 0..1, and then what the
picture itself shows: a small network's logits of the seven :data:`EXPRESSIONS` (MIT). That network was trained on
FER2013, so its logits are better on the images of FER2013 than on new people.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stf2m.media import MediaInfo, frames
from stf2m.tracks import RATE_HZ, Modality, Track, absent
from stf2m.views._cues import CUES, add_moving_cues, still_cues
from stf2m.views._expression import EXPRESSIONS, expression_network
from stf2m.views._finder import Face, Follower, find
from stf2m.views._geometry import align, canonical_face
from stf2m.views._landmarker import BLENDSHAPES, landmarker
from stf2m.weights import Progress, WeightsUnavailableError

#: The regions of a face and eight of its landmarks each; left and right are the person's own.
REGIONS: dict[str, tuple[int, ...]] = {
    "right brow": (70, 63, 105, 66, 107, 55, 65, 52),
    "left brow": (300, 293, 334, 296, 336, 285, 295, 282),
    "right eye": (33, 160, 159, 158, 133, 153, 145, 144),
    "left eye": (263, 387, 386, 385, 362, 380, 374, 373),
    "nose": (6, 197, 4, 2, 98, 327, 129, 358),
    "right cheek": (50, 101, 118, 117, 205, 187, 123, 36),
    "left cheek": (280, 330, 347, 346, 425, 411, 352, 266),
    "upper lip": (61, 40, 37, 0, 267, 270, 291, 13),
    "lower lip": (91, 84, 17, 314, 321, 14, 87, 317),
    "jaw": (132, 172, 149, 152, 378, 397, 361, 199),
}
_OUTLINES = (
    # oval, eyes, brows, lips outside and inside, nose along and below, irises
    "10 338 297 332 284 251 389 356 454 323 361 288 397 365 379 378 400 377 152 148 176 149 150 136 172 58 132 93 234 "
    "127 162 21 54 103 67 109 10",
    "33 7 163 144 145 153 154 155 133 173 157 158 159 160 161 246 33",
    "263 249 390 373 374 380 381 382 362 398 384 385 386 387 388 466 263",
    "70 63 105 66 107 55 65 52 53 46 70",
    "300 293 334 296 336 285 295 282 283 276 300",
    "61 146 91 181 84 17 314 405 321 375 291 409 270 269 267 0 37 39 40 185 61",
    "78 95 88 178 87 14 317 402 318 324 308 415 310 311 312 13 82 81 80 191 78",
    "168 6 197 195 5 4 1",
    "129 98 97 2 326 327 358",
    "469 470 471 472 469",
    "474 475 476 477 474",
)
_DRAWN = sorted({int(index) for line in _OUTLINES for index in line.split()})
#: Lines that draw a face: indices into the second axis of ``detail["landmarks"]``.
CONTOURS: tuple[tuple[int, ...], ...] = tuple(
    tuple(_DRAWN.index(int(index)) for index in line.split()) for line in _OUTLINES
)
_SITES = np.array(list(REGIONS.values()))
_EYES_CLOSED = [BLENDSHAPES.index("eyeBlinkLeft"), BLENDSHAPES.index("eyeBlinkRight")]

MODALITY = Modality(
    name="face",
    sites=tuple(REGIONS),
    channels=_SITES.shape[1] * 3,
    embedding=len(BLENDSHAPES) + len(EXPRESSIONS),
    cues=CUES,
    version="2",
)


def extract(path: Path, info: MediaInfo, progress: Progress | None = None) -> Track:
    """The face track of a clip; frames without a face are not valid, and ``note`` says how many.

    ``detail["landmarks"]`` ``(T, L, 2)`` are the points of :data:`CONTOURS` in 0..1 of the upright picture,
    ``detail["faces"]`` ``(T,)`` how many faces there are, of which the most prominent is measured.
    Raises :class:`~stf2m.media.MediaError` when the file is no media file.
    """
    count = int(np.ceil(info.duration_s * RATE_HZ - 1e-6))
    if not info.has_video:
        return absent(MODALITY, count, "There is no picture.")
    try:
        follower = Follower(landmarker())
        expression_network()
    except WeightsUnavailableError as error:
        return absent(MODALITY, count, str(error))
    seen = _Seen(count)
    for at, picture in frames(path, RATE_HZ):
        index = round(at * RATE_HZ)
        if index >= count:
            break
        seen.add(index, picture, follower.next(picture), follower.faces)
        if progress and index % 10 == 0:
            progress(index / count, "Watching the face")
    return seen.track(info.duration_s)


def extract_image(rgb: NDArray[np.uint8]) -> Track:
    """The face track of a still picture ``(H, W, 3)``: one frame. Tightly cropped and tiny faces are found too.

    Raises :class:`~stf2m.weights.WeightsUnavailableError` when a network can be had nowhere.
    """
    seen = _Seen(1)
    seen.add(0, rgb, find(rgb, landmarker()), 1)
    return seen.track(1 / RATE_HZ)


class _Seen:
    """What is measured while the pictures of a clip of ``count`` frames pass by."""

    def __init__(self, count: int) -> None:
        self.values = np.zeros((count, *_SITES.shape, 3), np.float32)
        self.embedding = np.zeros((count, MODALITY.embedding), np.float32)
        self.cues = np.full((count, len(CUES)), np.nan, np.float32)
        self.drawn = np.full((count, len(_DRAWN), 2), np.nan, np.float16)
        self.valid = np.zeros(count, bool)
        self.faces = np.zeros(count, np.uint8)
        self._last: tuple[Face | None, int] = (None, 0)

    def add(self, index: int, picture: NDArray[np.uint8], face: Face | None, faces: int) -> None:
        """Measure the face in picture number ``index``, if there is one, out of so many; the very same face once."""
        if face is None:
            return
        (measured, before), self._last = self._last, (face, index)
        if face is measured:
            for each in (self.values, self.embedding, self.cues, self.drawn, self.valid, self.faces):
                each[index] = each[before]
            return
        self.faces[index] = faces
        aligned = align(face.landmarks)
        shapes = landmarker().blendshapes(face.landmarks)
        self.valid[index] = True
        self.values[index] = (aligned.points - canonical_face()[0])[_SITES]
        self.embedding[index] = np.concatenate([shapes, expression_network()(picture, face.landmarks)])
        self.cues[index] = still_cues(shapes, aligned)
        self.drawn[index] = face.landmarks[_DRAWN, :2] / [picture.shape[1], picture.shape[0]]

    def track(self, duration_s: float) -> Track:
        """All that was measured, with the cues that need time."""
        count = len(self.valid)
        if not self.valid.any():
            return absent(MODALITY, count, "No face was found.")
        points = self.values.reshape(count, -1, 3)
        add_moving_cues(self.cues, points, self.embedding[:, _EYES_CLOSED].mean(axis=1), self.valid)
        return Track(
            modality=MODALITY,
            values=self.values.reshape(count, len(REGIONS), MODALITY.channels),
            embedding=self.embedding,
            cues=self.cues,
            valid=self.valid,
            detail={"landmarks": self.drawn, "faces": self.faces},
            note=_note(self.valid, duration_s),
        )


def _note(valid: Sequence[bool] | NDArray[np.bool_], duration_s: float) -> str:
    share = float(np.mean(valid))
    return "" if share > 0.98 else f"A face is seen in {share * duration_s:.1f} of {duration_s:.1f} s."
