"""How far people agree, by day and over a clip, and how two people's models answer."""

from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from annotations.agreement import Figure, Moment
from app.figures.style import NEUTRAL, dress, faded, over_time, safe

#: Okabe and Ito's blue, vermilion and green; each line has its own dash and symbol as well.
LINES = (("#0072b2", "solid", "circle"), ("#d55e00", "dash", "square"), ("#009e73", "dot", "diamond"))
BAR = LINES[0][0]
CELL_PX = 46


def by_day(days: Mapping[date, Moment]) -> go.Figure:
    """Agreement on what a second person labelled on each day: percent as a share of 1, alpha and AC1."""
    figure = go.Figure()
    values = {
        "percent agreement ÷ 100": [_scaled(each.percent_agreement, 0.01) for each in days.values()],
        "Krippendorff's alpha": [_scaled(each.krippendorff_alpha) for each in days.values()],
        "Gwet's AC1": [_scaled(each.gwet_ac1) for each in days.values()],
    }
    for (name, line), (colour, dash, symbol) in zip(values.items(), LINES, strict=True):
        figure.add_trace(
            go.Scatter(
                x=[day.isoformat() for day in days],
                y=line,
                customdata=[round(moment.seconds, 1) for moment in days.values()],
                name=name,
                mode="lines+markers",
                line={"color": colour, "width": 2, "dash": dash},
                marker={"symbol": symbol, "size": 9},
                hovertemplate="%{fullData.name} %{y:.2f} on %{customdata} s<extra></extra>",
            )
        )
    dress(figure, 240, legend=True)
    figure.update_layout(hovermode="x unified")
    figure.update_xaxes(type="category", fixedrange=True)
    lowest = min((value for line in values.values() for value in line if value is not None), default=0.0)
    return figure.update_yaxes(range=[min(0.0, lowest) - 0.05, 1.05], fixedrange=True)


def over_a_clip(windows: Sequence[Moment], window_s: float, duration_s: float, clip_id: int) -> go.Figure:
    """Percent agreement in each window of a clip; grey where no two people labelled anything."""
    starts = [number * window_s for number in range(len(windows))]
    widths = [min(window_s, duration_s - start) for start in starts]
    known = [window.percent_agreement.value is not None for window in windows]
    figure = go.Figure(
        go.Bar(
            x=[start + width / 2 for start, width in zip(starts, widths, strict=True)],
            y=[window.percent_agreement.value if there else 100 for window, there in zip(windows, known, strict=True)],
            width=widths,
            marker={
                "color": [BAR if there else faded(NEUTRAL, 0.25) for there in known],
                "pattern": {"shape": ["" if there else "/" for there in known], "fgcolor": NEUTRAL, "size": 5},
                "line": {"width": 1, "color": "rgba(128, 128, 128, 0.5)"},
            },
            customdata=[_window(*each) for each in zip(windows, starts, widths, strict=True)],
            hovertemplate="%{customdata}<extra></extra>",
        )
    )
    dress(figure, 190)
    figure.update_layout(bargap=0)
    figure.update_yaxes(range=[0, 100], tickvals=[0, 50, 100], title={"text": "agreement (%)", "standoff": 6})
    return over_time(figure, duration_s, clip_id)


def confusion(seconds: NDArray[np.float64], emotions: Sequence[str], names: tuple[str, str]) -> go.Figure:
    """How many seconds one's model answered the row's emotion while the other's answered the column's, ``(N, N)``.

    Rows run from the top down, so that the same answers lie on the diagonal; darker is longer.
    """
    labels = [safe(emotion, 14) for emotion in emotions]
    one, other = (safe(name, 18) for name in names)
    figure = go.Figure(
        go.Heatmap(
            z=seconds,
            x=labels,
            y=labels,
            zmin=0,
            colorscale=[[0, "#f2f6fc"], [0.5, "#7aa6d8"], [1, "#0b3a75"]],
            showscale=False,
            xgap=2,
            ygap=2,
            texttemplate="%{z:.0f}",
            customdata=np.broadcast_to(np.array([[one, other]], dtype=object), (*seconds.shape, 2)),
            hovertemplate="%{customdata[0]}: %{y}, %{customdata[1]}: %{x}<br>%{z:.1f} s<extra></extra>",
        )
    )
    dress(figure, 110 + CELL_PX * len(labels), left=96, top=46)
    figure.update_layout(hovermode="closest")
    figure.update_xaxes(title={"text": f"model of {other} (s)", "standoff": 4}, side="top", fixedrange=True)
    figure.update_xaxes(showgrid=False)
    figure.update_layout(margin={"t": 70, "b": 12})
    axis = {"autorange": "reversed", "fixedrange": True, "showgrid": False}
    return figure.update_yaxes(axis, title={"text": f"model of {one} (s)", "standoff": 4})


def _scaled(figure: Figure, by: float = 1.0) -> float | None:
    return None if figure.value is None else round(figure.value * by, 4)


def _window(window: Moment, start_s: float, length_s: float) -> str:
    when = f"{start_s:.1f}–{start_s + length_s:.1f} s"
    if window.percent_agreement.value is None:
        return f"{when}: {window.percent_agreement.why}"
    ac1 = window.gwet_ac1
    also = f", AC1 {ac1.value:.2f}" if ac1.value is not None else ""
    return f"{when}: {window.percent_agreement.value:.0f} % of the pairs on {window.seconds:.1f} s{also}"
