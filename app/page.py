"""The page: a header that says which study, who annotates and which model answers, and the tabs."""

import html
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import gradio as gr

from annotations.records import AnnotationError, ModelVersionRecord
from app import caller, look
from app.pages import about, adapt, annotate, data, rules, team, views
from app.session import Session
from app.studio import Studio
from app.support import made_of
from app.widgets.labels import TOGGLE as TOGGLE_LABELS
from app.widgets.labels import labels
from app.widgets.labels.calls import calls as label_calls
from stf2m.vocabulary import EMOTIONS

GUEST = "Guest"
#: What visitors of a demo should know before anything else.
DEMO = """<p class="st-demo"><b>Demo.</b> This studio is yours alone: nobody else sees what you do or add here.
It is deleted when you close the page, at the latest after {:g} minutes. The tab Data has what you want to keep.</p>"""
TABS = (
    ("Annotate", annotate),
    ("Views", views),
    ("Rules", rules),
    ("Adapt", adapt),
    ("Team", team),
    ("Data", data),
    ("About", about),
)


@dataclass(frozen=True)
class _Header:
    study: gr.Dropdown
    annotator: gr.Textbox
    version: gr.HTML
    memory: gr.BrowserState


def build(studio: Studio) -> gr.Blocks:
    """The whole studio as one page; every visitor gets a session of their own."""
    # Gradio keeps a copy of each download; a day later nobody's page still points to it.
    with gr.Blocks(title="ST-F2M studio", analytics_enabled=False, fill_width=True, delete_cache=(3600, 86400)) as page:
        if studio.settings.mode == "demo":
            gr.HTML(DEMO.format(studio.settings.visit_minutes), elem_id="demo", apply_default_css=False)
        if lacking := about.lacking_html():
            gr.HTML(lacking, elem_id="lacking", apply_default_css=False)
        session = Session(gr.State(None), gr.State(None), gr.State(None), gr.State(0))
        header = _header(studio, session)
        with gr.Tabs(elem_id="tabs"):
            for title, module in TABS:
                with gr.Tab(title, id=title.lower(), elem_id=f"tab-{title.lower()}") as tab:
                    module.build(studio, session, tab)

        def arrive(name: str | None, request: gr.Request) -> tuple[gr.Dropdown, gr.Textbox, int, int, int | None]:
            return _arrive(studio, name, request)

        page.load(
            arrive,
            [header.memory],
            [header.study, header.annotator, session.study, session.annotator, session.clip],
        )
    return page


def _arrive(
    studio: Studio, name: str | None, request: gr.Request
) -> tuple[gr.Dropdown, gr.Textbox, int, int, int | None]:
    """Open the study and the clip that the address names, else the first study.

    Who has signed in annotates under that name; elsewhere the browser remembers the name that was typed.
    """
    studies = studio.studies()
    wanted = _number(request.query_params.get("clip"))
    clip = studio.find_clip(wanted) if wanted else None
    asked = clip.study_id if clip else _number(request.query_params.get("study"))
    study_id = asked if asked in {study.id for study in studies} else studies[0].id
    annotator = studio.annotator(request.username or name or GUEST)
    shown = gr.Textbox(value=annotator.name, interactive=not request.username)
    choices = gr.Dropdown(choices=[(study.name, study.id) for study in studies], value=study_id)
    return choices, shown, study_id, annotator.id, clip.id if clip else None


