"""What "low", "medium" and "high" of a cue mean: the terms' membership functions over the cue's own unit."""

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from app.figures.style import LIGHT, NEUTRAL, SHADE, dress, faded, safe
from stf2m.tracks import Cue

#: Ordered terms get ordered colours, and dashes for those who cannot tell the colours apart.
TERM_LINES = (("#56b4e9", "solid"), ("#8c6bb1", "dash"), ("#d55e00", "solid"), ("#009e73", "dot"))
BINS = 32
#: A curve that moved by less than this cannot be seen to have moved.
SEEN = 0.005


def membership_functions(
    cue: Cue,
    grid: NDArray[np.floating],
    terms: Mapping[str, NDArray[np.floating]],
    data: NDArray[np.floating] | None = None,
    value: float | None = None,
    before: Mapping[str, NDArray[np.floating]] | None = None,
) -> go.Figure:
    """Degrees ``(G,)`` of each term over ``grid`` ``(G,)`` in the cue's unit, in front of the study's own data.

    ``data`` ``(n,)``: the cue in the study's segments (NaN where unknown), drawn as a histogram in per cent.
    ``value``: the present one; it is marked, with its degree of every term. ``before``: the same terms of another
    checkpoint on the same grid, drawn as ghosts where they differ. (Adapting moves no term.)
    """
    figure = go.Figure()
    known = np.zeros(0) if data is None else data[np.isfinite(data)]
    if len(known):
        figure.add_trace(_histogram(known, float(grid[0]), float(grid[-1])))
    lines = dict(zip(terms, TERM_LINES * len(terms), strict=False))
    for name, degrees in (before or {}).items():
        if name not in terms or np.abs(degrees - terms[name]).max() > SEEN:
            colour = lines[name][0] if name in lines else NEUTRAL
            figure.add_trace(_curve(f"{name}, before", grid, degrees, faded(colour, 0.45), "dot", 1.6))
    for name, degrees in terms.items():
        figure.add_trace(_curve(name, grid, degrees, *lines[name], 2.6).update(meta={"term": safe(name)}))
        others = np.max([np.zeros_like(degrees), *(terms[other] for other in terms if other != name)], axis=0)
        figure.add_annotation(_named(name, grid, degrees, degrees - others, lines[name][0]))
    dress(figure, 280, legend=before is not None, right=56 if len(known) else 12)
    if value is not None and np.isfinite(value):
        _mark(figure, cue, value, {name: float(np.interp(value, grid, degrees)) for name, degrees in terms.items()})
    figure.update_xaxes(title={"text": f"{safe(cue.name)} ({safe(cue.unit)})", "standoff": 6}, zeroline=False)
    figure.update_xaxes(range=[float(grid[0]), float(grid[-1])], fixedrange=True)
    figure.update_layout(
        yaxis={
            "side": "right",
            "showgrid": False,
            "rangemode": "tozero",
            "tickmode": "auto",
            "nticks": 5,
            "title": {"text": "% of segments", "standoff": 6},
            "fixedrange": True,
            "zeroline": False,
            "visible": bool(len(known)),
        },
        yaxis2={
            "overlaying": "y",
            "side": "left",
            "gridcolor": LIGHT.grid,
            "range": [0, 1.16],
            "tickvals": [0, 0.5, 1],
            "title": {"text": "degree", "standoff": 6},
            "fixedrange": True,
            "zeroline": False,
        },
        bargap=0,
        hovermode="x unified",
        meta={"follows": "cue", "cue": cue.name, "unit": cue.unit},
    )
    figure.update_xaxes(unifiedhovertitle={"text": f"%{{x:.3~r}} {safe(cue.unit)}"})
    return figure


def _curve(
    name: str, grid: NDArray[np.floating], degrees: NDArray[np.floating], colour: str, dash: str, width: float
) -> go.Scatter:
    """A term's curve, on the axis in front of the histogram's."""
    return go.Scatter(
        x=grid,
        y=degrees,
        yaxis="y2",
        name=safe(name),
        line={"color": colour, "width": width, "dash": dash},
        hovertemplate="%{fullData.name} %{y:.2f}<extra></extra>",
    )


def _named(
    name: str, grid: NDArray[np.floating], degrees: NDArray[np.floating], ahead: NDArray[np.floating], colour: str
) -> dict[str, object]:
    """A term's name over the middle of where its degree is furthest ``ahead`` of the others', framed in its colour."""
    top = np.flatnonzero(ahead >= ahead.max() - SEEN)
    at = float(grid[top].mean())
    share = (at - grid[0]) / max(grid[-1] - grid[0], 1e-9)
    return {
        "x": at,
        "y": float(degrees.max()),
        "yref": "y2",
        "text": safe(name),
        "xanchor": "left" if share < 0.12 else "right" if share > 0.88 else "center",
        "yanchor": "bottom",
        "yshift": 2,
        "showarrow": False,
        "bordercolor": colour,
        "borderwidth": 1.5,
        "borderpad": 1,
    }


def _histogram(values: NDArray[np.floating], low: float, high: float) -> go.Bar:
    counts, edges = np.histogram(np.clip(values, low, high), bins=BINS, range=(low, high))
    return go.Bar(
        x=(edges[:-1] + edges[1:]) / 2,
        y=100 * counts / len(values),
        width=np.diff(edges),
        name="this study",
        marker={"color": SHADE, "line": {"color": faded(NEUTRAL, 0.35), "width": 1}},
        hovertemplate="%{y:.1f} % of segments<extra></extra>",
    )


def _mark(figure: go.Figure, cue: Cue, value: float, degrees: Mapping[str, float]) -> None:
    ranked = sorted(degrees.items(), key=lambda item: -item[1])
    words = ", ".join(f"{safe(name)} {degree:.2f}" for name, degree in ranked if degree >= 0.05)
    figure.add_vline(x=value, line={"color": NEUTRAL, "width": 2})
    figure.add_trace(
        go.Scatter(
            x=[value] * len(degrees),
            y=list(degrees.values()),
            yaxis="y2",
            mode="markers",
            marker={"color": NEUTRAL, "size": 9, "line": {"color": "#ffffff", "width": 1.5}},
            hoverinfo="skip",
            showlegend=False,
        )
    )
    figure.add_annotation(
        x=value,
        xref="x",
        y=1.02,
        yref="paper",
        yanchor="bottom",
        showarrow=False,
        text=f"{value:.3g} {safe(cue.unit)}: {words}",
    )
