"""``python -m tests.fuzz PARSER [--seconds 60] [--seed 0]``: one of the project's parsers under a coverage-guided run.

By atheris (libFuzzer for Python): input that reaches a new line of our code is kept and changed further. What a parser
does but answer or refuse is printed with the input, and so is what takes 20 s or 4 GiB.
"""

import argparse
import sys
import tempfile
from pathlib import Path


def main() -> None:
    """Fuzz until the time is over, or until something is found; exit code 0, or that of libFuzzer."""
    try:
        import atheris
    except ImportError:
        sys.exit("This needs atheris, which has wheels for Linux on x86-64 only: pip install 'atheris>=3,<4'.")
    with atheris.instrument_imports(include=["annotations", "stf2m", "app", "webvtt"]):
        from tests.fuzz import checking
        from tests.fuzz.parsers import PARSERS
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("parser", choices=sorted(PARSERS))
    asked.add_argument("--seconds", type=int, default=60)
    asked.add_argument("--seed", type=int, default=0)
    told = asked.parse_args()
    corpus = Path(tempfile.mkdtemp(prefix="stf2m-corpus-"))
    for number, seed in enumerate(PARSERS[told.parser].seeds()):
        (corpus / f"seed-{number}").write_bytes(seed)
    options = (f"-max_total_time={told.seconds}", f"-seed={told.seed + 1}", "-timeout=20", "-rss_limit_mb=4096")
    atheris.Setup(
        ["fuzz", *options, "-max_len=65536", f"-artifact_prefix={corpus}/found-", str(corpus)],
        lambda data: checking.check(told.parser, data),
    )
    atheris.Fuzz()


if __name__ == "__main__":
    main()
