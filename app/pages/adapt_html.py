"""What the Adapt tab says in words, tables and small strips; all text of people is escaped."""

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from annotations.records import ClipRecord, ModelVersionRecord
from app.adapting import Change
from app.figures.style import NEUTRAL
from app.inspection import interval
from app.pages import places
from app.support import EVERYBODY, Teacher, Whose, learned_from, made_of
from stf2m.timeline import Stretch

MOST_CHANGES = 60


@dataclass(frozen=True)
class ClipRow:
    """A clip with its timeline before and after."""

    clip: ClipRecord
    before: Sequence[Stretch]
    after: Sequence[Stretch]


def readiness(total: int, lacking: str) -> str:
    """How many corrections there are, and what is missing or that nothing is."""
    made = "1 correction" if total == 1 else f"{total} corrections"
    said = html.escape(lacking) if lacking else "That is enough to adapt; every further one helps."
    return f'<p class="st-{"note" if lacking else "good"}"><b>{made}.</b> {said}</p>'


def teachers(who: Sequence[Teacher]) -> list[tuple[str, Whose]]:
    """The choices of those to learn from."""
    return [("everybody", EVERYBODY), *((each.called, each.id) for each in who)]


def about(whose: Whose, who: Sequence[Teacher]) -> str:
    """What the choice means where it is not plain."""
    if whose != EVERYBODY:
        return '<p class="st-count">What only others have labelled counts as a segment without a label.</p>'
    if any(each.kind == "consensus" for each in who):
        return (
            '<p class="st-count">Where the consensus has settled at least half of an annotation, the consensus counts '
            "instead of it, so that nothing counts twice.</p>"
        )
    return ""


def version_label(version: ModelVersionRecord) -> str:
    """``model 3 · 7 corrections + 41 unlabelled``, or what an edit of its rules did."""
    if "edit" in version.figures:
        return f"model {version.number} · {version.figures['edit']['said']}"
    label = made_of(version).removeprefix("adapted to ")
    also = f" + {unlabelled(version)} unlabelled" if unlabelled(version) else ""
    return f"model {version.number} · {label}{also}"


def report(version: ModelVersionRecord) -> str:
    """What the adaptation that made a version took, and how it does on corrections that were left out."""
    if version.kind == "base":
        return "<p>This study answers with the model as shipped; it has not learned from a correction yet.</p>"
    if "edit" in version.figures:
        return _edited(version)
    tested = version.figures.get("held_out")
    seconds = version.figures.get("seconds")
    took = f" in {seconds:.2f} s" if seconds is not None else ""
    also = unlabelled(version)
    company = f" and {also} segments without a label" if also else ""
    learned = f"Model {version.number} learned from {html.escape(learned_from(version))}{company}{took}."
    if left_out := _at_hand(version) - also:
        learned += f" {left_out} segments without a label had no say: with them it would not answer as corrected."
    if "held_out" not in version.figures:
        why = "It was made anew since the labels or the shipped model are others now"
        return f"<p>{learned} {why}; adapt again to have it tested on corrections left out.</p>"
    if not tested:
        return f"<p>{learned} There are too few corrections to leave one out and test on it.</p>"
    how = (
        f"each of the {tested['corrections']} corrections left out in turn"
        if tested["folds"] == tested["corrections"]
        else f"{tested['corrections']} corrections, left out in {tested['folds']} groups in turn"
    )
    return (
        f"<p>{learned}</p>"
        f"<p class='st-figures'><span>{_percent(tested['before'])}</span> → "
        f"<strong>{_percent(tested['after'])}</strong></p>"
        f"<p>right on corrections it had not seen ({how}): before {_of(tested['before'], tested['corrections'])}, "
        f"after {_of(tested['after'], tested['corrections'])}.</p>"
    )


def _edited(version: ModelVersionRecord) -> str:
    """What was edited in a version, and what that did to the corrections."""
    said, right = version.figures["edit"]["said"], version.figures["right"]
    told = f"<p>Model {version.number} is the one before with an edit of its rules: {html.escape(said)}.</p>"
    if not right["corrections"]:
        return told
    return (
        f"{told}<p class='st-figures'><span>{right['before']}</span> → <strong>{right['after']}</strong></p>"
        f"<p>of the study's {right['corrections']} corrections answered right; it may have learned from them.</p>"
    )


def edits(renamed: Sequence[str]) -> str:
    """Terms that people renamed, and what adapting does not move."""
    terms = "".join(f"<li>{html.escape(each)}</li>" for each in renamed)
    return (
        "<p class='st-count'>Adapting moves what rules say and how far each modality is trusted. The terms of cues and "
        "the conditions of rules stay as they are, unless a person edits them.</p>"
        + (f"<h3>Terms renamed</h3><ul class='st-causes'>{terms}</ul>" if terms else "")
    )


def unlabelled(version: ModelVersionRecord) -> int:
    """From how many segments without a label a version learned."""
    return _at_hand(version) if version.figures.get("in_company", True) else 0


