"""How many corrections there are of each emotion."""

from collections.abc import Mapping

import plotly.graph_objects as go

from app.figures.style import dress, safe

BAR_PX = 34


def corrections_per_emotion(counts: Mapping[str, int], colours: Mapping[str, str]) -> go.Figure:
    """A bar for each emotion in ``colours``, also for those nobody has corrected to yet."""
    labels = [safe(name, 18) for name in colours]
    have = [counts.get(name, 0) for name in colours]
    figure = go.Figure(
        go.Bar(
            x=have,
            y=labels,
            orientation="h",
            marker={"color": list(colours.values())},
            hovertemplate="%{x} corrections<extra>%{y}</extra>",
        )
    )
    for label, count in zip(labels, have, strict=True):
        figure.add_annotation(x=count, y=label, text=str(count), xanchor="left", xshift=4, showarrow=False)
    dress(figure, 70 + BAR_PX * max(1, len(labels)), left=92)
    figure.update_layout(hovermode="closest", bargap=0.35)
    axis = {"range": [0, max(4, max(have, default=0) * 1.15)], "tickformat": "d", "fixedrange": True}
    figure.update_xaxes(axis, title={"text": "corrections", "standoff": 6})
    return figure.update_yaxes(autorange="reversed", fixedrange=True, showgrid=False)
