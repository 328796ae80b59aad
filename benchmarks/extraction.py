"""How much faster tracks are made by a second worker: ``python -m benchmarks.extraction``.

The demo clips, several times over with other content, are extracted by one process and by two; the time in which
workers load their models is in it. ``--clips`` sets how many; take it so large that loading does not count.
"""

import os
import shutil
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from app.demo import DEMOS
from stf2m.clips import analyse
from stf2m.extraction import extract


def main(
    clips: Annotated[int, typer.Option(min=2, help="How many videos of half a minute.")] = 16,
    workers: Annotated[int, typer.Option(min=2, help="Compared with one.")] = 2,
) -> None:
    """Print seconds and videos a minute by one and by several workers, and the speed-up."""
    with TemporaryDirectory() as place:
        folder = Path(place) / "videos"
        folder.mkdir()
        for number in range(clips):
            _copy(DEMOS[number % len(DEMOS)].path, folder / f"{number}.mp4", number)
        analyse(folder / "0.mp4")  # weights are found, and files are in memory, before any clock runs
        took = [_seconds(folder, Path(place) / f"by {jobs}", jobs) for jobs in (1, workers)]
    for jobs, seconds in zip((1, workers), took, strict=True):
        print(f"{jobs} at a time: {clips} videos in {seconds:.1f} s, {clips / seconds * 60:.1f} a minute")
    print(f"{workers} workers are {took[0] / took[1]:.2f} times as fast as one, on {os.cpu_count()} cores")


def _copy(source: Path, target: Path, number: int) -> None:
    """The same video with a box at its end that players skip, so that its content is another."""
    shutil.copy(source, target)
    with target.open("ab") as file:
        file.write((12).to_bytes(4, "big") + b"free" + number.to_bytes(4, "big"))


def _seconds(folder: Path, out: Path, jobs: int) -> float:
    started = time.perf_counter()
    found = extract(folder, out, jobs=jobs)
    if found.failures:
        raise SystemExit("\n".join(found.failures.values()))
    return time.perf_counter() - started


if __name__ == "__main__":
    typer.run(main)
