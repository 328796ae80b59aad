"""The examples of ``docs/figures.md`` run, top to bottom, without the studio."""

import re
from pathlib import Path

import plotly.graph_objects as go
import pytest

from tests.stf2m.test_page import ROOT, beginning

PAGE = (ROOT / "docs" / "figures.md").read_text(encoding="utf-8")


def test_every_figure_of_the_page_is_made_in_a_notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    demo = ROOT / "app" / "demo" / "good_news_bad_news.mp4"
    beginning(demo, tmp_path / "talk.mp4", 6.0)
    (tmp_path / "talk.srt").write_bytes(demo.with_suffix(".srt").read_bytes())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STF2M_HOME", str(tmp_path / "home"))
    names: dict = {"__name__": "notebook"}
    for number, code in enumerate(re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)):
        exec(compile(code, f"docs/figures.md, block {number}", "exec"), names)
    figures = [name for name, value in names.items() if isinstance(value, go.Figure)]
    assert figures == ["ribbon", "shares", "both", "heat", "terms_of_pitch", "signs", "sound", "words"]
    assert names["ribbon"].layout.xaxis2.range[1] == pytest.approx(names["moments"].edges[-1])
    for file in ("ribbon.html", "heat.html", "plotly.min.js", "rules.tex", "report.html"):
        assert (tmp_path / file).stat().st_size > 1000
    report = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "talk.mp4" in report
    assert "Good morning." in report
