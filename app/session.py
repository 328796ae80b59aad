"""What one open page knows: ids only. Everything else is looked up from the studio when it is needed."""

from dataclasses import dataclass

import gradio as gr


@dataclass(frozen=True)
class Session:
    """The state components that all tabs share.

    ``study``, ``annotator`` and ``clip`` hold ids (``clip`` None when none is open). ``changed`` holds a number that
    grows whenever annotations, clips or the active model version changed in this page: listen to its ``.change``.
    """

    study: gr.State
    annotator: gr.State
    clip: gr.State
    changed: gr.State
