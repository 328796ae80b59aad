"""Pages of the documentation, run top to bottom as somebody would who copies their examples."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import av
import pytest

ROOT = Path(__file__).resolve().parents[1]


def run(page: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Run the examples of ``docs/<page>`` in a folder with ``talk.mp4`` and its words; returns the names they made."""
    demo = ROOT / "app" / "demo" / "good_news_bad_news.mp4"
    beginning(demo, folder / "talk.mp4", 6.0)
    (folder / "talk.srt").write_bytes(demo.with_suffix(".srt").read_bytes())
    monkeypatch.chdir(folder)
    monkeypatch.setenv("STF2M_HOME", str(folder / "home"))
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    names: dict[str, Any] = {"__name__": "page"}
    for number, (language, code) in enumerate(re.findall(r"^```(python|bash)\n(.*?)^```$", text, re.M | re.S)):
        if language == "python":
            exec(compile(code, f"docs/{page}, block {number}", "exec"), names)
        else:
            _in_shell(code)
    return names


def _in_shell(code: str) -> None:
    paths = {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    shell = ["bash", "-euc", code]
    done = subprocess.run(shell, env=os.environ | paths, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr


def beginning(source: Path, path: Path, until_s: float) -> None:
    """Copy the beginning of a video."""
    with av.open(str(source)) as read, av.open(str(path), "w") as out:
        streams = {stream.index: out.add_stream_from_template(stream) for stream in read.streams}
        for packet in read.demux():
            if packet.dts is not None and packet.dts * packet.time_base < until_s:
                packet.stream = streams[packet.stream.index]
                out.mux(packet)
