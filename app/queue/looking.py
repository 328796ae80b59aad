"""What the model finds in each clip, worked out in the background, so that no page waits for an hour-long clip."""

import logging
import threading
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

import numpy as np

from annotations.records import ClipRecord, ModelVersionRecord
from app.predictions import Predictions
from app.queue import reasons
from app.queue.reasons import Spot
from stf2m.timeline import Moments, over_time

#: Answers are kept for so many clips and model versions.
MOST = 1024
log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Found:
    """A model version's answer over a clip, and where in it a person should look. Nothing where it knows nothing."""

    moments: Moments
    emotions: tuple[str, ...]
    taught: bool
    contradictions: tuple[Spot, ...] = ()
    changes: tuple[Spot, ...] = ()


class Looking:
    """Looks through clips one after the other in a thread of its own; what it found stays in memory.

    Where the ``origin`` of a copied studio says the same of a clip, it is looked through there, once for all copies.
    """

    def __init__(self, predictions: Predictions, origin: "Looking | None" = None) -> None:
        self._predictions = predictions
        self._origin = origin
        self._work: OrderedDict[tuple[int, str, str], Future[Found]] = OrderedDict()
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="studio-looking")

    def at(self, clips: Sequence[ClipRecord], version: ModelVersionRecord, patience_s: float) -> dict[int, Found]:
        """What is known of these clips within ``patience_s`` seconds, by clip id; the others are being looked at."""
        with self._lock:
            asked = {clip.id: self._ask(clip, version) for clip in clips}
            while len(self._work) > max(MOST, len(clips)):
                self._work.popitem(last=False)
        wait(asked.values(), patience_s)
        return {clip_id: work.result() for clip_id, work in asked.items() if work.done()}

    def found(self, clip: ClipRecord, version: ModelVersionRecord) -> Found:
        """What a version says of a clip, when it has been looked through."""
        with self._lock:
            work = self._ask(clip, version)
        return work.result()

    def forget(self, clip: ClipRecord) -> None:
        """Look through a clip anew when it is asked for next."""
        with self._lock:
            for key in [key for key in self._work if key[:2] == (clip.study_id, clip.sha256)]:
                del self._work[key]

    def _ask(self, clip: ClipRecord, version: ModelVersionRecord) -> Future[Found]:
        key = (clip.study_id, clip.sha256, version.file)
        if key not in self._work:
            self._work[key] = self._pool.submit(self._look, clip, version)
        self._work.move_to_end(key)
        return self._work[key]

    def _look(self, clip: ClipRecord, version: ModelVersionRecord) -> Found:
        try:
            if self._origin and self._predictions.origin_of(clip, version):
                return self._origin.found(clip, version)
            return look(self._predictions, clip, version)
        except Exception:
            log.exception("%s could not be looked through", clip.name)
            nothing = np.zeros((0, 0))
            return Found(Moments(np.zeros(1), nothing, np.zeros(0), nothing), (), taught=False)


def look(predictions: Predictions, clip: ClipRecord, version: ModelVersionRecord) -> Found:
    """Ask a version about a clip, of all modalities together and of each alone."""
    adapted = predictions.adapted(version)
    moments = predictions.over_time(clip, version)
    if not adapted.taught:
        return Found(moments, adapted.emotions, taught=False)
    encoded, pieces = predictions.encoded(clip), predictions.segments(clip)
    alone: dict[str, Moments] = {}
    for number, name in enumerate(predictions.sources):
        said = adapted.predict(encoded.only(number))
        there = np.asarray(encoded.present[:, number])
        alone[name] = over_time(pieces, there, said.memberships, said.uncertainty, said.shares)
    return Found(
        moments,
        adapted.emotions,
        taught=True,
        contradictions=tuple(reasons.contradictions(alone, adapted.emotions)),
        changes=tuple(reasons.changes(moments, adapted.emotions)),
    )
