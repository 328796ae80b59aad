"""A video whose time every plot of its tab follows, with the face and the cues at that moment beside it."""

from pathlib import Path
from typing import Any

import gradio as gr

from app.studio import Studio
from app.widgets import folder
from app.widgets.calls import plain
from app.widgets.cursor.moments import CHUNK_S, chunk
from stf2m.views import face

#: In this order; each file is one idea and uses only what stands before it, except inside its functions.
SCRIPTS = ("words", "plots", "face", "cursor")


def player(studio: Studio, place: str) -> gr.HTML:
    """The widget; ``place`` names the tab it is in. Its value is what :func:`playing` returns.

    Plots in the same tab that carry the clip's id (``app.figures.style.over_time``) get a line at the video's time,
    and a click on them seeks; membership plots get a line at their cue's value.
    """

    @plain
    def moments(data: dict[str, Any]) -> dict[str, Any]:
        return chunk(studio.tracks(int(data["clip"])), max(0.0, float(data["start_s"])))

    sources = folder.read(Path(__file__).parent, SCRIPTS)
    return gr.HTML(None, **sources, server_functions=[moments], elem_id=f"player-{place}", place=place)


def playing(studio: Studio, clip_id: int | None) -> dict[str, Any] | None:
    """The value of a player that shows a clip: what the page needs to know of it, None for no clip."""
    if clip_id is None:
        return None
    clip = studio.clip(clip_id)
    return {
        "id": clip.id,
        "media_url": f"/clip/{clip.id}",
        "has_video": clip.has_video,
        "duration_s": clip.duration_s,
        "segment_s": studio.settings.segment_s,
        "chunk_s": CHUNK_S,
        "contours": face.CONTOURS,
        "points": 1 + max(index for line in face.CONTOURS for index in line),
    }
