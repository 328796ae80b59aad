"""Places on a page for what is made elsewhere: text as HTML, and plots without a frame of their own."""

import html

import gradio as gr
import plotly.graph_objects as go

from app.session import Session

#: For :func:`text`: a click on a button with ``data-go`` (a clip's id) opens that clip in Annotate, at ``data-at``, and
#: plays up to ``data-until`` (seconds) where they are given; :func:`open_clips` listens to it.
OPEN = """
element.addEventListener("click", (event) => {
  const go = event.target.closest("[data-go]")?.dataset;
  if (!go) return;
  const number = (text) => (text === undefined ? null : Number(text));
  const detail = { clip: Number(go.go), at: number(go.at), until: number(go.until) };
  const there = () => trigger("select", { go: go.go });
  const open = new URLSearchParams(location.search).get("clip") === go.go;
  if (!open) document.addEventListener("stf2m:opened", there, { once: true });
  document.dispatchEvent(new CustomEvent("stf2m:open", { detail }));
  if (open) there();
});
"""


def text(name: str, value: str | None = None, *, clicks: str | None = None, visible: bool = True) -> gr.HTML:
    """A place for HTML whose text is already escaped; ``clicks`` is JavaScript that turns clicks in it into events."""
    return gr.HTML(
        value, elem_id=name, elem_classes="st-text", js_on_load=clicks, apply_default_css=False, visible=visible
    )


def link(clip_id: int, told: str, start_s: float | None = None, end_s: float | None = None, more: str = "") -> str:
    """A button as HTML that opens a clip, at and up to some seconds where they are given; :data:`OPEN` listens to it.

    ``told`` is escaped here; ``more`` is HTML that follows it.
    """
    at = "" if start_s is None else f" data-at='{start_s:.2f}'"
    until = "" if end_s is None else f" data-until='{end_s:.2f}'"
    return f"<button type='button' class='st-link' data-go='{clip_id}'{at}{until}>{html.escape(told)}{more}</button>"


def plot(name: str, *, visible: bool = True) -> gr.Plot:
    """A place for a figure."""
    return gr.Plot(show_label=False, container=False, elem_id=name, visible=visible)


def shown(figure: go.Figure | None) -> gr.Plot:
    """Put a figure into its place, or hide the place where there is none."""
    return gr.Plot(value=figure, visible=figure is not None)


def open_clips(place: gr.HTML, session: Session) -> None:
    """Go to Annotate when a click in a place made with :data:`OPEN` opens a clip."""
    place.select(_opened, None, session.clip, show_progress="hidden").then(
        None, None, None, js="() => document.getElementById('tab-annotate-button')?.click()"
    )


def _opened(event: gr.EventData) -> int:
    return int(event.go)
