"""How many corrections there are of each emotion, and how many more an adaptation needs."""

from collections.abc import Mapping

import plotly.graph_objects as go

from app.figures.style import NEUTRAL, dress, safe

BAR_PX = 34


def corrections_per_emotion(counts: Mapping[str, int], colours: Mapping[str, str], needed: int = 0) -> go.Figure:
    """A bar for each emotion in ``colours``; what is missing to ``needed`` is outlined."""
    names = list(colours)
    have = [counts.get(name, 0) for name in names]
    missing = [max(0, needed - count) for count in have]
    labels = [safe(name, 18) for name in names]
    figure = go.Figure(
        [
            go.Bar(
                x=have,
                y=labels,
                orientation="h",
                marker={"color": [colours[name] for name in names]},
                hovertemplate="%{x} corrections<extra>%{y}</extra>",
            ),
            go.Bar(
                x=missing,
                y=labels,
                orientation="h",
                marker={"color": "rgba(0,0,0,0)", "line": {"color": NEUTRAL, "width": 1.2}},
                hovertemplate="%{x} more needed<extra>%{y}</extra>",
            ),
        ]
    )
    for label, count, more in zip(labels, have, missing, strict=True):
        figure.add_annotation(
            x=count + more,
            y=label,
            text=f"{count}" + (f", {more} more" if more else ""),
            xanchor="left",
            xshift=4,
            showarrow=False,
        )
    dress(figure, 70 + BAR_PX * max(1, len(names)), left=92)
    figure.update_layout(barmode="stack", hovermode="closest", bargap=0.35, margin_t=8)
    widest = max([count + more for count, more in zip(have, missing, strict=True)], default=0)
    figure.update_xaxes(
        range=[0, max(4, widest * 1.25)], title={"text": "corrections", "standoff": 6}, tickformat="d", fixedrange=True
    )
    return figure.update_yaxes(autorange="reversed", fixedrange=True, showgrid=False)
