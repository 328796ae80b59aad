"""The Data tab: labels as files, out and in; bundles and backups; the clips, and deleting them with a way back."""

import html
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import gradio as gr

from annotations import formats
from annotations.clips import NO_MEDIA
from annotations.exporting import export
from annotations.formats import Written
from annotations.formats.zipped import file_name
from annotations.interchange import ImportReport
from annotations.records import AnnotationError, ClipRecord, NotFoundError, StoreError
from app import bundle, caller, label_files
from app.bundle import Bundled
from app.jobs import PlainError
from app.pages import places, take_away
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
  if (button.matches(".st-takeback")) trigger("takeback", {});
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
#: Fetches the file that was made just now.
FETCH = "() => setTimeout(() => document.querySelector('#data-file').click(), 50)"
IN = (
    "CSV, JSON, Parquet, Label Studio, ELAN, TextGrid, WebVTT, SRT, or a ZIP archive of these, into the study that is "
    "open. What is there already is not added twice."
)
MORE = "A bundle has labels and tracks to train models on, no picture and no sound. A backup has all studies."
BACKED_UP = (
    '<p class="st-good">{}: all studies as they are now. Videos, tracks and models are not in it. '
    "<code>python -m annotations restore FILE</code> brings it back.</p>"
)
#: So many new clips are told by name.
MOST_NAMES = 5
#: So many clips are shown.
MOST_CARDS = 500
#: A file that was made for somebody is deleted after so long, seconds.
KEPT_S = 3600.0
STATUS: Mapping[str, str] = {
    "waiting": "waiting for its turn",
    "analysing": "being analysed",
    "ready": "ready",
    "failed": "could not be analysed",
}


@dataclass(frozen=True)
class _Parts:
    kind: gr.Dropdown
    clip: gr.Dropdown
    download: gr.Button
    losses: gr.HTML
    bundle: gr.Button
    backup: gr.Button
    made: gr.HTML
    upload: gr.UploadButton
    said: gr.HTML
    clips: gr.HTML
    file: gr.DownloadButton


