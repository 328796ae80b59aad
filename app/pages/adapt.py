"""The Adapt tab: teach the model the corrections, see on unseen ones whether it helped, compare, and go back."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from annotations.records import ModelVersionRecord
from app import caller, inspection, rule_changes, team
from app.adapting import Change, NotEnoughCorrections
from app.figures.corrections import corrections_per_emotion
from app.figures.ribbon import before_after
from app.pages import adapt_html, places, rule_changes_html
from app.session import Session
from app.studio import Studio
from app.support import EVERYBODY, Whose

#: Clips of the overview; more would be a wall, and those that changed most come first.
MOST_CLIPS = 12
#: A click on a button that names a model version.
CHOOSE = """
element.addEventListener("click", (event) => {
  const button = event.target.closest("[data-go]");
  if (button) trigger("select", { go: button.dataset.go });
});
"""


@dataclass(frozen=True)
class _Parts:
    whose: gr.Dropdown
    about: gr.HTML
    counts: gr.Plot
    sentence: gr.HTML
    unlabelled: gr.Checkbox
    report: gr.HTML
    before: gr.Dropdown
    after: gr.Dropdown
    overview: gr.HTML
    clip: gr.Dropdown
    timelines: gr.Plot
    rules: gr.HTML
    history: gr.HTML


def build(studio: Studio, session: Session, tab: gr.Tab) -> None:
    """Fill the tab. Nothing is computed before it is opened."""
    with gr.Row(elem_classes="st-look"):
        with gr.Column(scale=5, min_width=320):
            places.text("adapt-head", "<h2>Corrections in this study</h2>")
            whose = gr.Dropdown([], label="Learn from", interactive=True, elem_id="adapt-whose")
            about = places.text("adapt-about")
            counts = places.plot("adapt-counts")
            sentence = places.text("adapt-sentence")
            unlabelled = gr.Checkbox(
                True,
                label="Also learn from segments without a label",
                info="They show how people look and sound in the rest of the study. Helps most with few corrections.",
                container=False,
                elem_id="adapt-unlabelled",
            )
            learn = gr.Button("Adapt to the corrections", variant="primary", elem_id="adapt-button")
            report = places.text("adapt-report")
            history = places.text("adapt-history", clicks=CHOOSE)
        with gr.Column(scale=8, min_width=320):
            places.text("adapt-compare", "<h2>Before and after</h2>")
            with gr.Row():
                before = gr.Dropdown([], label="Before", interactive=True, elem_id="adapt-before", min_width=200)
                after = gr.Dropdown([], label="After", interactive=True, elem_id="adapt-after", min_width=200)
            overview = places.text("adapt-overview", clicks=places.OPEN)
            clip = gr.Dropdown([], label="Clip", interactive=True, elem_id="adapt-clip")
            timelines = places.plot("adapt-timelines")
            rules = places.text("adapt-rules", clicks=places.OPEN)
    parts = _Parts(
        whose, about, counts, sentence, unlabelled, report, before, after, overview, clip, timelines, rules, history
    )

    def refresh(study_id: int | None) -> dict[Any, Any]:
        return _refresh(studio, study_id, parts)

    def compare(study_id: int, before_id: int, after_id: int, clip_id: int | None) -> dict[Any, Any]:
        return _compare(studio, study_id, before_id, after_id, clip_id, parts)

    def adapt(
        study_id: int,
        annotator_id: int,
        changed: int,
        also: bool,
        teacher: Whose,
        progress: gr.Progress = gr.Progress(),  # noqa: B008
    ) -> int:
        def report_progress(share: float, stage: str) -> None:
            progress(share, desc=stage)

        try:
            studio.adapt(study_id, caller.annotator(annotator_id), report_progress, unlabelled=also, whose=teacher)
        except NotEnoughCorrections as error:
            raise gr.Error(str(error), print_exception=False, title="Not yet") from error
        return changed + 1

    def choose(study_id: int, teacher: Whose) -> dict[Any, Any]:
        return _teacher(studio, study_id, teacher, parts)

    def go_back(study_id: int, annotator_id: int, changed: int, event: gr.EventData) -> int:
        version = studio.version(study_id, int(event.go))
        studio.activate(version.id, caller.annotator(annotator_id))
        return changed + 1

    everything = list(vars(parts).values())
    comparison = [session.study, before, after, clip]
    tab.select(refresh, session.study, everything, show_progress="minimal")
    learn.click(
        adapt,
        [session.study, session.annotator, session.changed, unlabelled, whose],
        session.changed,
        show_progress_on=report,
    ).success(refresh, session.study, everything, show_progress="minimal")
    history.select(
        go_back, [session.study, session.annotator, session.changed], session.changed, show_progress="hidden"
    ).success(refresh, session.study, everything, show_progress="minimal")
    whose.input(choose, [session.study, whose], [about, counts, sentence], show_progress="hidden")
    for each in (before, after, clip):
        each.input(compare, comparison, [overview, clip, timelines, rules], show_progress="minimal")
    for each in (overview, rules):
        places.open_clips(each, session)


def _refresh(studio: Studio, study_id: int | None, parts: _Parts) -> dict[Any, Any]:
    if not study_id:
        return {parts.sentence: '<p class="st-note">Open a study first.</p>'}
    versions, active = studio.versions(study_id), studio.version(study_id)
    last, who = studio.learns_from(study_id), team.teachers(studio, study_id)
    newest = versions[-1]
    parent = next((version.id for version in versions if version.id == active.parent_id), None)
    before, after = (parent, active.id) if parent else (active.id, newest.id)
    choices = [(adapt_html.version_label(version), version.id) for version in versions]
    return {
        parts.whose: gr.Dropdown(
            choices=adapt_html.teachers(who), value=last, visible=len(who) > 1 or last != EVERYBODY
        ),
        **_teacher(studio, study_id, last, parts),
        parts.unlabelled: studio.uses_unlabelled(study_id),
        parts.report: adapt_html.report(active),
        parts.history: adapt_html.history(versions),
        parts.before: gr.Dropdown(choices=choices, value=before),
        parts.after: gr.Dropdown(choices=choices, value=after),
        **_compare(studio, study_id, before, after, None, parts),
    }


def _teacher(studio: Studio, study_id: int, whose: Whose, parts: _Parts) -> dict[Any, Any]:
    """What there is to learn from those whose corrections are chosen."""
    counts, lacking = studio.readiness(study_id, whose)
    return {
        parts.about: adapt_html.about(whose, team.teachers(studio, study_id)),
        parts.counts: corrections_per_emotion(counts, inspection.colours(studio.study(study_id))),
        parts.sentence: adapt_html.readiness(sum(counts.values()), lacking),
    }


def _compare(
    studio: Studio, study_id: int, before_id: int, after_id: int, clip_id: int | None, parts: _Parts
) -> dict[Any, Any]:
    """Two versions side by side: every clip in small, one clip in large, and the stretches that changed."""
    study = studio.study(study_id)
    before, after = studio.version(study_id, before_id), studio.version(study_id, after_id)
    changes = studio.changes(study_id, before.id, after.id)
    seconds = {clip.id: 0.0 for clip in inspection.ready_clips(studio, study_id)}
    for change in changes:
        seconds[change.clip_id] += change.end_s - change.start_s
    clips = sorted(inspection.ready_clips(studio, study_id), key=lambda clip: (-seconds[clip.id], clip.id))
    if not clips:
        return {
            parts.overview: "",
            parts.clip: gr.Dropdown(choices=[], value=None),
            parts.timelines: places.shown(None),
            parts.rules: "",
        }
    chosen = next((clip for clip in clips if clip.id == clip_id), clips[0])
    colours = inspection.colours(study)
    rows = [
        adapt_html.ClipRow(clip, *(inspection.stretches(studio, clip, version) for version in (before, after)))
        for clip in clips[:MOST_CLIPS]
    ]
    figure = before_after(
        inspection.moments(studio, chosen, before),
        inspection.moments(studio, chosen, after),
        studio.predictions.differences(chosen, before, after),
        colours,
        chosen.id,
    )
    choices = [(f"{clip.name} ({seconds[clip.id]:.1f} s changed)", clip.id) for clip in clips]
    return {
        parts.overview: adapt_html.overview(rows, len(clips), changes, colours),
        parts.clip: gr.Dropdown(choices=choices, value=chosen.id),
        parts.timelines: places.shown(figure),
        parts.rules: _rules(studio, study_id, before, after, changes),
    }


def _rules(
    studio: Studio,
    study_id: int,
    before: ModelVersionRecord,
    after: ModelVersionRecord,
    changes: Sequence[Change],
) -> str:
    """What the rules, and the trust in each part of the evidence, have apart in two versions, and what that did."""
    if before.id == after.id:
        return ""
    models = studio.adapted(study_id, before.id), studio.adapted(study_id, after.id)
    longest = sorted(changes, key=lambda change: change.start_s - change.end_s)[: rule_changes_html.MOST_CHANGES]
    causes = [
        (
            change,
            rule_changes.cause(
                studio.predictions,
                studio.clip(change.clip_id),
                (change.start_s + change.end_s) / 2,
                *models,
                (change.before, change.after),
            ),
        )
        for change in longest
    ]
    names = f"model {before.number}", f"model {after.number}"
    return "".join(
        [
            "<h2>What happened to the rules</h2>",
            adapt_html.edits(rule_changes.renamed(*(model.edits for model in models))),
            rule_changes_html.causes(causes, len(changes)),
            rule_changes_html.trusted(
                rule_changes.trusted(studio.predictions, inspection.ready_clips(studio, study_id), *models)
            ),
            "<h3>What the rules say</h3>",
            rule_changes_html.rules(rule_changes.between(*models), names, inspection.colours(studio.study(study_id))),
        ]
    )
