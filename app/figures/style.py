"""How every figure looks: fonts, neutral colours for light and dark, the time axis, and text made safe for hovers.

Colours that carry meaning (emotions, modalities, terms) stay the same in light and dark; they come from Okabe and
Ito's palette, which people with the common forms of colour blindness can tell apart. Only ink, grid and paper switch.
"""

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

#: One colour for each modality; a modality added later gets the last one.
MODALITY_COLOURS: Mapping[str, str] = {"face": "#1a7fc4", "voice": "#d55e00", "text": "#009e73"}
OTHER_COLOUR = "#8c6bb1"
#: What people read instead of a modality's name.
MODALITY_TITLES: Mapping[str, str] = {"face": "Face", "voice": "Voice", "text": "Words"}
#: Grey that can be seen on white and on black.
NEUTRAL = "#8a8f98"
SHADE = "rgba(138, 143, 152, 0.16)"

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', sans-serif"
FONT_PX = 13
#: More points than this on one line cannot be seen and only make the page slow.
MOST_POINTS = 2400


@dataclass(frozen=True)
class Look:
    """The neutral colours of one theme."""

    ink: str
    grid: str
    paper: str
    hover: str


LIGHT = Look(ink="#1f2937", grid="#dfe3e8", paper="#ffffff", hover="#ffffff")
DARK = Look(ink="#e5e7eb", grid="#374151", paper="#0b0f19", hover="#1f2937")
#: A colour scale that lies above the left half of a figure, for Plotly's ``colorbar``.
COLOUR_BAR: dict[str, object] = {
    "orientation": "h",
    "thickness": 8,
    "len": 0.5,
    "x": 0,
    "xanchor": "left",
    "yref": "container",
    "y": 1,
    "yanchor": "top",
    "outlinewidth": 0,
}


def theme(figure: go.Figure, dark: bool = False) -> go.Figure:
    """Set ink, grid, paper and hover labels of a figure to light or dark, in place, and return it."""
    look = DARK if dark else LIGHT
    figure.update_layout(
        template="none",
        paper_bgcolor=look.paper,
        plot_bgcolor="rgba(0,0,0,0)",
        font={"family": FONT, "size": FONT_PX, "color": look.ink},
        hoverlabel={"bgcolor": look.hover, "bordercolor": NEUTRAL, "font": {"color": look.ink, "size": FONT_PX}},
        legend={"bgcolor": "rgba(0,0,0,0)"},
    )
    axes = {"gridcolor": look.grid, "linecolor": look.grid, "zerolinecolor": look.grid, "tickcolor": look.grid}
    figure.update_xaxes(axes)
    figure.update_yaxes(axes)
    return figure


def dress(
    figure: go.Figure, height: int, *, legend: bool = False, top: int = 28, left: int = 56, right: int = 12
) -> go.Figure:
    """Give a figure its height in pixels, short margins that fit a phone, the legend below, and the light theme."""
    bottom = 50
    figure.update_layout(
        height=height + (30 if legend else 0),
        autosize=True,
        margin={"l": left, "r": right, "t": top, "b": bottom},
        showlegend=legend,
        legend={"orientation": "h", "x": 0, "y": -bottom / (height - top - bottom), "yanchor": "top"},
        hovermode="x",
        dragmode="zoom",
        modebar={
            "remove": ["select2d", "lasso2d", "autoScale2d", "zoomIn2d", "zoomOut2d", "pan2d", "zoom2d", "toImage"]
        },
    )
    return theme(figure)


def over_time(figure: go.Figure, duration_s: float, clip_id: int | None = None) -> go.Figure:
    """Make the x axes one shared axis of seconds from 0 to ``duration_s``; only time can be zoomed.

    ``clip_id`` says whose time it is: a page's cursor follows that clip's video in the figures that carry its id.
    """
    figure.update_xaxes(
        range=[0, duration_s], minallowed=0, maxallowed=duration_s, zeroline=False, showgrid=True, hoverformat=".1f"
    )
    figure.update_xaxes(title={"text": "time (s)", "standoff": 6}, selector=-1)
    figure.update_yaxes(fixedrange=True)
    figure.update_layout(meta={"follows": "time", "clip": clip_id, "duration_s": duration_s})
    return figure


def safe(text: str, longest: int | None = None) -> str:
    """Text of people made harmless for plotly's labels, which read a little HTML and mathematics between ``$``.

    ``longest`` cuts it to so many characters. Never put such text into a hover *template*; use ``customdata``.
    """
    text = " ".join(text.split())
    if longest is not None and len(text) > longest:
        text = text[: longest - 1].rstrip(" ,") + "…"
    return html.escape(text, quote=False).replace("$", "&#36;")


def wrapped(text: str, width: int = 44) -> str:
    """Safe text broken into lines of about ``width`` characters, so that a hover label fits on a phone."""
    lines = re.findall(rf".{{1,{width}}}(?:\s|$)|\S+", " ".join(text.split()))
    return "<br>".join(safe(line) for line in lines)


def faded(colour: str, opacity: float) -> str:
    """A hex colour ``#rrggbb`` with an opacity, as plotly reads it."""
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, {opacity:g})"


def modality_colour(name: str) -> str:
    """The colour of a modality."""
    return MODALITY_COLOURS.get(name, OTHER_COLOUR)


def thin(values: NDArray[np.floating], most: int = MOST_POINTS) -> tuple[NDArray[np.float64], int]:
    """Average neighbouring frames ``(T, …)`` so that at most ``most`` remain; NaN only where all of them are.

    Returns the shorter array and how many frames each of its rows stands for.
    """
    step = max(1, -(-len(values) // most))
    if step == 1:
        return values.astype(np.float64), 1
    padding = np.full((-len(values) % step, *values.shape[1:]), np.nan)
    blocks = np.concatenate([values.astype(np.float64), padding]).reshape(-1, step, *values.shape[1:])
    known = ~np.isnan(blocks)
    total = np.where(known, blocks, 0).sum(axis=1)
    count = known.sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan), step
