"""Figures say what the numbers say: units, times, colours, gaps, and no text of people taken for markup."""

from itertools import pairwise

import numpy as np
import plotly.graph_objects as go
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.figures.corrections import corrections_per_emotion
from app.figures.cues import axis_range, cues_over_time, gaps, liveliest
from app.figures.firing import RuleName, rules_over_time
from app.figures.membership import membership_functions
from app.figures.ribbon import before_after, memberships_over_time, shares_over_time
from app.figures.spectrogram import mel, mel_spectrogram
from app.figures.style import DARK, LIGHT, safe, theme, thin
from app.figures.words import CHARACTER_PX, GAP_PX, ROWS, rows_without_overlap, words_over_time
from stf2m.segments import cut
from stf2m.timeline import Moments, over_time
from stf2m.tracks import Cue, Modality, Track, Word

SMILE = Cue("smile", "0–1", (0.0, 1.0), "How far the corners of the mouth go up.")
PITCH = Cue("pitch", "Hz", (80.0, 300.0), "How high the voice is.")
COLOURS = {"happy": "#e69f00", "sad <b>ly</b>": "#0072b2", "calm": "#009e73"}


def a_track() -> Track:
    """Three seconds: a smile that comes and goes, a pitch unknown at the start, and no face for 0.5 s."""
    times = np.arange(30) / 10
    cues = np.stack([0.5 + 0.5 * np.sin(times), np.where(times < 1, np.nan, 200.0)], axis=1).astype(np.float32)
    valid = np.ones(30, bool)
    valid[10:15] = False
    modality = Modality("face", ("mouth",), 1, 1, (SMILE, PITCH), "1")
    return Track(modality, np.zeros((30, 1, 1), np.float32), np.zeros((30, 1), np.float32), cues, valid)


def some_moments(tilt: float = 0.0) -> Moments:
    """Six seconds of a model that goes from happy to sad; in the segments that begin at 2–3 s nothing is known."""
    pieces = cut(6.0)
    share = np.clip(np.linspace(1 + tilt, tilt, len(pieces)), 0.05, 0.9)
    degrees = np.stack([share, 0.95 - share, np.full(len(pieces), 0.05)], axis=1)
    known = ~np.array([2.0 <= piece.start_s <= 4.0 for piece in pieces])
    return over_time(pieces, known, degrees, 1 - degrees.max(axis=1), np.full((len(pieces), 2), 0.5))


def every_figure() -> dict[str, go.Figure]:
    moments = some_moments()
    rule = RuleName("happy ← smile high", "IF smile is high THEN happy 0.90", "happy")
    grid = np.linspace(50, 350, 61)
    return {
        "cues": cues_over_time(a_track(), clip_id=7),
        "mel": mel_spectrogram(np.full((30, 80), -40.0), 60.0, 8000.0, a_track().cue("pitch"), 7),
        "words": words_over_time([Word("hello", 0.1, 0.6)], 3.0, 7),
        "memberships": memberships_over_time(moments, COLOURS, 7),
        "shares": shares_over_time(moments, ["face", "voice"], 7),
        "before and after": before_after(moments, some_moments(-0.3), [(0.5, 1.0, "happy", "calm")], COLOURS, 7),
        "rules": rules_over_time(moments.edges, moments.memberships[:, :1], [rule], COLOURS, 7),
        "membership": membership_functions(PITCH, grid, {"low": np.exp(-grid / 90)}, np.array([90.0, 250.0]), 120.0),
        "corrections": corrections_per_emotion({"happy": 3}, COLOURS),
    }


def numbers_under(node: object, key: str) -> list[float]:
    """All values under a key anywhere in a figure's JSON."""
    if isinstance(node, dict):
        own = [node[key]] if isinstance(node.get(key), int | float) else []
        return own + [size for child in node.values() for size in numbers_under(child, key)]
    return [size for child in node for size in numbers_under(child, key)] if isinstance(node, list) else []


@pytest.mark.parametrize("name", every_figure())
def test_every_figure_is_legible_fits_a_phone_and_wears_both_themes(name: str) -> None:
    figure = every_figure()[name]
    layout = figure.to_plotly_json()["layout"]
    assert all(size >= 12 for size in numbers_under(layout["font"], "size"))
    assert layout["margin"]["l"] + layout["margin"]["r"] <= 120
    assert figure.layout.autosize
    assert figure.layout.width is None
    for look, dark in ((LIGHT, False), (DARK, True)):
        theme(figure, dark)
        assert figure.layout.font.color == look.ink
        assert figure.layout.paper_bgcolor == look.paper


