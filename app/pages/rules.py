"""The Rules tab: every rule in words with what it does and where, the terms of a cue, and which rules fire when."""

import html
from typing import Any, get_args

import gradio as gr

from app import inspection, rulebook
from app.figures.firing import RuleName, rules_over_time
from app.figures.membership import membership_functions
from app.pages import places, rules_edit, take_away, trust
from app.pages.rules_html import list_html
from app.session import Session
from app.studio import Studio
from app.widgets.cursor import player, playing

ANY = ""
FIRING = "<h2>Rules that fire in this clip <small>share of all firing; point at one to read it</small></h2>"
STAY = "In grey: this study's segments. Adapting moves what rules say, never these curves."
MODALITIES = (("any modality", ANY), ("face", "face"), ("voice", "voice"), ("words", "text"))


def build(studio: Studio, session: Session, tab: gr.Tab) -> None:
    """Fill the tab. Nothing is computed before it is opened."""
    with gr.Row(elem_classes="st-look"):
        with gr.Column(scale=5, min_width=320, elem_classes="st-side"):
            chosen = gr.Dropdown([], label="Clip", interactive=True, elem_id="rules-clip")
            video = player(studio, "rules")
            cue = gr.Dropdown([], label="What the terms of a cue mean", interactive=True, elem_id="rules-terms")
            meaning = places.text("rules-meaning")
            terms = places.plot("rules-membership")
            renaming = rules_edit.rename_row()
        with gr.Column(scale=8, min_width=320):
            places.text("rules-head", FIRING)
            firing = places.plot("rules-firing")
            trust.build(studio, session)
            places.text("rules-all", "<h2>All rules</h2>")
            editing = rules_edit.write_row(renaming)
            take_away.rules(session, tab, "rules-away")
            with gr.Row():
                words = gr.Textbox(
                    label="Search", placeholder="smile high", max_lines=1, elem_id="rules-search", min_width=140
                )
                emotion = gr.Dropdown([], label="Emotion", interactive=True, elem_id="rules-emotion", min_width=140)
                of_cue = gr.Dropdown([], label="Cue", interactive=True, elem_id="rules-cue", min_width=140)
                modality = gr.Dropdown(
                    list(MODALITIES),
                    value=ANY,
                    label="Modality",
                    interactive=True,
                    elem_id="rules-modality",
                    min_width=140,
                )
                order = gr.Dropdown(
                    list(get_args(rulebook.Order)),
                    value="weight",
                    label="Sort by",
                    interactive=True,
                    elem_id="rules-order",
                    min_width=140,
                )
            listed = places.text("rules-list", clicks=rules_edit.CLICKS)

    def choose(study_id: int | None, clip_id: int | None, cue_name: str | None) -> tuple[Any, ...]:
        """Fill the choices for the study that is open; a cue stays chosen where there is one."""
        names = list(studio.study(study_id).emotion_names) if study_id else []
        clips = inspection.ready_clips(studio, study_id) if study_id else []
        clip = next((clip.id for clip in clips if clip.id == clip_id), clips[0].id if clips else None)
        cues = [(f"{name} ({of})", name) for name, (_, of) in inspection.variables(studio).items()]
        return (
            gr.Dropdown(choices=[(each.name, each.id) for each in clips], value=clip),
            gr.Dropdown(choices=cues, value=cue_name or cues[0][1]),
            gr.Dropdown(choices=[("any emotion", ANY), *((name, name) for name in names)], value=ANY),
            gr.Dropdown(choices=[("any cue", ANY), *cues], value=ANY),
            playing(studio, clip),
        )

    def show_list(
        study_id: int | None, clip_id: int | None, emotion: str, of_cue: str, modality: str, words: str, order: Any
    ) -> str:
        if not study_id:
            return ""
        found = studio.once(rulebook.Rulebook).rules(study_id)
        wanted = rulebook.matching(found, emotion=emotion, cue=of_cue, modality=modality, words=words)
        clip = studio.find_clip(clip_id) if clip_id else None
        strengths = studio.predictions.predict(clip, studio.version(study_id))[1].strength if clip else None
        colours = inspection.colours(studio.study(study_id))
        return list_html(rulebook.ordered(wanted, order), len(found), colours, strengths)

    def show_terms(study_id: int | None, name: str) -> tuple[Any, str]:
        found, _ = inspection.variables(studio)[name]
        model = studio.adapted(study_id) if study_id else studio.predictions.model
        grid, curves = model.membership_curves(name)
        values = inspection.cue_values(studio, study_id, name) if study_id else None
        told = f"<p>{html.escape(found.meaning)} <small>{STAY}</small></p>"
        return membership_functions(found, grid, curves, values), told

    def show_firing(study_id: int | None, clip_id: int | None) -> Any:
        if not study_id or not clip_id:
            return places.shown(None)
        clip = studio.clip(clip_id)
        edges, shares = inspection.firing(studio, clip, studio.version(clip.study_id))
        here = {each.rule.number: each for each in studio.once(rulebook.Rulebook).rules(clip.study_id)}
        names = [RuleName(here[number].short, here[number].rule.text, here[number].emotion) for number in sorted(here)]
        return places.shown(
            rules_over_time(edges, shares, names, inspection.colours(studio.study(clip.study_id)), clip.id)
        )

    def show_choice_of_terms(study_id: int | None, name: str) -> gr.Dropdown:
        return rules_edit.terms_of(studio, study_id, name)

    filters = [session.study, chosen, emotion, of_cue, modality, words, order]
    shown = tab.select(
        choose, [session.study, session.clip, cue], [chosen, cue, emotion, of_cue, video], show_progress="hidden"
    )
    shown.then(show_firing, [session.study, chosen], firing, show_progress="minimal")
    shown.then(show_list, filters, listed, show_progress="minimal")
    shown.then(show_terms, [session.study, cue], [terms, meaning], show_progress="minimal")
    shown.then(show_choice_of_terms, [session.study, cue], editing.term, show_progress="hidden")
    picked = chosen.input(
        lambda clip_id: (clip_id, playing(studio, clip_id)), chosen, [session.clip, video], show_progress="hidden"
    )
    picked.then(show_firing, [session.study, chosen], firing, show_progress="minimal")
    picked.then(show_list, filters, listed, show_progress="hidden")
    places.open_clips(listed, session)
    cue.input(show_terms, [session.study, cue], [terms, meaning], show_progress="minimal")
    cue.input(show_choice_of_terms, [session.study, cue], editing.term, show_progress="hidden")
    for each in (emotion, of_cue, modality, order):
        each.input(show_list, filters, listed, show_progress="hidden")
    words.change(show_list, filters, listed, show_progress="hidden", trigger_mode="always_last")
    renew = [
        (show_list, filters, listed),
        (show_firing, [session.study, chosen], firing),
        (show_terms, [session.study, cue], [terms, meaning]),
        (show_choice_of_terms, [session.study, cue], editing.term),
    ]
    rules_edit.wire(studio, session, editing, listed, cue, renew)
