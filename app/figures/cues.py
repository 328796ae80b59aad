"""The named cues of a modality over time: one small plot a cue, each with its own axis in the cue's own unit."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from app.figures.style import SHADE, dress, modality_colour, over_time, safe, thin, wrapped
from stf2m.tracks import RATE_HZ, BoolArray, Cue, Track

ROW_PX = 74
#: A standard deviation of this share of the usual range cannot be seen.
HARDLY = 0.01
#: Gaps shorter than this part of a clip are thinner than a line; the line itself shows them.
SLIVERS = 400


def cues_over_time(track: Track, names: Sequence[str] | None = None, clip_id: int | None = None) -> go.Figure:
    """Small multiples of a track's cues ``(T, Q)``; stretches in which the modality is not there are shaded.

    ``names`` of the cues to draw, all of them if not given. A cue's name and unit stand over its plot, its meaning
    comes up when the name is pointed at.
    """
    values, step = thin(np.where(track.valid[:, None], track.cues, np.nan))
    times = (np.arange(len(values)) + (0.5 if step > 1 else 0.0)) * step / RATE_HZ
    chosen = [index for index, cue in enumerate(track.modality.cues) if names is None or cue.name in names]
    rows = max(1, len(chosen))
    figure = make_subplots(rows=rows, cols=1, shared_xaxes=True, vertical_spacing=26 / (rows * ROW_PX))
    for row, index in enumerate(chosen, start=1):
        cue = track.modality.cues[index]
        figure.add_trace(_line(cue, times, values[:, index], track.modality.name), row=row, col=1)
        low, high = axis_range(cue, values[:, index])
        ticks = [low, high] if low >= 0 or high <= 0 else [low, 0, high]
        figure.update_yaxes(range=[low, high], tickvals=ticks, tickformat=".3~r", row=row, col=1)
        figure.add_annotation(
            text=f"<b>{safe(cue.name)}</b>  {safe(cue.unit)}",
            hovertext=wrapped(cue.meaning),
            x=0,
            xref="paper",
            y=1,
            yref="y domain" if row == 1 else f"y{row} domain",
            xanchor="left",
            yanchor="bottom",
            showarrow=False,
        )
    duration_s = max(len(track), 1) / RATE_HZ
    figure.update_layout(shapes=[_band(*gap) for gap in gaps(track.valid) if gap[1] - gap[0] > duration_s / SLIVERS])
    dress(figure, rows * ROW_PX + 80, top=26)
    return over_time(figure, duration_s, clip_id)


def liveliest(track: Track, most: int) -> list[str]:
    """The names of the cues that move most in this clip for their usual range, in the modality's own order.

    A cue that hardly moves at all is not among them, except where none does.
    """
    values = np.where(track.valid[:, None], track.cues, np.nan)
    spans = np.array([high - low for low, high in (cue.typical for cue in track.modality.cues)])
    known = ~np.isnan(values)
    middle = np.where(known, values, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    moved = np.sqrt((np.where(known, values - middle, 0) ** 2).sum(axis=0) / np.maximum(known.sum(axis=0), 1)) / spans
    first = np.argsort(-moved, kind="stable")
    chosen = [index for index in first[:most] if moved[index] > HARDLY] or first[:1].tolist()
    return [track.modality.cues[index].name for index in sorted(chosen)]


def axis_range(cue: Cue, values: NDArray[np.floating]) -> tuple[float, float]:
    """The range of a cue's axis: where it typically lies, widened to what was measured, at round numbers."""
    low, high = cue.typical
    known = values[~np.isnan(values)]
    if len(known):
        low, high = min(low, float(known.min())), max(high, float(known.max()))
    grain = 10.0 ** np.floor(np.log10(max(high - low, 1e-6))) / 2
    return float(np.floor(low / grain + 1e-6) * grain), float(np.ceil(high / grain - 1e-6) * grain)


def gaps(valid: BoolArray) -> list[tuple[float, float]]:
    """The stretches, in seconds, in which a mask ``(T,)`` is false."""
    edges = np.flatnonzero(np.diff(np.concatenate([[True], valid, [True]]).astype(np.int8)))
    return [(start / RATE_HZ, end / RATE_HZ) for start, end in edges.reshape(-1, 2)]


def _band(start_s: float, end_s: float) -> dict[str, Any]:
    """A stretch shaded over all rows."""
    across = {"xref": "x", "yref": "paper", "y0": 0, "y1": 1}
    return {"type": "rect", "x0": start_s, "x1": end_s, "fillcolor": SHADE, "line_width": 0, "layer": "below", **across}


def _line(cue: Cue, times: NDArray[np.floating], values: NDArray[np.floating], modality: str) -> go.Scatter:
    unit = safe(cue.unit).replace("%", "%%") if cue.unit != "0–1" else ""
    return go.Scatter(
        x=times,
        y=values,
        name=safe(cue.name),
        mode="lines",
        line={"color": modality_colour(modality), "width": 1.8},
        hovertemplate=f"%{{y:.3~r}} {unit}<extra>%{{fullData.name}}</extra>",
        connectgaps=False,
    )
