"""The examples of ``docs/figures.md`` run, top to bottom, without the studio."""

from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import pytest

from tests import pages


def test_every_figure_of_the_page_is_made_in_a_notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = pages.run("figures.md", tmp_path, monkeypatch)
    figures = [name for name, value in names.items() if isinstance(value, go.Figure)]
    assert figures == ["ribbon", "shares", "from_table", "both", "heat", "terms_of_pitch", "signs", "sound", "words"]
    assert names["ribbon"].layout.xaxis2.range[1] == pytest.approx(names["moments"].edges[-1])
    for one, other in zip(names["ribbon"].data, names["from_table"].data, strict=True):
        np.testing.assert_allclose(one.y, other.y, atol=1e-4)
    for file in ("ribbon.html", "heat.html", "plotly.min.js", "rules.tex", "report.html"):
        assert (tmp_path / file).stat().st_size > 1000
    report = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "talk.mp4" in report
    assert "Good morning." in report
