"""The form for a study's label set, names, colours and all, and for what people see first."""

from collections.abc import Callable, Sequence
from pathlib import Path

import gradio as gr

from app.widgets import folder

SCRIPTS = ("labels",)

#: The server functions that the widget calls, by name; each takes one mapping and returns one.
CALLS = ("labels", "add", "rename", "merge", "recolour", "mode", "undo")

#: Shows or hides the form; for a button of the page.
TOGGLE = "() => document.dispatchEvent(new CustomEvent('stf2m:label-form'))"


def labels(calls: Sequence[Callable[[dict], dict]]) -> gr.HTML:
    """The widget. ``calls`` are functions with the names of :data:`CALLS`; its value is ``{"study", "annotator"}``.

    It fires ``input`` when it changed something. Raises ``ValueError`` unless ``calls`` are exactly those it needs.
    """
    names = [call.__name__ for call in calls]
    if sorted(names) != sorted(CALLS):
        raise ValueError(f"The label form needs the calls {', '.join(CALLS)}, not {', '.join(names)}.")
    sources = folder.read(Path(__file__).parent, SCRIPTS)
    return gr.HTML(None, **sources, server_functions=list(calls), elem_id="labels", elem_classes="st-labels")
