"""The first start: a study "Demo" whose clips are there and analysed before anybody uploads anything."""

import logging

from app.demo import DEMOS
from app.ingest import ClipRefused, Upload
from app.studio import Studio
from stf2m import weights

NAME = "Demo"
EMOTIONS = ("angry", "calm", "happy", "neutral", "sad", "surprised")
log = logging.getLogger(__name__)


def prepare(studio: Studio) -> None:
    """Make the demo study where it is not finished yet, and finish clips that a killed studio left half done."""
    finished = studio.files.home / "demo-is-there"
    if not finished.exists():
        study = next((each for each in studio.studies() if each.name == NAME), None)
        study = study or studio.create_study(NAME, EMOTIONS)
        fetch_weights()
        for number, clip in enumerate(DEMOS, 1):
            print(f"First start: analysing demo clip {number} of {len(DEMOS)}, {clip.title} …", flush=True)
            try:
                studio.ingest(study.id, Upload(clip.path, clip.path.name, subtitles=clip.subtitles))
            except ClipRefused as refusal:
                log.warning("%s", refusal)
        finished.touch()
    studio.catch_up()


def fetch_weights() -> None:
    """Download the borrowed weights that no package brings, and say how far that is; without them less is analysed."""
    for each in weights.BORROWED:
        tenths = set[int]()

        def tell(share: float, stage: str, told: set[int] = tenths) -> None:
            if (tenth := int(10 * share)) not in told:
                told.add(tenth)
                print(f"First start: {stage}, {10 * tenth} %", flush=True)

        try:
            weights.find(each, tell)
        except weights.WeightsUnavailableError as error:
            print(f"First start: {error}", flush=True)
