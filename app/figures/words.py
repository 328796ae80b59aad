"""Words on the time axis, laid out in rows so that none covers another."""

from collections.abc import Sequence

import plotly.graph_objects as go

from app.figures.style import MODALITY_COLOURS, dress, over_time, safe
from stf2m.tracks import Word

ROWS = 5
#: Width of an average character of the figure's font, and of the gap between words, in pixels.
CHARACTER_PX = 7.2
GAP_PX = 8.0
#: The width words are first laid out for; a page lays them out anew for the width it really has.
PLOT_PX = 900.0


def words_over_time(words: Sequence[Word], duration_s: float, clip_id: int | None = None) -> go.Figure:
    """Each word at its time: a bar from its start to its end, and its text in the first of five rows with room.

    Words that find no room keep their bar and their hover; zooming in makes room.
    """
    rows = rows_without_overlap(words, PLOT_PX / max(duration_s, 1e-3))
    colour = MODALITY_COLOURS["text"]
    times = [[word.start_s, word.end_s] for word in words]
    figure = go.Figure()
    figure.add_trace(
        go.Scatter(
            x=[at for word in words for at in (word.start_s, max(word.end_s, word.start_s + 0.04), None)],
            y=[0.0, 0.0, None] * len(words),
            mode="lines",
            line={"color": colour, "width": 7},
            hoverinfo="skip",
        )
    )
    figure.add_trace(
        go.Scatter(
            x=[word.start_s for word in words],
            y=[(row or 0) + 1.0 for row in rows],
            text=[safe(word.text) if row is not None else "" for word, row in zip(words, rows, strict=True)],
            hovertext=[safe(word.text) for word in words],
            customdata=times,
            mode="text",
            textposition="middle right",
            hovertemplate="%{hovertext}  %{customdata[0]:.1f}–%{customdata[1]:.1f} s<extra></extra>",
            meta={"words": [safe(word.text) for word in words], "rows": ROWS},
        )
    )
    figure.update_yaxes(range=[-0.5, ROWS + 0.7], visible=False)
    dress(figure, 186)
    return over_time(figure, duration_s, clip_id)


def rows_without_overlap(words: Sequence[Word], px_per_s: float) -> list[int | None]:
    """The row of each word's text at a scale of ``px_per_s``, None where every row is taken at that moment."""
    free_from = [float("-inf")] * ROWS
    rows: list[int | None] = []
    for word in words:
        left = word.start_s * px_per_s
        row = next((row for row, free in enumerate(free_from) if free <= left), None)
        if row is not None:
            free_from[row] = left + len(word.text) * CHARACTER_PX + GAP_PX
        rows.append(row)
    return rows
