"""The Data tab: the clips of a study with how they are, deleting with a way back, and everything as a file."""

import html
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import gradio as gr

from annotations.exporting import export
from annotations.formats import FORMATS
from annotations.records import ClipRecord, NotFoundError
from app.pages import places
from app.session import Session
from app.studio import Studio

#: Deleting asks once more in the same place; only the answer to that leaves the page.
CLICKS = """
element.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  const row = button.closest("[data-clip]");
  if (button.matches(".st-ask")) row.classList.add("st-asked");
  if (button.matches(".st-keep")) row.classList.remove("st-asked");
  if (button.matches(".st-delete")) trigger("delete", { clip: row.dataset.clip });
  if (button.matches(".st-restore")) trigger("undo", { clip: button.dataset.clip });
});
"""
#: Tells Annotate that the clips are others now, and to close the one that is gone.
TELL = """
() => {
  const gone = document.querySelector("#data-said .st-restore")?.dataset.clip;
  const tell = (what) => document.dispatchEvent(new CustomEvent("stf2m:" + what, { detail: {} }));
  if (gone && new URLSearchParams(location.search).get("clip") === gone) tell("closed");
  tell("clips");
}
"""
STATUS: Mapping[str, str] = {
    "waiting": "waiting for its turn",
    "analysing": "being analysed",
    "ready": "ready",
    "failed": "could not be analysed",
}


def build(studio: Studio, session: Session, tab: gr.Tab) -> None:
    """Fill the tab. Nothing is read before it is opened."""
    folder = Path(mkdtemp(prefix="stf2m-"))
    places.text("data-head", "<h2>Take it away</h2>")
    with gr.Row(elem_id="data-export"):
        kind = gr.Dropdown(
            list(FORMATS), value=next(iter(FORMATS)), label="Format", interactive=True, scale=0, min_width=160
        )
        download = gr.DownloadButton(
            "Download annotations", variant="primary", elem_id="data-download", scale=0, min_width=240
        )
    said = places.text("data-said", clicks=CLICKS)
    clips = places.text("data-clips", clicks=CLICKS)

    def refresh(study_id: int | None, kind: str) -> tuple[str, gr.DownloadButton]:
        if not study_id:
            return "", gr.DownloadButton(interactive=False)
        found = studio.store.clips(study_id)
        corrections = Counter(each.clip_id for each in studio.store.annotations(study_id=study_id))
        return clips_html(found, corrections), write(study_id, kind)

    def write(study_id: int, kind: str) -> gr.DownloadButton:
        """The file is written anew whenever the tab is opened or the format chosen, so that a click only fetches it."""
        name = re.sub(r"[^\w-]+", "-", studio.study(study_id).name).strip("-") or "study"
        written = export(studio.store, study_id, kind)
        path = folder / f"{name}-{study_id}{written.suffix}"
        path.write_bytes(written.data)
        return gr.DownloadButton(value=str(path), interactive=True)

    def delete(study_id: int, annotator_id: int, changed: int, event: gr.EventData) -> tuple[str, int]:
        clip = _clip_of(studio, study_id, int(event.clip))
        studio.delete_clips([clip.id], annotator_id)
        return (
            f'<p class="st-good">{html.escape(clip.name)} is deleted, with its annotations. '
            f"<button type='button' class='st-small st-restore' data-clip='{clip.id}'>Undo</button></p>",
            changed + 1,
        )

    def restore(study_id: int, annotator_id: int, changed: int, event: gr.EventData) -> tuple[str, int]:
        clip = studio.store.restore(int(event.clip), annotator_id)
        return f'<p class="st-good">{html.escape(clip.name)} is back.</p>', changed + 1

    state: list[Any] = [session.study, session.annotator, session.changed]
    tab.select(refresh, [session.study, kind], [clips, download], show_progress="hidden")
    kind.input(write, [session.study, kind], download, show_progress="hidden")
    for event, act in ((clips.delete, delete), (said.undo, restore)):
        event(act, state, [said, session.changed], show_progress="hidden").success(
            refresh, [session.study, kind], [clips, download], show_progress="hidden"
        ).success(None, None, None, js=TELL)


def _clip_of(studio: Studio, study_id: int, clip_id: int) -> ClipRecord:
    """A clip of the study that is open. Raises ``NotFoundError`` for one of another study."""
    clip = studio.clip(clip_id)
    if clip.study_id != study_id:
        raise NotFoundError("There is no such clip in this study.")
    return clip


def clips_html(clips: Sequence[ClipRecord], corrections: Mapping[int, int]) -> str:
    """The clips as a list of cards: picture, length, what is in it, notes, and a delete button that asks once more."""
    if not clips:
        return '<h2>Clips</h2><p class="st-note">There is no clip in this study yet: add one in Annotate.</p>'
    items = "".join(_item(clip, corrections.get(clip.id, 0)) for clip in clips)
    return f"<h2>Clips <small>{len(clips)}</small></h2><ul class='st-clips'>{items}</ul>"


def _item(clip: ClipRecord, corrections: int) -> str:
    picture = (
        f"<img src='clip/{clip.id}/thumbnail' alt='' loading='lazy'>"
        if clip.has_video
        else "<span class='st-sound'>♪</span>"
    )
    there = " and ".join(name for name, has in (("picture", clip.has_video), ("sound", clip.has_sound)) if has)
    facts = [f"{clip.duration_s:.1f} s", there or "neither picture nor sound", STATUS[clip.status]]
    facts.append("1 correction" if corrections == 1 else f"{corrections} corrections")
    notes = "".join(f"<p class='st-note'>{html.escape(note)}</p>" for note in (*clip.notes, clip.error) if note)
    return (
        f"<li data-clip='{clip.id}'>{picture}"
        f"<div><h3>{html.escape(clip.name)}</h3><p>{' · '.join(facts)}</p>{notes}</div>"
        "<div class='st-actions'><button type='button' class='st-small st-ask'>Delete</button>"
        "<span class='st-sure'>With all its annotations? "
        "<button type='button' class='st-small st-delete'>Yes, delete</button> "
        "<button type='button' class='st-small st-keep'>Keep it</button></span></div></li>"
    )