def _at_hand(version: ModelVersionRecord) -> int:
    """How many segments without a label there were to learn from."""
    return (version.figures.get("unlabelled") or {}).get("segments", 0)


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _of(share: float, of: int) -> str:
    low, high = interval(share, of)
    return f"{round(share * of)} of {of} (95 % interval {_percent(low)[:-2]}–{_percent(high)})"


def history(versions: Sequence[ModelVersionRecord]) -> str:
    """The model versions, newest first, each with what it was made of, its figures, and a way back to it."""
    number: dict[int | None, int] = {version.id: version.number for version in versions}
    rows = "".join(_version_row(version, number) for version in reversed(versions))
    return (
        "<h2>Model versions</h2><div class='st-scroll'><table class='st-table'><thead><tr><th>Model</th>"
        "<th>What it is</th><th>Right on unseen</th></tr></thead>"
        f"<tbody>{rows}</tbody></table></div>"
    )


def _version_row(version: ModelVersionRecord, number: Mapping[int | None, int]) -> str:
    tested = version.figures.get("held_out")
    figures = f"{_percent(tested['before'])} → {_percent(tested['after'])}" if tested else "–"
    action = (
        "<b>answers now</b>"
        if version.active
        else f"<button type='button' class='st-small' data-go='{version.id}'>Use this one</button>"
    )
    after = f", after model {number[version.parent_id]}" if version.parent_id in number else ""
    made = f"<small>{version.created:%Y-%m-%d %H:%M} UTC{after}</small>"
    return (
        f"<tr><th scope='row'>{version.number}</th><td>{_what(version)}<br>{made}<br>{action}</td>"
        f"<td class='st-nowrap'>{figures}</td></tr>"
    )


def _what(version: ModelVersionRecord) -> str:
    """What a version was made of, or what an edit of its rules did."""
    if "edit" in version.figures:
        return html.escape(version.figures["edit"]["said"])
    if not version.corrections:
        return "as shipped"
    also = f" + {unlabelled(version)} unlabelled" if unlabelled(version) else ""
    edited = version.figures.get("edited")
    kept = f", with the rules edited by {html.escape(' and '.join(edited))}" if edited else ""
    return f"{html.escape(learned_from(version))}{also}{kept}"


def overview(rows: Sequence[ClipRow], clips: int, changes: Sequence[Change], colours: Mapping[str, str]) -> str:
    """Every clip as two strips, before over after, and a table of the stretches that changed; a click opens it."""
    strips = "".join(
        f"<li>{places.link(row.clip.id, row.clip.name)}"
        f"<div>{_strip(row.before, row.clip.duration_s, colours, 'before')}"
        f"{_strip(row.after, row.clip.duration_s, colours, 'after')}</div></li>"
        for row in rows
    )
    more = f"<p class='st-count'>{clips - len(rows)} more clips changed less.</p>" if clips > len(rows) else ""
    key = "".join(
        f"<span><i style='background:{html.escape(colour)}'></i>{html.escape(name)}</span>"
        for name, colour in colours.items()
    )
    return f"<ul class='st-strips'>{strips}</ul><p class='st-key'>{key}</p>{more}{_changes(changes)}"


def _changes(changes: Sequence[Change]) -> str:
    if not changes:
        return "<p class='st-count'>The two versions give the same answers everywhere.</p>"
    longest = sorted(changes, key=lambda change: change.start_s - change.end_s)[:MOST_CHANGES]
    rows = "".join(
        f"<tr><td>{places.link(change.clip_id, change.clip, change.start_s)}</td>"
        f"<td>{change.start_s:.1f}–{change.end_s:.1f} s</td>"
        f"<td>{html.escape(change.before)} → <b>{html.escape(change.after)}</b></td></tr>"
        for change in longest
    )
    count = f"{len(changes)} stretches changed" if len(changes) > 1 else "1 stretch changed"
    shown = f", the {MOST_CHANGES} longest are shown" if len(changes) > MOST_CHANGES else ""
    return (
        f"<p class='st-count'>{count}{shown}; click one to open it.</p><div class='st-scroll st-tall'>"
        "<table class='st-table'><thead><tr><th>Clip</th><th>Time</th><th>From → to</th></tr></thead>"
        f"<tbody>{rows}</tbody></table></div>"
    )


def _strip(stretches: Sequence[Stretch], duration_s: float, colours: Mapping[str, str], when: str) -> str:
    parts = "".join(
        f"<i title='{html.escape(each.emotion, quote=True)} {each.start_s:.1f}–{each.end_s:.1f} s' "
        f"style='left:{100 * each.start_s / duration_s:.2f}%;"
        f"width:{100 * (each.end_s - each.start_s) / duration_s:.2f}%;"
        f"background:{html.escape(colours.get(each.emotion, NEUTRAL), quote=True)}'></i>"
        for each in stretches
    )
    said = ", ".join(dict.fromkeys(html.escape(each.emotion, quote=True) for each in stretches)) or "nothing"
    return (
        f"<div class='st-strip' role='img' aria-label='{when}: {said}'><small>{when}</small><span>{parts}</span></div>"
    )
