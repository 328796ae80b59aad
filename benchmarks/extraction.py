"""How much faster tracks are made by a second worker: ``python -m benchmarks.extraction``.

The demo clips, several times over with other content, are extracted by one process and by two, which have loaded their
models before: among thousands of videos that does not count. ``--clips`` sets how many. Writes EXTRACTION.md beside
this file.
"""

import os
import shutil
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from app.demo import DEMOS
from benchmarks.report import write_page
from stf2m.clips import analyse
from stf2m.extraction import extract

TOLD = Path(__file__).with_name("EXTRACTION.md")


def main(
    clips: Annotated[int, typer.Option(min=2, help="How many videos of half a minute.")] = 24,
    workers: Annotated[int, typer.Option(min=2, help="Compared with one.")] = 2,
) -> None:
    """Seconds and videos a minute by one and by several workers, and the speed-up."""
    with TemporaryDirectory() as place:
        folder = Path(place) / "videos"
        folder.mkdir()
        for number in range(clips):
            _copy(DEMOS[number % len(DEMOS)].path, folder / f"{number}.mp4", number)
        analyse(folder / "0.mp4")  # weights are found, and files are in memory, before any clock runs
        took = [_seconds(folder, Path(place) / "by 1", 1)]
        few = Path(place) / "few"
        few.mkdir()
        for number in range(workers):
            shutil.copy(folder / f"{number}.mp4", few)
        _seconds(few, Path(place) / "of few", workers)  # they stay, with all that they have read at their start
        took.append(_seconds(folder, Path(place) / f"by {workers}", workers))
    rows = "\n".join(
        f"| {jobs} | {seconds:.1f} | {clips / seconds * 60:.1f} | {took[0] / seconds:.2f} |"
        for jobs, seconds in zip((1, workers), took, strict=True)
    )
    write_page(
        TOLD,
        f"# Extraction by several workers\n\nBy `python -m benchmarks.extraction --clips {clips}`: that many videos of "
        f"half a minute, on {os.cpu_count()} cores, the workers being there already.\n\n"
        f"| workers | seconds | videos a minute | times as fast |\n| --- | --- | --- | --- |\n{rows}\n",
    )
    print(TOLD.read_text(encoding="utf-8"))


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
