"""What the people of a study say about a clip, put together for the reviewer who settles it."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from annotations.records import AnnotationRecord

#: Edges of two people that are closer than this, seconds, are the same edge: nobody presses a key more exactly.
SAME_EDGE_S = 0.2


@dataclass(frozen=True)
class Said:
    """A stretch of a clip with what each person says there: degrees per emotion, empty where they said nothing."""

    start_s: float
    end_s: float
    by_person: Mapping[str, Mapping[str, float]]

    @property
    def memberships(self) -> dict[str, float]:
        """The mean degrees over the people who said something."""
        given = [degrees for degrees in self.by_person.values() if degrees]
        names = dict.fromkeys(name for degrees in given for name in degrees)
        return {name: sum(degrees.get(name, 0.0) for degrees in given) / len(given) for name in names}

    @property
    def disagreement(self) -> float:
        """The share of people who did not choose the most chosen emotion; those who said nothing did not."""
        strongest = Counter(
            max(degrees, key=lambda name: degrees[name]) for degrees in self.by_person.values() if degrees
        )
        return 1 - max(strongest.values()) / len(self.by_person)


def side_by_side(annotations: Sequence[AnnotationRecord]) -> list[Said]:
    """What all people say about a clip, cut wherever one of them changes their mind; stretches nobody labelled are left
    out, and of overlapping annotations of one person the highest degree counts.
    """
    people = sorted({each.annotator for each in annotations})
    edges = _edges(annotations)
    found: list[Said] = []
    for start_s, end_s in pairwise(edges):
        middle = (start_s + end_s) / 2
        there = [each for each in annotations if each.start_s <= middle < each.end_s]
        if not there:
            continue
        said = {person: _degrees(each for each in there if each.annotator == person) for person in people}
        if found and found[-1].end_s == start_s and found[-1].by_person == said:
            found[-1] = Said(found[-1].start_s, end_s, said)
        else:
            found.append(Said(start_s, end_s, said))
    return found


def _edges(annotations: Sequence[AnnotationRecord]) -> list[float]:
    """Where somebody starts or ends, in order; of edges closer than :data:`SAME_EDGE_S` the first."""
    edges: list[float] = []
    for edge in sorted({edge for each in annotations for edge in (each.start_s, each.end_s)}):
        if not edges or edge - edges[-1] >= SAME_EDGE_S:
            edges.append(edge)
    return edges


def _degrees(annotations: Iterable[AnnotationRecord]) -> dict[str, float]:
    found: dict[str, float] = {}
    for each in annotations:
        for name, degree in each.degrees.items():
            found[name] = max(found.get(name, 0.0), degree)
    return found
