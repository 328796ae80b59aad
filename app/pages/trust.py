"""The panel of the Rules tab that asks whether the rules can be trusted in the study that is open."""

import gradio as gr

from app import trusting
from app.pages import places
from app.pages.trust_html import panel
from app.session import Session
from app.studio import Studio

HEAD = (
    "<h2>Can these rules be trusted here? <small>what the sentences say beside what the model does, on this study's "
    "own segments</small></h2>"
)


def build(studio: Studio, session: Session) -> None:
    """A button and what it finds; nothing is computed before it is asked for."""
    places.text("trust-head", HEAD)
    ask = gr.Button("Put them to the test", elem_id="trust-look", size="sm", elem_classes="st-narrow")
    found = places.text("trust-found")

    def look(
        study_id: int | None,
        progress: gr.Progress = gr.Progress(),  # noqa: B008
    ) -> str:
        if not study_id:
            return '<p class="st-note">Open a study first.</p>'

        def report(share: float, stage: str) -> None:
            progress(share, desc=stage)

        return panel(trusting.look(studio, study_id, report))

    ask.click(look, session.study, found, show_progress_on=found)
    for state in (session.study, session.changed):
        state.change(lambda: "", None, found, show_progress="hidden")