def test_figures_over_time_say_whose_time_they_show() -> None:
    for name, figure in every_figure().items():
        if name == "membership":
            assert dict(figure.layout.meta) == {"follows": "cue", "cue": "pitch", "unit": "Hz"}
        elif name != "corrections":
            assert figure.layout.meta["follows"] == "time"
            assert figure.layout.meta["clip"] == 7
            titles = [axis.title.text for axis in figure.select_xaxes() if axis.title.text]
            assert titles == ["time (s)"]


def test_cues_keep_their_units_meanings_and_gaps() -> None:
    figure = cues_over_time(a_track())
    labels = {label.text: label.hovertext for label in figure.layout.annotations}
    assert labels == {"<b>smile</b>  0–1": SMILE.meaning, "<b>pitch</b>  Hz": PITCH.meaning}
    smile, pitch = figure.data
    assert smile.x[12] == pytest.approx(1.2)
    assert np.isnan(smile.y[10:15]).all()
    assert np.isnan(pitch.y[:15]).all()
    shaded = [(shape.x0, shape.x1) for shape in figure.layout.shapes]
    assert set(shaded) == {(1.0, 1.5)}
    assert gaps(np.array([False, True, True, False])) == [(0.0, 0.1), (0.3, 0.4)]
    assert liveliest(a_track(), 1) == ["smile"]


@given(st.floats(-1e4, 1e4), st.floats(1e-3, 1e4), st.lists(st.floats(-2e4, 2e4), max_size=5))
def test_axis_covers_the_usual_range_and_the_data(low: float, span: float, values: list[float]) -> None:
    cue = Cue("x", "Hz", (low, low + span), "")
    bottom, top = axis_range(cue, np.array(values))
    slack = 1e-5 * max(1.0, top - bottom)
    assert bottom <= min([low, *values]) + slack
    assert top >= max([low + span, *values]) - slack


@given(
    st.lists(st.tuples(st.text("abcdefgh", min_size=1, max_size=12), st.floats(0.05, 1.5)), max_size=40),
    st.floats(5, 400),
)
def test_no_word_covers_another(spoken: list[tuple[str, float]], px_per_s: float) -> None:
    starts = np.concatenate([[0.0], np.cumsum([length for _, length in spoken])])
    words = [Word(text, start, start + length) for (text, length), start in zip(spoken, starts.tolist(), strict=False)]
    rows = rows_without_overlap(words, px_per_s)
    for row in range(ROWS):
        placed = [word for word, found in zip(words, rows, strict=True) if found == row]
        for before, after in pairwise(placed):
            width = len(before.text) * CHARACTER_PX + GAP_PX
            assert after.start_s * px_per_s >= before.start_s * px_per_s + width - 1e-6


def test_words_of_people_are_text_and_never_markup() -> None:
    figure = words_over_time([Word("<b>5&6</b>", 0.0, 0.5), Word("$x$", 0.6, 1.0)], 2.0)
    assert list(figure.data[1].text) == ["&lt;b&gt;5&amp;6&lt;/b&gt;", "&#36;x&#36;"]
    ribbon = memberships_over_time(some_moments(), COLOURS)
    assert "sad &lt;b&gt;ly&lt;/b&gt;" in [trace.name for trace in ribbon.data]
    for figure in every_figure().values():
        assert "sad <b>ly" not in figure.to_json()
    assert safe("a " * 40, 10) == "a a a a a…"


def test_spectrogram_is_spaced_in_mel_and_labelled_in_hertz() -> None:
    assert mel(1000.0) == pytest.approx(1000.0, abs=0.1)
    figure = mel_spectrogram(np.tile(np.linspace(-80, -10, 80), (30, 1)), 60.0, 8000.0, a_track().cue("pitch"))
    axis = figure.layout.yaxis
    assert dict(zip(axis.ticktext, axis.tickvals, strict=True))["1k"] == pytest.approx(1000.0, abs=0.1)
    assert figure.data[0].customdata[0][0] == 60
    assert figure.data[0].customdata[-1][0] == 8000
    assert figure.data[1].y[20] == pytest.approx(float(mel(200.0)))