def build(studio: Studio, session: Session, tab: gr.Tab) -> None:
    """Fill the tab. Nothing is read before it is opened."""
    parts = _lay_out(session, tab)
    chosen: list[Any] = [session.study, parts.kind, parts.clip]
    shown: list[Any] = [parts.clips, parts.clip, parts.losses]
    state: list[Any] = [session.study, session.annotator, session.changed]

    def refresh(study_id: int | None, kind: str, clip: str) -> tuple[str, gr.Dropdown, str]:
        if not study_id:
            return "", gr.Dropdown(), ""
        found = studio.store.clips(study_id)
        corrections = Counter(each.clip_id for each in studio.store.annotations(study_id=study_id))
        names = list(dict.fromkeys(each.name for each in found))
        clip = clip if clip in names else ""
        choices = gr.Dropdown(choices=[("all clips", ""), *((name, name) for name in names)], value=clip)
        return clips_html(found, corrections), choices, losses(study_id, kind, clip)

    def losses(study_id: int, kind: str, clip: str) -> str:
        return losses_html(export(studio.store, study_id, kind, clip))

    def write(study_id: int, kind: str, clip: str) -> tuple[gr.DownloadButton, str]:
        """The labels as they are at the moment of the click, whoever else is at work."""
        written = export(studio.store, study_id, kind, clip)
        path = _place(studio.outgoing, study_id, file_name(clip or studio.study(study_id).name) + written.suffix)
        path.write_bytes(written.data)
        return gr.DownloadButton(value=str(path)), losses_html(written)

    def make_bundle(study_id: int) -> tuple[gr.DownloadButton, str]:
        path = _place(studio.outgoing, study_id, f"{file_name(studio.study(study_id).name)}.bundle.zip")
        try:
            made = bundle.write(studio.store, study_id, studio.predictions.tracks, path)
        except (PlainError, StoreError) as error:
            raise gr.Error(str(error), print_exception=False) from error
        return gr.DownloadButton(value=str(path)), bundled_html(made, path.name)

    def make_backup(annotator_id: int) -> tuple[gr.DownloadButton, str]:
        path = _place(studio.outgoing, 0, f"studio-{datetime.now(UTC):%Y-%m-%d-%H%M%S}.sqlite3")
        try:
            studio.store.backup(path, caller.annotator(annotator_id))
        except (AnnotationError, StoreError) as error:
            raise gr.Error(str(error), print_exception=False) from error
        return gr.DownloadButton(value=str(path)), BACKED_UP.format(html.escape(path.name))

    def bring_in(file: str, study_id: int, annotator_id: int, changed: int) -> tuple[str, int]:
        path = Path(file)
        try:
            by = caller.annotator(annotator_id)
            with path.open("rb") as content:
                read = formats.read(content.read(formats.LARGEST + 1), path.name)
            report = studio.store.import_file(studio.study(study_id).name, read, by)
        except (AnnotationError, StoreError) as error:
            return f'<p class="st-note">{html.escape(f"{path.name}: {error} Nothing was taken from it.")}</p>', changed
        finally:
            path.unlink(missing_ok=True)
        return imported_html(report, path.name), changed + 1

    def take_back(study_id: int, annotator_id: int, changed: int) -> tuple[str, int]:
        try:
            undone = studio.labels.undo(study_id, caller.annotator(annotator_id))
        except AnnotationError as error:
            return f'<p class="st-note">{html.escape(str(error))}</p>', changed
        told = "The import is taken back." if undone else "There is nothing to take back."
        return f'<p class="st-good">{told}</p>', changed + 1

    def delete(study_id: int, annotator_id: int, changed: int, event: gr.EventData) -> tuple[str, int]:
        clip = _clip_of(studio, study_id, int(event.clip))
        studio.delete_clips([clip.id], caller.annotator(annotator_id))
        return (
            f'<p class="st-good">{html.escape(clip.name)} is deleted, with its annotations. '
            f"<button type='button' class='st-small st-restore' data-clip='{clip.id}'>Undo</button></p>",
            changed + 1,
        )

    def restore(study_id: int, annotator_id: int, changed: int, event: gr.EventData) -> tuple[str, int]:
        clip = studio.store.restore(int(event.clip), caller.annotator(annotator_id))
        return f'<p class="st-good">{html.escape(clip.name)} is back.</p>', changed + 1

    tab.select(refresh, chosen, shown, show_progress="hidden")
    session.study.change(lambda: ("", "", ""), None, [parts.said, parts.made, parts.clip], show_progress="hidden")
    for choice in (parts.kind, parts.clip):
        choice.input(losses, chosen, parts.losses, show_progress="hidden")
    parts.download.click(write, chosen, [parts.file, parts.losses]).success(None, None, None, js=FETCH)
    parts.bundle.click(make_bundle, session.study, [parts.file, parts.made]).success(None, None, None, js=FETCH)
    parts.backup.click(make_backup, session.annotator, [parts.file, parts.made]).success(None, None, None, js=FETCH)
    outcome: list[Any] = [parts.said, session.changed]
    arrived = parts.upload.upload(bring_in, [parts.upload, *state], outcome)
    changes = [arrived, parts.said.takeback(take_back, state, outcome, show_progress="hidden")]
    for event, act in ((parts.clips.delete, delete), (parts.said.undo, restore)):
        changes.append(event(act, state, outcome, show_progress="hidden"))
    for change in changes:
        change.success(refresh, chosen, shown, show_progress="hidden").success(None, None, None, js=TELL)


def _lay_out(session: Session, tab: gr.Tab) -> _Parts:
    with gr.Row(elem_classes="st-look", elem_id="data-ways"):
        with gr.Column(scale=7, min_width=320):
            places.text("data-head", "<h2>Take labels away</h2>")
            with gr.Row(elem_id="data-export"):
                titles = [(form.title, name) for name, form in formats.FORMATS.items()]
                kind = gr.Dropdown(titles, value="csv", label="Format", interactive=True, min_width=140)
                clip = gr.Dropdown([("all clips", "")], value="", label="Clips", interactive=True, min_width=140)
            losses = places.text("data-losses")
            download = gr.Button("Download labels", variant="primary", elem_id="data-download")
            take_away.rules(session, tab, "data-rules")
        with gr.Column(scale=5, min_width=320):
            places.text("data-in-head", f"<h2>Bring labels in</h2><p>{IN}</p>")
            upload = gr.UploadButton("Add labels from a file", elem_id="data-upload")
            upload.GRADIO_CACHE = str(label_files.folder())  # with each event it leaves an empty file there
            places.text("data-more-head", f"<h2>Whole studies</h2><p>{MORE}</p>")
            with gr.Row():
                bundle_button = gr.Button("Training bundle", elem_id="data-bundle", min_width=140)
                backup = gr.Button("Backup", elem_id="data-backup", min_width=140)
            made = places.text("data-made")
    said = places.text("data-said", clicks=CLICKS)
    clips = places.text("data-clips", clicks=CLICKS)
    file = gr.DownloadButton("", elem_id="data-file", visible="hidden")
    return _Parts(kind, clip, download, losses, bundle_button, backup, made, upload, said, clips, file)


def _place(folder: Path, study_id: int, name: str) -> Path:
    """Where a file for a study is put, under the name that it is downloaded by; what was put there long ago is gone."""
    place = folder / str(study_id)
    place.mkdir(exist_ok=True)
    for old in place.iterdir():
        if time.time() - old.stat().st_mtime > KEPT_S:
            old.unlink(missing_ok=True)
    return place / name


