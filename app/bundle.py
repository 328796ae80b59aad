"""A bundle to train and to test models on: the labels of a study and its clips' tracks, no picture and no sound.

:mod:`stf2m.datasets.bundle` reads it.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

from annotations import formats
from annotations.interchange import StudyFile
from annotations.records import ClipRecord
from annotations.store import Store
from app.jobs import PlainError
from stf2m.datasets import bundle
from stf2m.tracks import Track


@dataclass(frozen=True)
class Bundled:
    """What went into a bundle: labels and clips; ``left_out`` names the labelled clips that are not analysed."""

    labels: int
    clips: int
    left_out: tuple[str, ...]


def write(store: Store, study_id: int, tracks: Callable[[ClipRecord], dict[str, Track]], file: Path) -> Bundled:
    """Write the bundle of a study as a ZIP file; ``tracks`` reads those of a clip.

    Raises :class:`app.jobs.PlainError` where no clip has both labels and tracks; no file is written then.
    """
    content = store.export_file(study_id)
    labelled = {label.clip.sha256 for label in content.labels}
    wanted = [clip for clip in store.clips(study_id) if clip.sha256 in labelled]
    ready = [clip for clip in wanted if clip.status == "ready"]
    if not ready:
        raise PlainError("There is nothing to bundle: no clip that has been analysed has labels.")
    hashes = {clip.sha256 for clip in ready}
    kept = StudyFile(
        content.emotions,
        tuple(clip for clip in content.clips if clip.sha256 in hashes),
        tuple(label for label in content.labels if label.clip.sha256 in hashes),
    )
    partial = file.with_suffix(".partial")
    with TemporaryDirectory() as folder, ZipFile(partial, "w", ZIP_STORED) as archive:
        archive.writestr(bundle.LABELS, formats.write(kept, "json").data, ZIP_DEFLATED)
        for clip in ready:
            for name, track in tracks(clip).items():
                if track.valid.any():
                    path = Path(folder) / f"{name}.npz"
                    replace(track, detail={}).save(path)
                    archive.write(path, f"{bundle.TRACKS}/{clip.sha256}/{name}.npz")
    partial.replace(file)
    return Bundled(len(kept.labels), len(ready), tuple(clip.name for clip in wanted if clip not in ready))