def test_membership_plot_marks_the_value_with_its_degrees() -> None:
    grid = np.linspace(0, 100, 101)
    terms = {"low": 1 - grid / 100, "high": grid / 100}
    figure = membership_functions(PITCH, grid, terms, np.array([10.0, 10.0, 90.0, np.nan]), 75.0)
    assert "75 Hz: high 0.75, low 0.25" in [label.text for label in figure.layout.annotations]
    assert sum(figure.data[0].y) == pytest.approx(100.0)
    assert figure.layout.xaxis.title.text == "pitch (Hz)"
    assert [trace.meta["term"] for trace in figure.data if trace.meta] == ["low", "high"]
    assert {label.text: label.x for label in figure.layout.annotations if label.text in terms} == {
        "low": 0,
        "high": 100,
    }


def test_terms_of_another_checkpoint_are_ghosts_only_where_they_differ() -> None:
    grid = np.linspace(0, 100, 101)
    terms = {"low": 1 - grid / 100, "high": grid / 100}
    figure = membership_functions(PITCH, grid, terms, before={"low": terms["low"], "high": terms["high"] ** 2})
    assert [trace.name for trace in figure.data] == ["high, before", "low", "high"]
    assert [trace.meta["term"] for trace in figure.data if trace.meta] == ["low", "high"]


def test_the_histogram_lies_behind_the_curves() -> None:
    figure = membership_functions(PITCH, np.array([0.0, 1.0]), {"low": np.array([1.0, 0.0])}, np.array([0.5]))
    assert [trace.yaxis for trace in figure.data] == [None, "y2"]
    assert figure.layout.yaxis2.overlaying == "y"
    assert [figure.layout.yaxis.title.text, figure.layout.yaxis2.title.text] == ["% of segments", "degree"]


def test_ribbons_show_degrees_and_leave_unknown_stretches_empty() -> None:
    moments = some_moments()
    figure = memberships_over_time(moments, COLOURS)
    *ribbons, unsure = figure.data
    degrees = np.array([ribbon.y for ribbon in ribbons])
    known = ~np.isnan(moments.memberships[:, 0])
    assert (~known).any()
    np.testing.assert_allclose(degrees[:, :-1].sum(axis=0), known.astype(float), atol=1e-3)
    np.testing.assert_allclose(unsure.customdata[:-1], moments.uncertainty, atol=1e-4)
    assert ribbons[0].fillcolor == "rgba(230, 159, 0, 0.82)"


def test_before_and_after_marks_what_changed() -> None:
    moments = some_moments()
    figure = before_after(moments, some_moments(-0.3), [(0.5, 1.0, "happy", "calm")], COLOURS)
    bar = next(trace for trace in figure.data if trace.type == "bar")
    assert (bar.base[0], bar.x[0], bar.marker.color[0]) == (0.5, 0.5, COLOURS["calm"])
    with pytest.raises(ValueError, match="same clip"):
        before_after(moments, Moments(moments.edges[:-1], *(np.zeros((1, 1)),) * 3), [], COLOURS)


def test_rules_come_strongest_first_in_the_colour_of_their_emotion() -> None:
    names = [RuleName(f"{e} ← x", f"IF x <is> {e} THEN {e}", e) for e in ("happy", "sad <b>ly</b>", "calm")]
    firing = np.array([[0.1, 0.6, 0.3], [0.2, 0.5, 0.3], [np.nan] * 3])
    figure = rules_over_time(np.array([0.0, 1.0, 2.0, 3.0]), firing, names, COLOURS, most=2)
    strips = [trace for trace in figure.data if trace.type == "heatmap"]
    assert [round(float(np.nanmax(strip.z)), 2) for strip in strips] == [0.6, 0.3]
    assert strips[0].colorscale[1][1] == "rgba(0, 114, 178, 1)"
    assert strips[0].zmax == strips[1].zmax == pytest.approx(0.6)
    assert strips[1].text[0][0] == "IF x &lt;is&gt; calm THEN calm"


def test_long_tracks_are_thinned_by_averaging() -> None:
    values = np.arange(10_000, dtype=float)
    values[:7] = np.nan
    short, step = thin(values, 2500)
    assert (len(short), step) == (2500, 4)
    assert np.isnan(short[0])
    assert short[1] == 7.0
    assert short[-1] == pytest.approx(values[-4:].mean())