def losses_html(written: Written) -> str:
    """How many labels a file holds, and what is not in it."""
    if not written.labels:
        return '<p class="st-count">There are no labels yet.</p>'
    archive = ", a file a clip in one archive" if written.suffix == ".zip" else ""
    lost = "".join(f"<li>{html.escape(sentence)}</li>" for sentence in written.losses.sentences)
    told = f"<ul class='st-note st-lost'>{lost}</ul>" if lost else ""
    return f'<p class="st-count">{_many(written.labels, "label")}{archive}</p>{told}'


def imported_html(report: ImportReport, name: str) -> str:
    """What an import brought, with a button that takes it back."""
    verb = "was" if report.there_already == 1 else "were"
    there = f", {report.there_already} {verb} there already" if report.there_already else ""
    sentences = [f"{name}: {_many(report.added, 'label')} added{there}."]
    if report.emotions:
        sentences.append(f"New emotions: {', '.join(report.emotions)}.")
    if report.clips:
        more = f" and {len(report.clips) - MOST_NAMES} more" if len(report.clips) > MOST_NAMES else ""
        sentences.append(f"New clips without their video: {', '.join(report.clips[:MOST_NAMES])}{more}.")
    sentences += report.left_out
    undo = " <button type='button' class='st-small st-takeback'>Undo</button>"
    nothing = not (report.added or report.emotions or report.clips)
    return f'<p class="st-good">{html.escape(" ".join(sentences))}{"" if nothing else undo}</p>'


def bundled_html(made: Bundled, name: str) -> str:
    """What is in a bundle, and how to use it."""
    left_out = f" Not in it, for lack of an analysis: {', '.join(made.left_out)}." if made.left_out else ""
    told = f"{_many(made.labels, 'label')} and the tracks of {_many(made.clips, 'clip')}.{left_out}"
    command = f"python -m stf2m evaluate {name} --method stf2m --ways 2 --shots 1"
    return f'<p class="st-good">{html.escape(told)} <code>{html.escape(command)}</code></p>'


def _many(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _clip_of(studio: Studio, study_id: int, clip_id: int) -> ClipRecord:
    """A clip of the study that is open. Raises ``NotFoundError`` for one of another study."""
    clip = studio.clip(clip_id)
    if clip.study_id != study_id:
        raise NotFoundError("There is no such clip in this study.")
    return clip


def clips_html(clips: Sequence[ClipRecord], corrections: Mapping[int, int]) -> str:
    """The clips as a list of cards: picture, length, what is in it, notes, a report, and a delete button that asks once
    more.
    """
    if not clips:
        return '<h2>Clips</h2><p class="st-note">There is no clip in this study yet: add one in Annotate.</p>'
    items = "".join(_item(clip, corrections.get(clip.id, 0)) for clip in clips[:MOST_CARDS])
    more = f"<p class='st-count'>The first {MOST_CARDS} are shown; the queue in Annotate has all.</p>"
    return (
        f"<h2>Clips <small>{len(clips)}</small></h2>{more if len(clips) > MOST_CARDS else ''}"
        f"<ul class='st-clips'>{items}</ul>"
    )


def _item(clip: ClipRecord, corrections: int) -> str:
    labels_only = clip.error == NO_MEDIA
    picture = (
        f"<img src='clip/{clip.id}/thumbnail' alt='' loading='lazy'>"
        if clip.has_video and not labels_only
        else f"<span class='st-sound'>{'–' if clip.has_video else '♪'}</span>"
    )
    there = " and ".join(name for name, has in (("picture", clip.has_video), ("sound", clip.has_sound)) if has)
    facts = [f"{clip.duration_s:.1f} s"]
    facts += ["labels only, its video is not here"] if labels_only else [there or "neither picture nor sound"]
    facts += [] if labels_only else [STATUS[clip.status]]
    facts.append(_many(corrections, "correction"))
    told = [*clip.notes, "" if labels_only else clip.error]
    notes = "".join(f"<p class='st-note'>{html.escape(note)}</p>" for note in told if note)
    report = take_away.report_html(clip.id) if clip.status == "ready" else ""
    return (
        f"<li data-clip='{clip.id}'>{picture}"
        f"<div><h3>{html.escape(clip.name)}</h3><p>{' · '.join(facts)}</p>{notes}</div>"
        "<div class='st-actions'><button type='button' class='st-small st-ask'>Delete</button>"
        "<span class='st-sure'>With all its annotations? "
        "<button type='button' class='st-small st-delete'>Yes, delete</button> "
        f"<button type='button' class='st-small st-keep'>Keep it</button></span></div>{report}</li>"
    )
