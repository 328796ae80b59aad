"""Places on a page for what is made elsewhere: text as HTML, and plots without a frame of their own."""

import gradio as gr
import plotly.graph_objects as go


def text(name: str, value: str | None = None, *, clicks: str | None = None, visible: bool = True) -> gr.HTML:
    """A place for HTML whose text is already escaped; ``clicks`` is JavaScript that turns clicks in it into events."""
    return gr.HTML(
        value, elem_id=name, elem_classes="st-text", js_on_load=clicks, apply_default_css=False, visible=visible
    )


def plot(name: str, *, visible: bool = True) -> gr.Plot:
    """A place for a figure."""
    return gr.Plot(show_label=False, container=False, elem_id=name, visible=visible)


def shown(figure: go.Figure | None) -> gr.Plot:
    """Put a figure into its place, or hide the place where there is none."""
    return gr.Plot(value=figure, visible=figure is not None)
