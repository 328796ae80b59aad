"""The Annotate tab: an annotator's whole day on one page, the queue beside video, timeline and panel."""

from typing import Any

import gradio as gr

from app.session import Session
from app.studio import Studio
from app.widgets.queue import queue
from app.widgets.queue.calls import calls as queue_calls
from app.widgets.timeline import timeline
from app.widgets.timeline.calls import calls as timeline_calls


def build(studio: Studio, session: Session, tab: gr.Tab) -> None:
    """Fill the tab. The widgets talk to the studio by themselves; the page only tells them who works on what."""
    with gr.Row(elem_classes="st-annotate"):
        settings = studio.settings
        clips = queue(queue_calls(studio), settings.limits, settings.max_seconds, settings.longest_recording_s)
        work = timeline(timeline_calls(studio))

    def who(study_id: int | None, annotator_id: int | None) -> tuple[dict[str, Any], dict[str, Any]]:
        value = _who(studio, study_id, annotator_id)
        return value, value

    def back(study_id: int | None, annotator_id: int | None, clip_id: int | None) -> dict[str, Any]:
        return {**_who(studio, study_id, annotator_id), "clip": clip_id}

    people = [session.study, session.annotator]
    gr.on(
        [session.study.change, session.annotator.change],
        who,
        people,
        [clips, work],
        show_progress="hidden",
        queue=False,
    )
    tab.select(back, [*people, session.clip], work, show_progress="hidden", queue=False)
    # Through the queue: only then does Gradio tell the listeners of a state that it changed.
    work.select(_opened, people, [session.clip, *people], show_progress="hidden")
    work.input(_changed, [session.changed, *people], [session.changed, *people], show_progress="hidden")


def _opened(study_id: int | None, annotator_id: int | None, event: gr.EventData) -> tuple[int, int, int]:
    """A clip was opened; a session that a restart of the studio has emptied learns again who works on what."""
    return event.clip, study_id or event.study, annotator_id or event.annotator


def _changed(changes: int, study_id: int | None, annotator_id: int | None, event: gr.EventData) -> tuple[int, int, int]:
    """Corrections or the active model version changed."""
    return changes + 1, study_id or event.study, annotator_id or event.annotator


def _who(studio: Studio, study_id: int | None, annotator_id: int | None) -> dict[str, Any]:
    name = next((person.name for person in studio.store.annotators() if person.id == annotator_id), "")
    return {"study": study_id, "annotator": annotator_id, "name": name}
