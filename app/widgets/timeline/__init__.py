"""The annotator's workplace: video, timeline, the selected segment and the bar of corrections, as one widget.

The widget keeps nothing but ids; it asks the studio through server functions, which are plain posts without a queue,
so that a correction is saved as fast as the database writes it.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import gradio as gr

from app.widgets import folder

#: In this order; each file is one idea and uses only what stands before it, except inside its functions.
SCRIPTS = (
    "model", "scale", "outbox", "player", "rows", "draw", "gestures", "panel", "reasons", "degrees", "bar", "keys",
    "actions", "editing", "painting", "calibration", "visits", "histories", "learning", "work", "main",
)  # fmt: skip

#: The server functions that the widget calls, by name; each takes one mapping and returns one.
CALLS = (
    "open", "annotations", "explain", "pulled", "why_not", "undo", "redo", "readiness", "adapt", "activate",
    "correct", "edit", "accept_sure", "remove", "restore", "history", "visit", "finish", "reaction", "threshold",
)  # fmt: skip


def timeline(calls: Sequence[Callable[[dict], dict]]) -> gr.HTML:
    """The widget. ``calls`` are functions with the names of :data:`CALLS`.

    Its value is ``{"study", "annotator", "name", "clip"}``: who works on what; a clip is opened at once.
    It fires ``select`` with ``{"clip": id}`` when a clip was opened, and ``change`` when corrections or the active
    model version changed. Raises ``ValueError`` unless ``calls`` are exactly those it needs.
    """
    names = [call.__name__ for call in calls]
    if sorted(names) != sorted(CALLS):
        raise ValueError(f"The timeline needs the calls {', '.join(CALLS)}, not {', '.join(names)}.")
    sources = folder.read(Path(__file__).parent, SCRIPTS)
    return gr.HTML(None, **sources, server_functions=list(calls), elem_id="timeline", elem_classes="st-timeline")
