"""The tracks of a whole folder of videos, by several processes or the machines of a cluster.

The output is a bundle (:mod:`stf2m.datasets.bundle`) that waits for its labels: ``tracks/SHA256/MODALITY.npz``, and
``annotations.json`` with the clips by name. ``done/KEY.json`` says of each video what came of it. The key is made of
the file's name, size and time, of the subtitles beside it and of the extractors' versions: a changed video is read
again, any other never. Everything is written under another name first and renamed: a run that is killed leaves nothing
half done, and the next one goes on where it stopped.
"""

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import joblib
from threadpoolctl import threadpool_limits

from stf2m.clips import Clip, Words, analyse
from stf2m.clusters import cluster
from stf2m.datasets import bundle
from stf2m.datasets.extraction import modality_of
from stf2m.datasets.items import DatasetError, kind_of
from stf2m.media import MediaError
from stf2m.views.text import SubtitleError
from stf2m.weights import Progress

DONE, PARTIAL = "done", "partial"
#: What a killed run has left half done is cleared away when it is so old, seconds.
_STALE_S = 24 * 3600.0
_MODALITIES = ("face", "voice", "text")


@dataclass(frozen=True)
class Extracted:
    """What came of a folder: so many videos read now, so many before; a sentence for each that could not be read."""

    out: Path
    done: int
    before: int
    failures: Mapping[str, str]

    @property
    def nothing(self) -> bool:
        """Whether not one video could be read, now or before."""
        return bool(self.failures) and not self.done + self.before


def extract(
    folder: Path,
    out: Path | None = None,
    *,
    jobs: int = -1,
    address: str = "",
    limits: Mapping[str, float] = {},
    progress: Progress | None = None,
) -> Extracted:
    """Make the tracks of every video under ``folder``, in ``out`` (or ``folder-tracks`` beside it).

    ``jobs`` processes work at once (-1: one a core, or all that a cluster has). ``address`` is that of a cluster,
    ``ray://…`` or ``dask://…``, whose machines see both folders under the same paths. ``limits`` are those of
    :func:`stf2m.clips.analyse`. Raises :class:`DatasetError` where there is no video, and where a worker dies or the
    cluster cannot be had.
    """
    folder = folder.resolve()
    out = out.resolve() if out else folder.with_name(f"{folder.name}-tracks")
    videos = _videos(folder, out)
    for name in (bundle.TRACKS, DONE, PARTIAL):
        (out / name).mkdir(parents=True, exist_ok=True)
    _clear(out / PARTIAL)
    missing = [video for video in videos if not _is_done(out, _key(folder, video))]
    before = len(videos) - len(missing)

    def report(count: int) -> None:
        if progress:
            progress((before + count) / len(videos), f"{before + count} of {len(videos)} videos")

    report(0)
    with cluster(address):
        run = _Reporting(report, n_jobs=jobs, batch_size=1)
        found = run(joblib.delayed(_one)(folder, video, out, dict(limits)) for video in missing)
    told = cast(list[tuple[str, str]], found)
    failures = {name: sentence for name, sentence in told if sentence}
    _index(folder, videos, out)
    return Extracted(out, len(missing) - len(failures), before, failures)


class _Reporting(joblib.Parallel):
    """Tells how many are done, on every backend alike: those of clusters give no results before the end."""

    def __init__(self, report: Callable[[int], None], **options: Any) -> None:
        super().__init__(**options)
        self._report = report

    def print_progress(self) -> None:
        self._report(self.n_completed_tasks)


def _one(folder: Path, video: Path, out: Path, limits: Mapping[str, float]) -> tuple[str, str]:
    """Make the tracks of one video: its name, and a sentence where that cannot be done. Runs in a worker."""
    name = video.relative_to(folder).as_posix()
    try:
        key = _key(folder, video)
        with threadpool_limits(1):
            clip = analyse(video, words=Words.beside(video), **limits)  # pyright: ignore[reportArgumentType]
        _write(out, key, name, clip)
    except (MediaError, SubtitleError, DatasetError, OSError) as error:
        return name, " ".join(str(error).split())
    except Exception as error:  # one video of thousands does not stop the others
        return name, f"An error in the program stopped it ({type(error).__name__}: {error})."
    return name, ""


def _write(out: Path, key: str, name: str, clip: Clip) -> None:
    target = out / bundle.TRACKS / clip.sha256
    target.mkdir(exist_ok=True)
    with TemporaryDirectory(dir=out / PARTIAL) as partial:
        for modality in clip.modalities:
            file = Path(partial) / f"{modality}.npz"
            replace(clip.tracks[modality], detail={}).save(file)
            file.replace(target / file.name)
        about = {
            "name": name,
            "sha256": clip.sha256,
            "duration_s": clip.info.duration_s,
            "modalities": clip.modalities,
            "notes": clip.notes,
        }
        _put(out / DONE / f"{key}.json", about, Path(partial))


def _put(file: Path, content: Mapping[str, Any], partial: Path) -> None:
    written = partial / file.name
    written.write_text(json.dumps(content, ensure_ascii=False, indent=1), encoding="utf-8")
    written.replace(file)


def _videos(folder: Path, out: Path) -> list[Path]:
    if not folder.is_dir():
        raise DatasetError(f"{folder} is not a folder.")
    found = (Path(place) / name for place, _, names in os.walk(folder) for name in names if not name.startswith("."))
    videos = sorted(file for file in found if kind_of(file) == "video" and not file.is_relative_to(out))
    if not videos:
        raise DatasetError(f"{folder} holds no videos.")
    return videos


def _key(folder: Path, video: Path) -> str:
    """What the tracks of a video depend on, as a short digest."""
    stat = video.stat()
    versions = [modality_of(name).version for name in _MODALITIES]
    told = [video.relative_to(folder).as_posix(), stat.st_size, stat.st_mtime_ns, Words.beside(video).fingerprint()]
    return hashlib.sha256(json.dumps([*told, *versions]).encode()).hexdigest()[:32]


def _is_done(out: Path, key: str) -> bool:
    about = _about(out / DONE / f"{key}.json")
    if about is None:
        return False
    return all((out / bundle.TRACKS / about["sha256"] / f"{name}.npz").is_file() for name in about["modalities"])


def _about(file: Path) -> dict[str, Any] | None:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _index(folder: Path, videos: Sequence[Path], out: Path) -> None:
    """Put new clips into the bundle's list; what is there keeps its place, for labels refer to it."""
    file = out / bundle.LABELS
    content = _about(file) if file.is_file() else {"clips": [], "annotations": []}
    if content is None or not isinstance(content.get("clips"), list):
        raise DatasetError(f"{file} does not hold the labels of a bundle.")
    there = {clip.get("sha256") for clip in content["clips"]}
    new: list[dict[str, str]] = []
    for video in videos:
        about = _about(out / DONE / f"{_key(folder, video)}.json")
        if about and about["sha256"] not in there:
            there.add(about["sha256"])
            new.append({"name": about["name"], "sha256": about["sha256"]})
    if new or not file.is_file():
        with TemporaryDirectory(dir=out / PARTIAL) as partial:
            _put(file, {**content, "clips": [*content["clips"], *new]}, Path(partial))


def _clear(partial: Path) -> None:
    for left in partial.iterdir():
        if time.time() - left.stat().st_mtime > _STALE_S:
            shutil.rmtree(left, ignore_errors=True)
