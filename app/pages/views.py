"""The Views tab: what each modality of a clip says over time, and what the model makes of it, under one cursor."""

import html
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import gradio as gr
import numpy as np
import plotly.graph_objects as go

from annotations.records import ClipRecord
from app import inspection
from app.figures.cues import cues_over_time, liveliest
from app.figures.ribbon import memberships_over_time, shares_over_time
from app.figures.spectrogram import mel_spectrogram
from app.figures.style import MODALITY_TITLES
from app.figures.words import words_over_time
from app.pages import places, take_away
from app.session import Session
from app.studio import Studio
from app.widgets.cursor import player, playing
from stf2m.tracks import Track
from stf2m.views.pitch import RUMBLE_HZ, SOUND_HZ

#: The cue that is drawn over the spectrogram.
PITCH = "pitch"
#: So many cues of a modality are drawn at once, those that move most; the others wait behind a click.
LIVELIEST = 10

DEGREES = "<h2>Emotions <small>degrees by the active model, stacked</small></h2>"
SHARES = "<h2>Modalities <small>how much of each answer rests on which</small></h2>"
NO_CLIP = '<p class="st-note">There is no clip in this study yet: add one in Annotate.</p>'


@dataclass(frozen=True)
class _Section:
    """What is shown of one modality: a heading that says where it is missing, a picture of the signal, its cues."""

    heading: gr.HTML
    signal: gr.Plot
    cues: gr.Plot
    more: gr.Accordion
    others: gr.Plot


def build(studio: Studio, session: Session, tab: gr.Tab) -> None:
    """Fill the tab. Nothing is drawn before it is opened, and nothing twice for the same clip and model version."""
    shown = gr.State(None)
    with gr.Row(elem_classes="st-look"):
        with gr.Column(scale=5, min_width=320, elem_classes="st-side"):
            chosen = gr.Dropdown([], label="Clip", interactive=True, elem_id="views-clip")
            video = player(studio, "views")
            degrees = places.text("views-degrees", DEGREES, visible=False)
            ribbon = places.plot("views-memberships", visible=False)
        with gr.Column(scale=8, min_width=320):
            away = places.text("views-away", visible=False)
            notes = places.text("views-notes")
            shares_title = places.text("views-modalities", SHARES, visible=False)
            shares = places.plot("views-shares", visible=False)
            sections = {name: _section(name) for name in studio.predictions.sources}
    outputs: list[Any] = [shown, chosen, video, notes, degrees, ribbon, away, shares_title, shares]
    outputs += [part for section in sections.values() for part in vars(section).values()]

    def look(study_id: int | None, clip_id: int | None, before: Any) -> dict[Any, Any]:
        clips = inspection.ready_clips(studio, study_id) if study_id else []
        clip = next((clip for clip in clips if clip.id == clip_id), clips[0] if clips else None)
        choices = gr.Dropdown(choices=[(each.name, each.id) for each in clips], value=clip.id if clip else None)
        if clip is None:
            nothing = {part: gr.update(visible=False) for part in outputs[4:]}
            return {**nothing, shown: None, chosen: choices, video: None, notes: gr.HTML(NO_CLIP, visible=True)}
        version = studio.version(clip.study_id)
        if before == (clip.id, version.id):
            return {chosen: choices}
        tracks, moments = studio.tracks(clip.id), inspection.moments(studio, clip, version)
        colours, told = inspection.colours(studio.study(clip.study_id)), notes_html(clip, tracks)
        found: dict[Any, Any] = {
            shown: (clip.id, version.id),
            chosen: choices,
            video: playing(studio, clip.id),
            notes: gr.HTML(told, visible=bool(told)),
            degrees: gr.HTML(visible=True),
            ribbon: places.shown(memberships_over_time(moments, colours, clip.id)),
            away: gr.HTML(value=take_away.report_html(clip.id), visible=True),
            shares_title: gr.HTML(visible=True),
            shares: places.shown(shares_over_time(moments, studio.predictions.sources, clip.id)),
        }
        for name, section in sections.items():
            found |= _fill(section, tracks[name], clip)
        return found

    tab.select(look, [session.study, session.clip, shown], outputs, show_progress="minimal")
    chosen.input(lambda clip_id: clip_id, chosen, session.clip, show_progress="hidden").then(
        look, [session.study, session.clip, shown], outputs, show_progress="minimal"
    )


def notes_html(clip: ClipRecord, tracks: Mapping[str, Track]) -> str:
    """What people should know about a clip, each sentence on its own line; what is about a modality stands there."""
    elsewhere = {track.note for track in tracks.values()}
    return "".join(f'<p class="st-note">{html.escape(note)}</p>' for note in clip.notes if note not in elsewhere)


def heading_html(track: Track) -> str:
    """The name of a modality, for how much of the clip it is there, and why it is not where it is missing."""
    there = f"there for {track.valid.mean():.0%} of the clip" if track.valid.any() else "not there"
    note = f'<p class="st-note">{html.escape(track.note)}</p>' if track.note else ""
    return f"<h2>{MODALITY_TITLES.get(track.modality.name, track.modality.name)} <small>{there}</small></h2>{note}"


def signal_of(track: Track, duration_s: float, clip_id: int) -> go.Figure | None:
    """The picture of a modality's signal beside its cues: the spectrogram of a voice, the words on the time axis."""
    if "mel" in track.detail:
        return mel_spectrogram(
            track.detail["mel"].astype(np.float32), RUMBLE_HZ, SOUND_HZ / 2, track.cue(PITCH), clip_id
        )
    return words_over_time(track.words, duration_s, clip_id) if track.words else None


def _fill(section: _Section, track: Track, clip: ClipRecord) -> dict[Any, Any]:
    there = bool(track.valid.any())
    names = liveliest(track, LIVELIEST)
    others = [name for name in track.modality.cue_names if name not in names]
    return {
        section.heading: heading_html(track),
        section.signal: places.shown(signal_of(track, clip.duration_s, clip.id)),
        section.cues: places.shown(cues_over_time(track, names, clip.id) if there else None),
        section.more: gr.Accordion(
            label="1 cue that moves less" if len(others) == 1 else f"{len(others)} cues that move less",
            visible=there and bool(others),
            open=False,
        ),
        section.others: places.shown(cues_over_time(track, others, clip.id) if there and others else None),
    }


def _section(name: str) -> _Section:
    heading = places.text(f"views-{name}")
    signal, cues = places.plot(f"views-{name}-signal", visible=False), places.plot(f"views-{name}-cues", visible=False)
    with gr.Accordion("More cues", open=False, visible=False) as more:
        others = places.plot(f"views-{name}-others", visible=False)
    return _Section(heading, signal, cues, more, others)
