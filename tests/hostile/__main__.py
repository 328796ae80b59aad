"""``python -m tests.hostile --files 1000 [--seed 0] [--out benchmarks/HOSTILE.md]``: a studio under hostile files.

Stopped early (Ctrl C), it reports the files that were fed so far.
"""

import argparse
import contextlib
import re
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from app.settings import Settings
from app.studio import Studio
from stf2m import sandbox
from tests.hostile.feeding import Fed, feed

_HEAD = """# Hostile files

{count:,} of {asked:,} files made wrong on purpose, seed {seed}, each sent to a studio as a browser sends it: videos by
the upload, files of labels by the import. By `python -m tests.hostile --files {asked} --seed {seed}`; what they are is
in [tests/hostile](../tests/hostile). *Accepted* means that what could be read of a file was analysed.

| what is wrong | files | accepted | refused in a sentence | anything else | slowest, s |
| --- | --- | --- | --- | --- | --- |
"""


class Peak(threading.Thread):
    """The most memory that the studio and any of its decoding processes had, bytes, by kind of process."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.studio = self.decoder = 0

    def run(self) -> None:
        """Look ten times a second."""
        while True:
            self.studio = max(self.studio, _resident("self"))
            nursery = sandbox._nursery._process
            with contextlib.suppress(OSError):
                children = Path(f"/proc/{nursery.pid}/task/{nursery.pid}/children").read_text() if nursery else ""
                for each in children.split():
                    self.decoder = max(self.decoder, _resident(each))
            time.sleep(0.1)


def _resident(process: str) -> int:
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return 0
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found[1]) * 1024 if found else 0


def report(fed: Sequence[Fed], peak: Peak, asked: int, seed: int, seconds: float) -> str:
    """What happened, as a Markdown page."""
    lines = [_HEAD.format(count=len(fed), asked=asked, seed=seed)]
    for kind in sorted({each.kind for each in fed}):
        there = [each for each in fed if each.kind == kind]
        counts = (
            len(there),
            sum(not each.answer for each in there),
            sum(bool(each.answer and each.plain) for each in there),
        )
        odd = sum(not each.plain for each in there)
        lines.append(
            f"| {kind} | {' | '.join(map(str, counts))} | {odd} | {max(each.seconds for each in there):.1f} |\n"
        )
    ways = Counter(each.way for each in fed)
    lines.append(
        f"\n{ways['upload']:,} by upload, {ways['import']:,} by import; {sum(not each.plain for each in fed)} answered "
        f"by anything but a sentence. At most {peak.studio / 2**20:,.0f} MiB in the studio, models included, and "
        f"{peak.decoder / 2**20:,.0f} MiB in a process that decodes. {seconds / 60:.0f} minutes on a machine that was "
        "busy with other work.\n\nThe answers, names and numbers left out:\n\n| answer | files |\n| --- | --- |\n"
    )
    shapes = Counter(_shape(each.answer) for each in fed if each.answer)
    lines += [f"| {shape} | {count} |\n" for shape, count in shapes.most_common(25)]
    if len(shapes) > 25:
        lines.append(
            f"| {len(shapes) - 25} others | {sum(shapes.values()) - sum(n for _, n in shapes.most_common(25))} |\n"
        )
    return "".join(lines)


def _shape(answer: str) -> str:
    """An answer without what differs from file to file."""
    named = re.sub(r"^\S*(\.[A-Za-z0-9]+)?(?= (is|has|needs|takes|makes|did|cannot) )", "FILE", answer)
    shape = re.sub(r"(damaged|not JSON|Label \d+ of the file): .*", r"\1: …", re.sub(r"\d+", "N", named))
    return re.sub(r"[|\x00-\x1f<>\ud800-\udfff]", "·", shape)[:110]


def main() -> None:
    """Feed, print what is wrong as it happens, and write the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    fed: list[Fed] = []
    began, peak = time.monotonic(), Peak()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        studio = Studio(Settings(home=Path(home)))
        studio.create_study("Hostile", ["happy", "sad"])
        peak.start()
        with contextlib.suppress(KeyboardInterrupt):
            for each in feed(studio, asked.seed, asked.files):
                fed.append(each)
                if not each.plain or len(fed) % 50 == 0:
                    print(
                        f"{len(fed)}: {each}"[:400].encode("ascii", "backslashreplace").decode(),
                        file=sys.stderr,
                        flush=True,
                    )
        page = report(fed, peak, asked.files, asked.seed, time.monotonic() - began)
    asked.out.write_text(page, encoding="utf-8") if asked.out else print(page)
    sys.exit(any(not each.plain for each in fed))


if __name__ == "__main__":
    main()
