"""Who did what and when, at the foot of the Team tab."""

import html
from collections.abc import Sequence

import gradio as gr

from annotations.formats.zipped import file_name
from app import audit
from app.audit import Entry
from app.pages import places
from app.session import Session
from app.studio import Studio

#: So many are shown, the latest; the file has all.
MOST = 200
EVERYTHING = ""


def build(studio: Studio, session: Session, tab: gr.Tab) -> None:
    """The log of a study, filtered by who and by what, and as a file. Nothing is read before the tab is opened."""
    with gr.Accordion("Who did what", open=False, elem_id="team-audit"):
        with gr.Row():
            who = gr.Dropdown([("everybody", EVERYTHING)], value=EVERYTHING, label="Who", elem_id="audit-who")
            about = gr.Dropdown(
                [("everything", EVERYTHING), *((name, name) for name in audit.ABOUT.values())],
                value=EVERYTHING,
                label="What",
                elem_id="audit-about",
            )
            make = gr.Button("Take it as CSV", elem_id="audit-csv", min_width=140)
        listed = places.text("audit-list")
        file = gr.DownloadButton("", elem_id="audit-file", visible="hidden")

    def find(study_id: int | None, name: str, kind: str) -> list[Entry]:
        if not study_id:
            return []
        clips = {each.id: each.name for gone in (False, True) for each in studio.store.clips(study_id, removed=gone)}
        return audit.entries(studio.store.events(study_id), clips, who=name, about=kind)

    def refresh(study_id: int | None, name: str, kind: str) -> tuple[gr.Dropdown, str]:
        people = sorted({each.who for each in find(study_id, EVERYTHING, EVERYTHING)})
        name = name if name in people else EVERYTHING
        choices = [("everybody", EVERYTHING), *((each, each) for each in people)]
        return gr.Dropdown(choices=choices, value=name), entries_html(find(study_id, name, kind))

    def write(study_id: int, name: str, kind: str) -> gr.DownloadButton:
        folder = studio.outgoing / f"audit-{study_id}"
        folder.mkdir(exist_ok=True)
        path = folder / f"{file_name(studio.study(study_id).name)}.log.csv"
        path.write_bytes(audit.as_csv(find(study_id, name, kind)))
        return gr.DownloadButton(value=str(path))

    chosen = [session.study, who, about]
    tab.select(refresh, chosen, [who, listed], show_progress="hidden")
    for each in (who, about):
        each.input(refresh, chosen, [who, listed], show_progress="hidden")
    fetch = "() => setTimeout(() => document.querySelector('#audit-file').click(), 50)"
    make.click(write, chosen, file, show_progress="hidden").success(None, None, None, js=fetch)


def entries_html(found: Sequence[Entry]) -> str:
    """The latest entries as a table; all text of people is escaped."""
    if not found:
        return '<p class="st-note">Nothing was done here yet.</p>'
    rows = "".join(
        f"<tr><td>{each.at:%Y-%m-%d %H:%M:%S}</td><th scope='row'>{html.escape(each.who)}</th>"
        f"<td>{html.escape(each.what)}</td><td>{html.escape(_where(each))}</td>"
        f"<td>{html.escape(each.before)}</td><td>{html.escape(each.after)}</td></tr>"
        for each in found[:MOST]
    )
    more = f"<p class='st-count'>The latest {MOST} of {len(found)}; the file has all.</p>" if len(found) > MOST else ""
    heads = "".join(f"<th>{each}</th>" for each in ("When (UTC)", "Who", "What", "Where", "Before", "After"))
    return (
        f"<div class='st-scroll st-tall'><table class='st-table'><thead><tr>{heads}</tr></thead>"
        f"<tbody>{rows}</tbody></table></div>{more}"
    )


def _where(entry: Entry) -> str:
    span = "" if entry.start_s is None else f" {entry.start_s:.1f}–{entry.end_s or 0:.1f} s"
    return f"{entry.clip}{span}".strip()
