"""Degrees over time as stacked ribbons: the emotions, the modalities' shares, and before | after an adaptation."""

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from app.figures.style import MODALITY_TITLES, NEUTRAL, dress, faded, modality_colour, over_time, safe
from stf2m.timeline import Moments

Array = NDArray[np.floating]


def memberships_over_time(moments: Moments, colours: Mapping[str, str], clip_id: int | None = None) -> go.Figure:
    """The emotions' degrees stacked over time, and how unsure the model is in a strip below; empty where unknown.

    ``colours`` names the N emotions in the order of ``moments.memberships (P, N)``, with the colour of each.
    """
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.09, row_heights=[0.76, 0.24])
    _stack(figure, moments.edges, moments.memberships, colours, row=1, title="degree")
    figure.add_trace(
        go.Scatter(
            x=moments.edges,
            y=_held(np.nan_to_num(moments.uncertainty)),
            customdata=_held(moments.uncertainty),
            name="unsure",
            mode="lines",
            fill="tozeroy",
            line={"width": 0.5, "color": NEUTRAL, "shape": "hv"},
            fillcolor=faded(NEUTRAL, 0.5),
            showlegend=False,
            hovertemplate="unsure %{customdata:.2f}<extra></extra>",
        ),
        row=2,
        col=1,
    )
    figure.update_yaxes(range=[0, 1], tickvals=[0, 1], title={"text": "unsure", "standoff": 6}, row=2, col=1)
    dress(figure, 260, legend=True)
    return over_time(figure, float(moments.edges[-1]), clip_id)


def shares_over_time(moments: Moments, modalities: Sequence[str], clip_id: int | None = None) -> go.Figure:
    """How much of each answer rests on each of M modalities: ``moments.shares (P, M)``, stacked, in per cent."""
    colours = {MODALITY_TITLES.get(name, name): modality_colour(name) for name in modalities}
    figure = make_subplots(rows=1, cols=1)
    _stack(figure, moments.edges, 100 * moments.shares, colours, row=1, title="share (%)", top=100.0)
    dress(figure, 190, legend=True)
    return over_time(figure, float(moments.edges[-1]), clip_id)


def before_after(
    before: Moments,
    after: Moments,
    changes: Sequence[tuple[float, float, str, str]],
    colours: Mapping[str, str],
    clip_id: int | None = None,
) -> go.Figure:
    """Two ribbons one above the other on one time axis, and between them the stretches whose emotion changed.

    ``changes``: ``(start_s, end_s, from, to)``. Raises ``ValueError`` unless both are of one clip, cut alike.
    """
    if not np.array_equal(before.edges, after.edges):
        raise ValueError("Before and after must be of the same clip, cut into the same pieces.")
    figure = make_subplots(rows=3, cols=1, shared_xaxes=True, vertical_spacing=0.085, row_heights=[0.43, 0.14, 0.43])
    _stack(figure, before.edges, before.memberships, colours, row=1, title="before", legend=False)
    _stack(figure, after.edges, after.memberships, colours, row=3, title="after")
    # A bar without width keeps the middle axis where nothing changed.
    nothing = next(iter(colours))
    changes = changes or [(0.0, 0.0, nothing, nothing)]
    figure.add_trace(
        go.Bar(
            x=[end_s - start_s for start_s, end_s, _, _ in changes],
            base=[start_s for start_s, *_ in changes],
            y=[0.5] * len(changes),
            width=1.0,
            orientation="h",
            marker={"color": [colours[new] for *_, new in changes], "line": {"width": 0}},
            customdata=[[safe(old), safe(new), start_s, end_s] for start_s, end_s, old, new in changes],
            hovertemplate="%{customdata[2]:.1f}–%{customdata[3]:.1f} s: "
            "%{customdata[0]} → %{customdata[1]}<extra></extra>",
            showlegend=False,
        ),
        row=2,
        col=1,
    )
    figure.update_yaxes(range=[0, 1], tickvals=[0.5], ticktext=["changed"], showgrid=False, row=2, col=1)
    dress(figure, 370, legend=True, left=64)
    return over_time(figure, float(after.edges[-1]), clip_id)


def _stack(
    figure: go.Figure,
    edges: Array,
    values: Array,
    colours: Mapping[str, str],
    *,
    row: int,
    title: str,
    top: float = 1.0,
    legend: bool = True,
) -> None:
    """Stack the columns of ``values (P, K)``; piece ``i`` lies between ``edges[i]`` and ``edges[i + 1]``."""
    figures = ".2f" if top == 1.0 else ".0f"
    for column, (name, colour) in enumerate(colours.items()):
        figure.add_trace(
            go.Scatter(
                x=edges,
                y=_held(np.nan_to_num(values[:, column])),
                name=safe(name),
                legendgroup=safe(name),
                showlegend=legend,
                stackgroup=f"row {row}",
                mode="lines",
                line={"width": 0.5, "color": colour, "shape": "hv"},
                fillcolor=faded(colour, 0.82),
                hovertemplate=f"%{{fullData.name}} %{{y:{figures}}}<extra></extra>",
            ),
            row=row,
            col=1,
        )
    highest = max(top, float(np.nan_to_num(values).sum(axis=1).max(initial=0.0)))
    axis = {"range": [0, highest], "tickvals": [0, top / 2, top], "title": {"text": title, "standoff": 6}}
    figure.update_yaxes(axis, row=row, col=1)
    figure.update_layout(hovermode="x unified")


def _held(values: Array) -> NDArray[np.float64]:
    """One value more, so that the last piece is drawn to its end."""
    return np.round(np.append(values, values[-1:]).astype(np.float64), 4)
