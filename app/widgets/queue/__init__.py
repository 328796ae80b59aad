"""The queue: the clips of a study in the order of work, adding videos, and the analyses that are running."""

from collections.abc import Callable, Sequence
from pathlib import Path

import gradio as gr

from app.widgets import folder

SCRIPTS = ("sending", "recording", "batch", "cards", "mix", "finding", "selection", "queue")

#: The server functions that the widget calls, by name; each takes one mapping and returns one.
CALLS = ("clips", "card", "jobs", "cancel", "remove", "find", "mix", "finish")


def queue(calls: Sequence[Callable[[dict], dict]], limits: str, longest_s: float, recording_s: float) -> gr.HTML:
    """The widget. ``calls`` are functions with the names of :data:`CALLS`; its value is ``{"study", "annotator"}``.

    ``limits`` says what may be added, in a sentence; videos of more than ``longest_s`` seconds are not sent, and a
    recording ends by itself after ``recording_s``.
    Raises ``ValueError`` unless ``calls`` are exactly those it needs.
    """
    names = [call.__name__ for call in calls]
    if sorted(names) != sorted(CALLS):
        raise ValueError(f"The queue needs the calls {', '.join(CALLS)}, not {', '.join(names)}.")
    sources = folder.read(Path(__file__).parent, SCRIPTS)
    told = {"limits": limits, "longest": longest_s, "recording": recording_s}
    return gr.HTML(None, **sources, **told, server_functions=list(calls), elem_id="queue", elem_classes="st-queue")
