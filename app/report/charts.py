"""Pictures of a report as static SVG and HTML: stretched to the width there is, text beside them never stretched.

Times are seconds. Every SVG is 1000 wide and 100 high in its own units; lines keep their thickness when
it is stretched.
"""

import html
import re
from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from app.figures.style import NEUTRAL, thin

Array = NDArray[np.floating]
#: So many pieces of time can be told apart on a page.
MOST_PIECES = 700
#: So many grades of one colour can be told apart in a heat map.
GRADES = 8
#: From here on, per cent of an axis, a mark's text stands before the mark, so that it stays on the page.
NEAR_THE_END = 96.0
_HEX = re.compile(r"#[0-9a-fA-F]{6}")


def escaped(text: object) -> str:
    """Text of people made harmless, also inside attributes."""
    return html.escape(str(text), quote=True)


def colour_of(name: str, colours: Mapping[str, str]) -> str:
    """The colour of an emotion, grey where there is none that is a colour."""
    colour = colours.get(name, NEUTRAL)
    return colour if _HEX.fullmatch(colour) else NEUTRAL


def ink_on(colour: str) -> str:
    """Black or white, whichever reads better on a colour ``#rrggbb`` (relative luminance of WCAG 2)."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return "#101318" if 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.22 else "#ffffff"


def axis(duration_s: float) -> str:
    """A time axis with at most nine marks at round times."""
    step = next(step for step in _steps() if duration_s / step <= 8)
    marks = np.arange(0, duration_s + 1e-6, step)
    places = 100 * marks / duration_s
    ticks = "".join(
        f'<span{" class=end" if place > NEAR_THE_END else ""} style="left:{place:.3f}%">{_clock(at)}</span>'
        for at, place in zip(marks, places, strict=True)
    )
    return f'<div class="axis" aria-hidden="true">{ticks}</div>'


def ribbon(edges: Array, values: Array, colours: Mapping[str, str], top: float = 1.0) -> str:
    """The columns of ``values (P, K)`` stacked from the bottom up to ``top``; empty where they are unknown."""
    edges, values = shortened(edges, values)
    heights = 100 * np.cumsum(np.nan_to_num(values), axis=1) / top
    across = 1000 * edges / edges[-1]
    below = np.zeros(len(values))
    areas = []
    for column, name in enumerate(colours):
        above = heights[:, column]
        forth = "".join(f"V{100 - y:.1f}H{x:.1f}" for y, x in zip(above, across[1:], strict=True))
        back = "".join(f"V{100 - y:.1f}H{x:.1f}" for y, x in zip(below[::-1], across[-2::-1], strict=True))
        path = f"M0 {100 - below[0]:.1f}{forth}{back}Z"
        areas.append(f'<path d="{path}" fill="{colour_of(name, colours)}"><title>{escaped(name)}</title></path>')
        below = above
    return _svg("".join(areas), "ribbon", f"Stacked over time: {', '.join(colours)}")


def area(edges: Array, values: Array, label: str) -> str:
    """Values ``(P,)`` in [0, 1] as a grey area from the bottom."""
    return ribbon(edges, values[:, None], {label: NEUTRAL}).replace('"ribbon"', '"ribbon low"')


def heat(edges: Array, values: Array, colour: str, top: float, label: str) -> str:
    """Values ``(P,)`` as a strip that is pale at 0 and full at ``top``."""
    edges, values = shortened(edges, values[:, None])
    grades = np.ceil(np.clip(np.nan_to_num(values[:, 0]) / max(top, 1e-9), 0, 1) * GRADES).astype(int)
    across = 1000 * edges / edges[-1]
    boxes = []
    for grade in range(1, GRADES + 1):
        runs = _runs(grades == grade)
        path = "".join(f"M{across[a]:.1f} 0H{across[b]:.1f}V100H{across[a]:.1f}Z" for a, b in runs)
        if path:
            boxes.append(f'<path d="{path}" fill="{colour}" fill-opacity="{grade / GRADES:.2f}"/>')
    return _svg("".join(boxes), "heat", label)


def line(values: Array, low: float, high: float, colour: str, label: str) -> str:
    """Values ``(T,)`` evenly spaced in time, between ``low`` at the bottom and ``high`` at the top; with gaps."""
    short, step = thin(np.asarray(values), MOST_PIECES)
    across = 1000 * (np.arange(len(short)) + 0.5) * step / max(len(values), 1)
    up = 98 - 96 * (short - low) / max(high - low, 1e-9)
    paths = "".join(
        "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in zip(across[a:b], up[a:b], strict=True))
        for a, b in _runs(np.isfinite(short))
    )
    return _svg(f'<path d="{paths}" fill="none" stroke="{colour}" vector-effect="non-scaling-stroke"/>', "line", label)


def block(start_s: float, end_s: float, duration_s: float, colour: str, text: str, told: str, link: str = "") -> str:
    """A stretch on a lane: its text where there is room, all that is ``told`` where it is pointed at."""
    tag, where = ("a", f' href="#{link}"') if link else ("span", "")
    left, width = 100 * start_s / duration_s, 100 * (end_s - start_s) / duration_s
    look = f"left:{left:.3f}%;width:{width:.3f}%;background-color:{colour};color:{ink_on(colour)}"
    return f'<{tag}{where} class="block" style="{look}" title="{escaped(told)}">{escaped(text)}</{tag}>'


def shortened(edges: Array, values: Array) -> tuple[Array, Array]:
    """Neighbouring pieces averaged so that at most :data:`MOST_PIECES` are left: edges and values ``(P, K)``."""
    short, step = thin(values, MOST_PIECES)
    return np.append(edges[:-1:step], edges[-1]), short


def _svg(inside: str, kind: str, label: str) -> str:
    return (
        f'<svg class="{kind}" viewBox="0 0 1000 100" preserveAspectRatio="none" role="img" '
        f'aria-label="{escaped(label)}">{inside}</svg>'
    )


def _runs(mask: NDArray[np.bool_]) -> Iterable[tuple[int, int]]:
    """Where a mask is true: from and up to, as numbers of places."""
    ends = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return [(int(a), int(b)) for a, b in ends.reshape(-1, 2)]


def _steps() -> Iterable[float]:
    yield from (0.5, 1, 2, 5, 10, 15, 30)
    minutes = 1
    while True:
        yield 60.0 * minutes
        minutes *= 2


def _clock(at_s: float) -> str:
    if at_s < 60:
        return f"{at_s:g} s"
    minutes, seconds = divmod(round(at_s), 60)
    return f"{minutes}:{seconds:02d}"
