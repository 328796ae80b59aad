"""``python -m tests.hostile --files 1000 [--seed 0] [--record FILE] [--minutes N] [--out benchmarks/HOSTILE.md]``.

A studio under hostile files. Stopped early (Ctrl C, or after so many minutes), it reports the files that were fed so
far; with a record it goes on from there the next time. The page keeps what is written below its last table.
"""

import argparse
import contextlib
import itertools
import re
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from app.settings import Settings
from app.studio import Studio
from benchmarks.report import write_page
from tests.hostile.feeding import MOST_DECODER, MOST_S, MOST_STUDIO, Fed, feed
from tests.hostile.record import Record

_HEAD = """# Hostile files

{count:,} of {asked:,} files made wrong on purpose, seed {seed}, each sent to a studio as a browser sends it: videos by
the upload, files of labels by the import. By `python -m tests.hostile --files {asked} --seed {seed}`; what they are is
in [tests/hostile](../tests/hostile). *Accepted* means that what could be read of a file was analysed. No file may take
more than {most_s:.0f} s, {most_decoder:,.0f} MiB in a process that decodes, or {most_studio:,.0f} MiB in the studio,
models included.

| what is wrong | files | accepted | refused in a sentence | anything else | slowest, s | decoder, MiB | studio, MiB |
| --- | --- | --- | --- | --- | --- | --- | --- |
"""
_MARK = "<!-- below is kept -->"


def report(fed: Sequence[Fed], asked: int, seed: int) -> str:
    """What happened, as a Markdown page."""
    bounds = {"most_s": MOST_S, "most_decoder": MOST_DECODER, "most_studio": MOST_STUDIO}
    lines = [_HEAD.format(count=len(fed), asked=asked, seed=seed, **bounds)]
    lines += [_row(kind, [each for each in fed if each.kind == kind]) for kind in sorted({each.kind for each in fed})]
    ways = Counter(each.way for each in fed)
    lines.append(
        f"\n{ways['upload']:,} by upload, {ways['import']:,} by import; {sum(not each.plain for each in fed)} answered "
        f"by anything but a sentence, {sum(not each.bounded for each in fed)} beyond a bound. "
        f"{sum(each.seconds for each in fed) / 60:.0f} minutes on a machine that was busy with other work.\n\n"
        "The answers, names and numbers left out:\n\n| answer | files |\n| --- | --- |\n"
    )
    shapes = Counter(_shape(each.answer) for each in fed if each.answer)
    lines += [f"| {shape} | {count} |\n" for shape, count in shapes.most_common(25)]
    rest = sum(shapes.values()) - sum(count for _, count in shapes.most_common(25))
    if rest:
        lines.append(f"| {len(shapes) - 25} others | {rest} |\n")
    return "".join(lines)


def _row(kind: str, fed: Sequence[Fed]) -> str:
    accepted, odd = sum(not each.answer for each in fed), sum(not each.plain for each in fed)
    counts = f"{len(fed)} | {accepted} | {len(fed) - accepted - odd} | {odd}"
    decoder, studio = max(each.decoder_mib for each in fed), max(each.studio_mib for each in fed)
    used = f"{decoder:,.0f}" if decoder else "–"
    return f"| {kind} | {counts} | {max(each.seconds for each in fed):.1f} | {used} | {studio:,.0f} |\n"


def _shape(answer: str) -> str:
    """An answer without what differs from file to file."""
    named = re.sub(r"^\S*(\.[A-Za-z0-9]+)?(?= (is|has|needs|takes|makes|did|cannot) )", "FILE", answer)
    shape = re.sub(r"(damaged|not JSON|Label \d+ of the file): .*", r"\1: …", re.sub(r"\d+", "N", named))
    return re.sub(r"[|\x00-\x1f<>\ud800-\udfff]", "·", shape)[:110]


def _told(fed: Fed) -> None:
    print(str(fed)[:400].encode("ascii", "backslashreplace").decode(), file=sys.stderr, flush=True)


def main() -> None:
    """Feed, print what is wrong as it happens, and write the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--record", type=Path)
    parser.add_argument("--minutes", type=float, default=float("inf"))
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    record, until = Record(asked.record, asked.seed), time.monotonic() + 60 * asked.minutes
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        studio = Studio(Settings(home=Path(home)))
        studio.create_study("Hostile", ["happy", "sad"])
        numbers = itertools.takewhile(lambda _: time.monotonic() < until, range(len(record.fed), asked.files))
        with contextlib.suppress(KeyboardInterrupt):
            for each in feed(studio, asked.seed, numbers):
                record.add(each)
                if not (each.plain and each.bounded) or each.number % 50 == 0:
                    _told(each)
    page = report(record.fed, asked.files, asked.seed)
    if asked.out:
        kept = asked.out.read_text(encoding="utf-8").partition(_MARK) if asked.out.exists() else ("", "", "")
        write_page(asked.out.resolve(), page + (f"\n{_MARK}{kept[2]}" if kept[1] else ""))
    else:
        print(page)
    sys.exit(any(not (each.plain and each.bounded) for each in record.fed))


if __name__ == "__main__":
    main()
