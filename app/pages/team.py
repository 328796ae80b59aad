"""The Team tab: progress, agreement, how often suggestions are accepted, and two people's models side by side."""

from dataclasses import dataclass
from typing import Any

import gradio as gr

from annotations.agreement import Agreement, of_annotations, of_study, over_a_clip
from app import inspection, team
from app.adapting import NotEnoughCorrections
from app.comparing import Comparing
from app.figures import agreement as figures
from app.pages import audit, places, rule_changes_html, team_html
from app.session import Session
from app.studio import Studio

#: Agreement over a clip is shown in about so many windows, none shorter than a second.
WINDOWS = 24


@dataclass(frozen=True)
class _Parts:
    progress: gr.HTML
    accepted: gr.HTML
    agreement: gr.HTML
    kind: gr.Dropdown
    emotions: gr.HTML
    pairs: gr.HTML
    days: gr.Plot
    clip: gr.Dropdown
    windows: gr.Plot
    missing: gr.HTML
    one: gr.Dropdown
    other: gr.Dropdown
    compare: gr.Button


@dataclass(frozen=True)
class _Compared:
    said: gr.HTML
    confusion: gr.Plot
    stretches: gr.HTML
    rules: gr.HTML


def build(studio: Studio, session: Session, tab: gr.Tab) -> None:
    """Fill the tab. Nothing is computed before it is opened."""
    with gr.Row(elem_classes="st-look"):
        with gr.Column(scale=6, min_width=320):
            places.text("team-head", "<h2>Progress</h2>")
            progress = places.text("team-progress", clicks=places.OPEN)
            places.text("team-accepted-head", "<h2>Suggestions accepted</h2>")
            accepted = places.text("team-accepted")
        with gr.Column(scale=7, min_width=320):
            places.text("team-agreement-head", "<h2>Agreement</h2>")
            agreement = places.text("team-agreement")
            kind = gr.Dropdown([], label="Ratings of", interactive=True, elem_id="team-kind", visible=False)
            emotions = places.text("team-emotions")
            pairs = places.text("team-pairs")
            days = places.plot("team-days", visible=False)
            clip = gr.Dropdown([], label="Over the time of", interactive=True, elem_id="team-clip", visible=False)
            windows = places.plot("team-windows", visible=False)
    places.text("team-compare-head", "<h2>Two people's models</h2>")
    missing = places.text("team-missing")
    with gr.Row(elem_id="team-choose"):
        one = gr.Dropdown([], label="Whose model", interactive=True, elem_id="team-one", min_width=160)
        other = gr.Dropdown([], label="and whose", interactive=True, elem_id="team-other", min_width=160)
        compare = gr.Button("Compare", variant="primary", elem_id="team-compare", min_width=160)
    with gr.Row(elem_classes="st-look"):
        with gr.Column(scale=6, min_width=320):
            said = places.text("team-compared")
            stretches = places.text("team-stretches", clicks=places.OPEN)
        with gr.Column(scale=7, min_width=320):
            confusion = places.plot("team-confusion", visible=False)
            rules = places.text("team-rules")
    parts = _Parts(
        progress, accepted, agreement, kind, emotions, pairs, days, clip, windows, missing, one, other, compare
    )
    compared = _Compared(said, confusion, stretches, rules)

    def refresh(study_id: int | None) -> dict[Any, Any]:
        return _refresh(studio, study_id, parts, compared)

    def choose_kind(study_id: int, kind: str) -> dict[Any, Any]:
        return _kind(of_study(studio.store, study_id)[kind], parts)

    def choose_clip(study_id: int, clip_id: int) -> gr.Plot:
        return _windows(studio, study_id, clip_id)

    def look(
        study_id: int,
        one_id: int | None,
        other_id: int | None,
        progress: gr.Progress = gr.Progress(),  # noqa: B008
    ) -> dict[Any, Any]:
        def report(share: float, stage: str) -> None:
            progress(share, desc=stage)

        if one_id is None or other_id is None:
            raise gr.Error("Choose two people first.", print_exception=False, title="Not yet")
        try:
            found = studio.once(Comparing).compare(study_id, one_id, other_id, report)
        except NotEnoughCorrections as error:
            raise gr.Error(str(error), print_exception=False, title="Not yet") from error
        return {
            compared.said: team_html.comparison(found),
            compared.confusion: places.shown(figures.confusion(found.seconds, found.emotions, found.names)),
            compared.stretches: team_html.stretches(found),
            compared.rules: "<h3>What their rules say</h3>"
            + rule_changes_html.rules(found.rules, found.names, inspection.colours(studio.study(study_id))),
        }

    everything = [*vars(parts).values(), *vars(compared).values()]
    tab.select(refresh, session.study, everything, show_progress="minimal")
    kind.input(choose_kind, [session.study, kind], [emotions, pairs, days], show_progress="minimal")
    clip.input(choose_clip, [session.study, clip], windows, show_progress="minimal")
    compare.click(look, [session.study, one, other], list(vars(compared).values()), show_progress_on=said)
    for each in (progress, stretches):
        places.open_clips(each, session)
    audit.build(studio, session, tab)


