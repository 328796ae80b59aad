"""The mel spectrogram of a voice: loudness over time and frequency, with the pitch drawn on top."""

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from app.figures.style import COLOUR_BAR, dress, over_time, thin
from stf2m.tracks import RATE_HZ

TICKS_HZ = (100, 250, 500, 1000, 2000, 4000, 8000)
MOST_COLUMNS = 1200


def mel(hertz: NDArray[np.floating] | float) -> NDArray[np.float64]:
    """Hertz on the mel scale: ``2595 log10(1 + f / 700)`` (O'Shaughnessy 1987)."""
    return 2595.0 * np.log10(1.0 + np.asarray(hertz, np.float64) / 700.0)


def mel_spectrogram(
    decibels: NDArray[np.floating],
    lowest_hz: float,
    highest_hz: float,
    pitch_hz: NDArray[np.floating] | None = None,
    clip_id: int | None = None,
) -> go.Figure:
    """Level in dB ``(T, bands)`` of bands evenly spaced in mel between two centres in Hz, on an axis in mel.

    ``pitch_hz`` ``(T,)`` is drawn over it where it is known. The colours span the 2nd to the 99.5th percentile.
    """
    levels, step = thin(decibels, MOST_COLUMNS)
    known = levels[np.isfinite(levels)]
    low, high = np.percentile(known, (2, 99.5)) if len(known) else (-80.0, 0.0)
    times = (np.arange(len(levels)) + 0.5) * step / RATE_HZ
    rows = np.linspace(mel(lowest_hz), mel(highest_hz), decibels.shape[1])
    centres_hz = 700.0 * (10.0 ** (rows / 2595.0) - 1.0)
    figure = go.Figure(
        go.Heatmap(
            z=np.round(levels.T, 1).astype(np.float32),
            x=times,
            y=rows,
            customdata=np.broadcast_to(np.round(centres_hz)[:, None], levels.T.shape).astype(np.int32),
            zmin=low,
            zmax=max(high, low + 1),
            colorscale="Cividis",
            colorbar={**COLOUR_BAR, "ticksuffix": " dB", "nticks": 4, "tickangle": 0},
            hovertemplate="%{x:.1f} s · %{customdata} Hz: %{z:.0f} dB<extra></extra>",
        )
    )
    if pitch_hz is not None and np.isfinite(pitch_hz).any():
        pitch, pitch_step = thin(pitch_hz)
        figure.add_trace(
            go.Scatter(
                x=(np.arange(len(pitch)) + (0.5 if pitch_step > 1 else 0.0)) * pitch_step / RATE_HZ,
                y=mel(pitch),
                customdata=pitch,
                name="pitch",
                mode="lines",
                line={"color": "#ffffff", "width": 2},
                hovertemplate="pitch %{customdata:.0f} Hz<extra></extra>",
            )
        )
    shown = [tick for tick in TICKS_HZ if lowest_hz <= tick <= highest_hz]
    figure.update_yaxes(
        tickvals=mel(np.array(shown, float)).tolist(),
        ticktext=[f"{tick // 1000}k" if tick >= 1000 else str(tick) for tick in shown],
        title={"text": "frequency (Hz, mel scale)", "standoff": 2},
        range=[float(rows[0]), float(rows[-1])],
        showgrid=False,
    )
    dress(figure, 290, top=52)
    return over_time(figure, max(len(decibels), 1) / RATE_HZ, clip_id).update_xaxes(showgrid=False)