def _header(studio: Studio, session: Session) -> _Header:
    with gr.Row(elem_id="header", equal_height=True):
        gr.HTML('<h1 class="st-title">ST-F2M studio</h1>', min_width=130, elem_id="title")
        study = gr.Dropdown([], label="Study", interactive=True, min_width=130, elem_id="study")
        annotator = gr.Textbox(label="Annotator", max_lines=1, max_length=60, min_width=110, elem_id="annotator")
        edit = gr.Button("Labels", size="sm", min_width=70, elem_id="edit-labels")
        new = gr.Button("New study", size="sm", min_width=90, elem_id="new-study")
        version = gr.HTML(elem_id="model-version", min_width=150)
        if studio.settings.mode == "team":
            gr.HTML('<a href="logout">Sign out</a>', elem_id="sign-out", min_width=60)
        dark = gr.Button("◐", size="sm", min_width=44, elem_id="dark", elem_classes="st-icon")
    with gr.Group(visible=False, elem_id="study-form") as form:
        name = gr.Textbox(label="Name of the study", max_lines=1, max_length=80)
        emotions = gr.Dropdown(
            list(EMOTIONS),
            value=["angry", "happy", "neutral", "sad", "surprised"],
            label="Emotions (choose, or type any of your own)",
            multiselect=True,
            allow_custom_value=True,
        )
        with gr.Row():
            create = gr.Button("Create", variant="primary", size="sm")
            close = gr.Button("Cancel", size="sm")
    label_form = labels(label_calls(studio))
    memory = gr.BrowserState("", storage_key="stf2m-annotator", secret="stf2m")
    header = _Header(study, annotator, version, memory)

    def show_version(study_id: int | None) -> str:
        return _version_html(studio.version(study_id)) if study_id else ""

    def rename(name: str, request: gr.Request) -> tuple[str, int, str]:
        try:
            annotator = studio.annotator(request.username or name.strip() or GUEST)
        except AnnotationError as error:
            raise gr.Error(str(error), print_exception=False) from error
        return annotator.name, annotator.id, annotator.name

    def make(name: str, emotions: list[str], annotator_id: int) -> tuple[gr.Dropdown, gr.Group, int, None]:
        try:
            made = studio.create_study(name, emotions, caller.annotator(annotator_id))
        except AnnotationError as error:
            raise gr.Error(str(error), print_exception=False) from error
        choices = [(each.name, each.id) for each in studio.studies()]
        return gr.Dropdown(choices=choices, value=made.id), gr.Group(visible=False), made.id, None

    def who(study_id: int | None, annotator_id: int | None) -> dict[str, int | None]:
        return {"study": study_id, "annotator": annotator_id}

    people = [session.study, session.annotator]
    gr.on(
        [session.study.change, session.annotator.change], who, people, label_form, show_progress="hidden", queue=False
    )
    label_form.input(lambda changed: changed + 1, session.changed, session.changed, show_progress="hidden")
    edit.click(None, None, None, js=TOGGLE_LABELS)
    study.input(lambda chosen: (chosen, None), study, [session.study, session.clip])
    session.study.change(show_version, session.study, version, show_progress="hidden")
    session.changed.change(show_version, session.study, version, show_progress="hidden")
    annotator.submit(rename, annotator, [annotator, session.annotator, memory])
    annotator.blur(rename, annotator, [annotator, session.annotator, memory], show_progress="hidden")
    new.click(lambda: gr.Group(visible=True), None, form)
    close.click(lambda: gr.Group(visible=False), None, form)
    create.click(make, [name, emotions, session.annotator], [study, form, session.study, session.clip])
    dark.click(None, None, None, js=look.TOGGLE_DARK)
    return header


def _version_html(version: ModelVersionRecord) -> str:
    if version.kind == "base":
        return f'<span class="st-version">model {version.number} · as shipped</span>'
    made, ago = html.escape(made_of(version)), _ago(datetime.now(UTC) - version.created)
    return f'<span class="st-version">model {version.number} · {made} {ago}</span>'


def _ago(passed: timedelta) -> str:
    minutes = passed.total_seconds() / 60
    if minutes < 1:
        return "just now"
    if minutes < 60:
        return f"{minutes:.0f} min ago"
    return f"{minutes / 60:.0f} h ago" if minutes < 48 * 60 else f"{minutes / 60 / 24:.0f} days ago"


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() and len(text) < 12 else None