def _refresh(studio: Studio, study_id: int | None, parts: _Parts, compared: _Compared) -> dict[Any, Any]:
    if not study_id:
        return {parts.progress: '<p class="st-note">Open a study first.</p>'}
    made = studio.store.annotations(study_id=study_id)
    progress = team.progress(studio, study_id, made)
    kinds = of_annotations(studio.store, study_id, made)
    people = sum(each.kind == "person" and each.annotations > 0 for each in progress.people)
    told = max(kinds, key=lambda kind: kinds[kind].seconds, default=None)
    teachers = team.teachers(studio, study_id)
    choices = [(each.called, each.id) for each in teachers]
    chosen = [each.id for each in teachers[:2]] + [None, None]
    enough = len(teachers) > 1
    return {
        parts.progress: team_html.progress(progress),
        parts.accepted: team_html.accepted(team.accepted(studio, made)),
        parts.agreement: team_html.agreement(kinds, people),
        parts.kind: gr.Dropdown(
            choices=[(team_html.KINDS[kind], kind) for kind in kinds], value=told, visible=len(kinds) > 1
        ),
        **_kind(kinds[told] if told else None, parts),
        **_over_clips(studio, study_id, progress, parts),
        parts.missing: "" if enough else team_html.too_few(len(teachers)),
        parts.one: gr.Dropdown(choices=choices, value=chosen[0], visible=enough),
        parts.other: gr.Dropdown(choices=choices, value=chosen[1], visible=enough),
        parts.compare: gr.Button(visible=enough),
        compared.said: "",
        compared.confusion: places.shown(None),
        compared.stretches: "",
        compared.rules: "",
    }


def _kind(found: Agreement | None, parts: _Parts) -> dict[Any, Any]:
    """The agreement of one kind of rating more closely; by day where people labelled on several."""
    if found is None:
        return {parts.emotions: "", parts.pairs: "", parts.days: places.shown(None)}
    return {
        parts.emotions: team_html.emotions(found),
        parts.pairs: team_html.pairs(found),
        parts.days: places.shown(figures.by_day(found.days) if len(found.days) > 1 else None),
    }


def _over_clips(studio: Studio, study_id: int, progress: team.Progress, parts: _Parts) -> dict[Any, Any]:
    """The clips that two people or more have labelled, and agreement over the first."""
    shared = [
        each.clip
        for each in progress.clips
        if each.clip.status == "ready" and sum(part.annotations > 0 for part in each.parts.values()) > 1
    ]
    return {
        parts.clip: gr.Dropdown(
            choices=[(clip.name, clip.id) for clip in shared],
            value=shared[0].id if shared else None,
            visible=bool(shared),
        ),
        parts.windows: _windows(studio, study_id, shared[0].id) if shared else places.shown(None),
    }


def _windows(studio: Studio, study_id: int, clip_id: int) -> gr.Plot:
    clip = studio.clip(clip_id)
    if clip.study_id != study_id:
        return places.shown(None)
    window_s = max(1.0, round(clip.duration_s / WINDOWS))
    found = over_a_clip(studio.store, clip, window_s)
    return places.shown(figures.over_a_clip(found, window_s, clip.duration_s, clip.id))
