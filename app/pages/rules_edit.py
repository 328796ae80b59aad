"""Editing rules on the Rules tab: write one, rename a term, or press a button at a rule; see what it does; keep it."""

import html
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import gradio as gr

from annotations.records import AnnotationError
from app import caller
from app.editing_rules import Edit
from app.pages import places, rule_changes_html
from app.session import Session
from app.studio import Studio
from stf2m.fuzzy import TERMS
from stf2m.rule_words import EXAMPLE, LONGEST, RuleError, word

#: For the list of rules: a click on a button with ``data-edit`` asks for an edit of the rule ``data-rule``.
CLICKS = (
    places.OPEN
    + """
element.addEventListener("click", (event) => {
  const button = event.target.closest("[data-edit]");
  if (button) trigger("edit", { kind: button.dataset.edit, number: button.dataset.rule });
});
"""
)
UNDO = """
element.addEventListener("click", (event) => {
  if (event.target.closest(".st-takeback")) trigger("undo", {});
});
"""
SHOW = "() => document.getElementById('rules-effect')?.scrollIntoView({ block: 'nearest', behavior: 'smooth' })"


@dataclass(frozen=True)
class Parts:
    """The parts of the editing; ``edit`` is the one whose effect is shown, as plain values."""

    term: gr.Dropdown
    called: gr.Textbox
    rename: gr.Button
    text: gr.Textbox
    write: gr.Button
    effect: gr.HTML
    keep: gr.Button
    leave: gr.Button
    said: gr.HTML
    edit: gr.State


def rename_row() -> tuple[gr.Dropdown, gr.Textbox, gr.Button]:
    """Where a term of the cue that is shown gets another word."""
    with gr.Row(elem_classes="st-edit"):
        term = gr.Dropdown(
            list(TERMS), value=TERMS[-1], label="Term", interactive=True, elem_id="rules-term", min_width=90
        )
        called = gr.Textbox(label="Call it", max_lines=1, max_length=40, elem_id="rules-called", min_width=110)
        rename = gr.Button("Rename", size="sm", elem_id="rules-rename", min_width=80)
    return term, called, rename


def write_row(renaming: tuple[gr.Dropdown, gr.Textbox, gr.Button]) -> Parts:
    """Where a rule is written, and where the effect of an edit is seen before it is kept."""
    with gr.Row(elem_classes="st-edit"):
        text = gr.Textbox(
            label="Write a rule in words",
            placeholder=EXAMPLE,
            max_lines=2,
            max_length=LONGEST,
            elem_id="rules-write",
            scale=4,
        )
        write = gr.Button("See its effect", size="sm", elem_id="rules-look", min_width=120)
    effect = places.text("rules-effect", clicks=places.OPEN, visible=False)
    with gr.Row():
        keep = gr.Button("Keep as a new version", variant="primary", size="sm", visible=False, elem_id="rules-keep")
        leave = gr.Button("Leave it", size="sm", visible=False, elem_id="rules-leave")
    said = places.text("rules-said", clicks=UNDO)
    return Parts(*renaming, text, write, effect, keep, leave, said, gr.State(None))


def terms_of(studio: Studio, study_id: int | None, cue: str) -> gr.Dropdown:
    """The terms of a cue under the words they have in a study."""
    words = studio.adapted(study_id).edits.words if study_id else {}
    called = [word(words, cue, term) for term in TERMS]
    return gr.Dropdown(choices=list(zip(called, TERMS, strict=True)), value=TERMS[-1])


def wire(
    studio: Studio, session: Session, parts: Parts, listed: gr.HTML, cue: gr.Dropdown, renew: Sequence[tuple[Any, ...]]
) -> None:
    """Connect everything; ``renew`` are the events (function, inputs, outputs) that show the rules anew."""
    shown = [parts.effect, parts.keep, parts.leave, parts.said, parts.edit]
    people = [session.study, session.annotator]
    kept = [session.changed, *shown, parts.text, parts.called]

    def look(study_id: int, annotator_id: int, told: dict[str, Any]) -> tuple[Any, ...]:
        try:
            found = studio.rules.look(study_id, Edit.of(told), _name(studio, annotator_id))
        except RuleError as error:
            return _hidden(f'<p class="st-note" role="alert">{html.escape(str(error))}</p>')
        return (
            gr.HTML(rule_changes_html.effect(found), visible=True),
            gr.Button(visible=True),
            gr.Button(visible=True),
            "",
            {**asdict(found.edit), "version": found.version_id},
        )

    def write(study_id: int, annotator_id: int, text: str) -> tuple[Any, ...]:
        return look(study_id, annotator_id, {"kind": "write", "text": text})

    def rename(study_id: int, annotator_id: int, cue_name: str, term: str, called: str) -> tuple[Any, ...]:
        return look(study_id, annotator_id, {"kind": "rename", "cue": cue_name, "term": term, "text": called})

    def at_rule(study_id: int, annotator_id: int, event: gr.EventData) -> tuple[Any, ...]:
        return look(study_id, annotator_id, {"kind": event.kind, "number": event.number})

    def keep(study_id: int, annotator_id: int, told: dict[str, Any] | None, changed: int) -> tuple[Any, ...]:
        if not told:
            raise gr.Error("Look at the effect of an edit first.", print_exception=False, title="Not yet")
        try:
            by = caller.annotator(annotator_id)
            version = studio.rules.keep(study_id, Edit.of(told), told["version"], by, _name(studio, by))
        except (AnnotationError, RuleError) as error:
            raise gr.Error(str(error), print_exception=False, title="Not kept") from error
        undo = "<button type='button' class='st-small st-takeback'>Undo</button>"
        said = f'<p class="st-good">Model {version.number} answers now. {undo}</p>'
        return changed + 1, *_hidden(said), "", ""

    def take_back(study_id: int, annotator_id: int, changed: int) -> tuple[Any, ...]:
        try:
            undone = studio.labels.undo(study_id, caller.annotator(annotator_id))
        except AnnotationError as error:
            raise gr.Error(str(error), print_exception=False, title="Not undone") from error
        number = studio.version(study_id).number
        told = f"Undone: model {number} answers again." if undone else "There is nothing to undo."
        return changed + 1, *_hidden(f'<p class="st-good">{told}</p>'), "", ""

    looked = [
        parts.write.click(write, [*people, parts.text], shown, show_progress="minimal"),
        parts.text.submit(write, [*people, parts.text], shown, show_progress="minimal"),
        parts.rename.click(rename, [*people, cue, parts.term, parts.called], shown, show_progress="minimal"),
        parts.called.submit(rename, [*people, cue, parts.term, parts.called], shown, show_progress="minimal"),
        listed.edit(at_rule, people, shown, show_progress="minimal"),
    ]
    for each in looked:
        each.success(None, None, None, js=SHOW)
    parts.leave.click(lambda: _hidden(""), None, shown, show_progress="hidden")
    done = [
        parts.keep.click(keep, [*people, parts.edit, session.changed], kept, show_progress="minimal"),
        parts.said.undo(take_back, [*people, session.changed], kept, show_progress="minimal"),
    ]
    for each in done:
        for function, inputs, outputs in renew:
            each.success(function, inputs, outputs, show_progress="hidden")
    places.open_clips(parts.effect, session)


def _name(studio: Studio, annotator_id: int) -> str:
    return next((each.name for each in studio.store.annotators() if each.id == annotator_id), "somebody")


def _hidden(said: str) -> tuple[Any, ...]:
    """Nothing to keep, and a sentence."""
    return gr.HTML("", visible=False), gr.Button(visible=False), gr.Button(visible=False), said, None
