"""The examples of ``docs/library.md`` run, top to bottom."""

import os
import re
import subprocess
import sys
from pathlib import Path

import av
import pytest

from stf2m.model import STF2M

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "library.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def beginning(source: Path, path: Path, until_s: float) -> None:
    """Copy the beginning of a video."""
    with av.open(str(source)) as read, av.open(str(path), "w") as out:
        streams = {stream.index: out.add_stream_from_template(stream) for stream in read.streams}
        for packet in read.demux():
            if packet.dts is not None and packet.dts * packet.time_base < until_s:
                packet.stream = streams[packet.stream.index]
                out.mux(packet)


def test_every_example_of_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    demo = ROOT / "app" / "demo" / "good_news_bad_news.mp4"
    beginning(demo, tmp_path / "talk.mp4", 6.0)
    (tmp_path / "talk.srt").write_bytes(demo.with_suffix(".srt").read_bytes())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STF2M_HOME", str(tmp_path / "home"))
    names: dict = {"__name__": "page"}
    for number, (language, code) in enumerate(BLOCKS):
        if language == "python":
            exec(compile(code, f"docs/library.md, block {number}", "exec"), names)
            continue
        assert language == "bash"
        paths = {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
        shell = ["bash", "-euc", code]
        done = subprocess.run(shell, env=os.environ | paths, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, done.stderr
    n, emotions = len(names["pieces"]), names["emotions"]
    assert n == len(names["views"]) == 10
    assert names["prediction"].memberships.shape == (n, len(emotions))
    assert names["prediction"].shares.shape == (n, 3)
    best = names["prediction"].memberships[names["corrected"]].argmax(axis=1)
    assert [emotions[each] for each in best[[0, 2, 3]]] == ["sad", "calm", "elated"]
    assert names["mine"].accuracy > 0.3, "five emotions: chance is 0.2"
    assert names["small"].card["steps"] == 6
    assert STF2M.load(tmp_path / "small-by-two").card["steps"] == 6
