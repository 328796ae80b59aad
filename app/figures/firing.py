"""Which rules fire when: a strip for each rule over time, coloured by the emotion it speaks for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from app.figures.style import COLOUR_BAR, NEUTRAL, dress, faded, over_time, safe, wrapped

ROW_PX = 42
MOST_RULES = 12
#: Characters of a rule's line that fit on a phone; a page with more room shows more of the ``name``.
SHORT = 46


@dataclass(frozen=True)
class RuleName:
    """How a rule is written in a figure: a short line, the whole sentence, and the emotion it speaks for most."""

    short: str
    sentence: str
    emotion: str


def rules_over_time(
    edges: NDArray[np.floating],
    firing: NDArray[np.floating],
    names: Sequence[RuleName],
    colours: Mapping[str, str],
    clip_id: int | None = None,
    most: int = MOST_RULES,
) -> go.Figure:
    """Normalised firing strengths ``(P, R)`` of the ``most`` rules that fire most in a clip, strongest first.

    Piece ``i`` lasts from ``edges[i]`` to ``edges[i + 1]`` seconds; NaN where nothing is known. The whole rule in
    words comes up when a strip or its line is pointed at. One scale serves all strips: pale at 0, full at the
    strongest.
    """
    order = np.argsort(-np.nan_to_num(firing).max(axis=0, initial=0.0), kind="stable")[:most]
    rows = max(1, len(order))
    top = float(np.nan_to_num(firing[:, order]).max(initial=1e-6))
    figure = make_subplots(rows=rows, cols=1, shared_xaxes=True, vertical_spacing=24 / (rows * ROW_PX))
    for row, rule in enumerate(order, start=1):
        name = names[rule]
        colour = colours.get(name.emotion, NEUTRAL)
        figure.add_trace(
            go.Heatmap(
                z=[np.round(firing[:, rule], 4)],
                x=edges,
                y=[0],
                zmin=0,
                zmax=top,
                colorscale=[[0, faded(colour, 0.05)], [1, faded(colour, 1.0)]],
                showscale=False,
                text=[[wrapped(name.sentence)] * len(firing)],
                hovertemplate="%{text}<br>fires %{z:.2f} at %{x:.1f} s<extra></extra>",
            ),
            row=row,
            col=1,
        )
        figure.add_annotation(
            text=safe(name.short, SHORT),
            name=safe(name.short),
            hovertext=wrapped(name.sentence),
            x=0,
            xref="paper",
            y=1,
            yref="y domain" if row == 1 else f"y{row} domain",
            xanchor="left",
            yanchor="bottom",
            showarrow=False,
        )
    figure.update_yaxes(visible=False)
    dress(figure, rows * ROW_PX + 130, left=12, top=76)
    figure.update_layout(hovermode="closest")
    _scale(figure, top)
    return over_time(figure, float(edges[-1]), clip_id).update_xaxes(showgrid=False)


def _scale(figure: go.Figure, top: float) -> None:
    """One colour bar for all strips, in grey because each strip has the colour of its emotion."""
    figure.add_trace(
        go.Scatter(
            x=[None],
            y=[None],
            mode="markers",
            hoverinfo="skip",
            marker={
                "color": [0.0],
                "cmin": 0,
                "cmax": top,
                "colorscale": [[0, faded(NEUTRAL, 0.05)], [1, NEUTRAL]],
                "colorbar": {
                    **COLOUR_BAR,
                    "title": {"text": "share of all firing", "side": "top"},
                    "nticks": 4,
                },
            },
        )
    )
