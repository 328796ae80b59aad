"""The most prominent face: found in a picture, followed through a video.

Following costs one pass of the landmark network a picture: the landmarks of the last picture say where to look. The
detector runs when the face is lost and, now and then, to notice that somebody else has become more prominent.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from stf2m.tracks import FloatArray
from stf2m.views._landmarker import Found, Landmarker, Picture, Region

_PRESENT = 0.5  # how sure the landmark network must be that it sees a face
_PRESENT_CLOSELY = 0.9  # the same where the detector sees one only at a second, closer look
_LOOK_AROUND = 5  # pictures between two looks for a more prominent face
_SEARCH_CLOSELY = (10, 50)  # pictures between two close searches without a face: at first, and after the longer one
_LONGEST_LOOK = _SEARCH_CLOSELY[1]  # looks at one picture that stays: by then it has been searched closely
_MORE_PROMINENT = 1.5  # a face takes over when it is so many times as prominent, twice in a row
_MOST_COUNTED = 5  # of so many more faces it is looked whether they are faces
_SMALLEST = 12.0  # faces of fewer pixels show nothing


@dataclass(frozen=True, eq=False)
class Face:
    """``landmarks`` ``(478, 3)`` in pixels of the picture."""

    landmarks: FloatArray

    @property
    def region(self) -> Region:
        """Where to look for this face in the next picture."""
        points = self.landmarks[:, :2]
        return Region.around(points, points[33], points[263])


def find(picture: Picture, networks: Landmarker, closely: bool = True) -> Face | None:
    """The most prominent face of a picture ``(H, W, 3)``, or None.

    A close search also looks for faces that touch the edges, for small ones, and for one that fills the picture.
    """
    for found in _by_prominence(networks.detect(picture), picture):
        if face := _confirmed(picture, found.region, networks):
            return face
    if closely:
        for region in _close_regions(picture, networks):
            if face := _confirmed(picture, region, networks, _PRESENT_CLOSELY):
                return face
    return None


class Follower:
    """Follows the most prominent face from picture to picture; give it the pictures in the order of time.

    ``faces``: how many there were at the last look around, the followed one included. A picture that is the very array
    of the one before is looked at again only until that tells nothing new; then it has the very same face.
    """

    def __init__(self, networks: Landmarker) -> None:
        self._networks = networks
        self._face: Face | None = None
        self._pictures = 0
        self._without = 0
        self._rivals = 0
        self._last: Picture | None = None
        self._stays = 0
        self.faces = 0

    def next(self, picture: Picture) -> Face | None:
        """The followed face in the next picture, or None while there is none to be seen."""
        self._stays = self._stays + 1 if picture is self._last else 0
        self._last = picture
        if self._stays > _LONGEST_LOOK:
            return self._face
        self._pictures += 1
        if self._face is not None:
            self._face = _seen(picture, self._face.region, self._networks)
            if self._face is not None and self._pictures % _LOOK_AROUND == 0:
                found = self._look_around(picture, self._face)
                self._face = self._rival(picture, self._face, found) or self._face
        if self._face is None:
            soon, late = _SEARCH_CLOSELY
            closely = self._without % (soon if self._without < late else late) == 0
            self._face = find(picture, self._networks, closely)
            self._rivals = 0
            self.faces = 0
            if self._face is not None:
                self._look_around(picture, self._face)
        self._without = 0 if self._face is not None else self._without + 1
        return self._face

    def _look_around(self, picture: Picture, face: Face) -> list[Found]:
        """What may be a face, the most prominent first; counts those that are."""
        found = _by_prominence(self._networks.detect(picture), picture)
        others = [each.region for each in found if _apart(each.region, face.region)][:_MOST_COUNTED]
        self.faces = 1 + sum(_confirmed(picture, each, self._networks) is not None for each in others)
        return found

    def _rival(self, picture: Picture, face: Face, found: list[Found]) -> Face | None:
        """Another face that has been much more prominent at two looks in a row."""
        region = face.region
        best = found[0].region if found else None
        if (
            best is None
            or not _apart(best, region)
            or _prominence(best, picture) < _MORE_PROMINENT * _prominence(region, picture)
        ):
            self._rivals = 0
            return None
        self._rivals += 1
        return _confirmed(picture, best, self._networks) if self._rivals >= 2 else None


def _apart(one: Region, other: Region) -> bool:
    return bool(np.hypot(one.x - other.x, one.y - other.y) > (one.side + other.side) / 4)


def _seen(picture: Picture, region: Region, networks: Landmarker, sure: float = _PRESENT) -> Face | None:
    """The face in a region, if there is one of some size that has not slid out of the picture."""
    landmarks, presence = networks.landmarks(picture, region)
    face = Face(landmarks)
    height, width = picture.shape[:2]
    inside = 0 <= face.region.x <= width and 0 <= face.region.y <= height
    sized = _SMALLEST < face.region.side / 1.5 < 2 * max(height, width)
    return face if presence >= sure and inside and sized else None


def _confirmed(picture: Picture, region: Region, networks: Landmarker, sure: float = _PRESENT) -> Face | None:
    """The face in a region that was only guessed at, if it is still one where its own landmarks say that it is."""
    face = _seen(picture, region, networks, sure)
    return _seen(picture, face.region, networks, sure) if face is not None else None


def _prominence(region: Region, picture: Picture) -> float:
    """Large and central is prominent: the side, halved towards the corners of the picture."""
    height, width = picture.shape[:2]
    away = np.hypot(region.x - width / 2, region.y - height / 2) / np.hypot(width / 2, height / 2)
    return region.side * (1 - 0.5 * min(float(away), 1.0))


def _by_prominence(faces: list[Found], picture: Picture) -> list[Found]:
    return sorted(faces, key=lambda face: -_prominence(face.region, picture))


def _close_regions(picture: Picture, networks: Landmarker) -> Iterator[Region]:
    """Where a face may be that the detector does not see at first sight."""
    height, width = picture.shape[:2]
    edge = max(height, width) // 4
    framed = np.pad(picture, ((edge, edge), (edge, edge), (0, 0)), mode="edge")
    for found in _by_prominence(networks.detect(framed), framed):
        region = found.region
        yield Region(region.x - edge, region.y - edge, region.side, region.angle)
    for zoom in (2, 4):
        tiles = [face for tile in _tiles(width, height, zoom) for face in networks.detect(picture, *tile)]
        for found in _by_prominence(tiles, picture):
            yield found.region
    if max(height, width) < 1.5 * min(height, width):
        yield Region(width / 2, height / 2, 1.15 * max(height, width), 0.0)


def _tiles(width: int, height: int, zoom: int) -> Iterator[tuple[int, int, int, int]]:
    """Squares that overlap by half and cover a picture; none smaller than 64 pixels: left, top, right, bottom."""
    side = max(width, height) // zoom
    if side < 64:
        return
    for top in range(0, max(height - side // 2, 1), side // 2):
        for left in range(0, max(width - side // 2, 1), side // 2):
            yield left, top, min(left + side, width), min(top + side, height)
