"""What two models' rules have apart, as HTML: rules in words with small pictures of what they say; text is escaped."""

import html
from collections.abc import Mapping, Sequence

from app.adapting import Change
from app.editing_rules import Effect
from app.pages import places
from app.rule_changes import Cause, RuleChange, Trusted

#: Emotions of lower degree in both models are left out of a picture; so many rules and segments are shown.
LEAST_DEGREE = 0.05
MOST_RULES = 12
MOST_CHANGES = 12
#: So many stretches that an edit would change are told at once, the others behind a click.
AT_ONCE = 5
#: What the figures of :func:`causes` are: parts of the logarithm of the ratio of two degrees.
ODDS = "by how much the log odds moved; 0.7 doubles the odds"
#: A picture in pixels, and its margin for the dots.
WIDTH, MARGIN = 150, 6


def rules(changes: Sequence[RuleChange], names: tuple[str, str], colours: Mapping[str, str]) -> str:
    """The rules that moved, each with what it says in both models; ``names`` say which is which."""
    if not changes:
        return "<p class='st-count'>Every rule says the same in both.</p>"
    one, other = (html.escape(name) for name in names)
    items = "".join(f"<li>{_rule(change, colours)}</li>" for change in changes[:MOST_RULES])
    rest = f", the {MOST_RULES} furthest apart are shown" if len(changes) > MOST_RULES else ""
    count = "1 rule differs" if len(changes) == 1 else f"{len(changes)} rules differ"
    return (
        f"<p class='st-count'>{count}{rest}. <span class='st-dots'>○ {one} ● {other}</span>, degrees from 0 to 1.</p>"
        f"<ol class='st-rules st-moved'>{items}</ol>"
    )


def trusted(found: Sequence[Trusted]) -> str:
    """How far each modality and the rules are trusted, in both models."""
    rows = "".join(
        f"<div class='st-dumb'><span>{html.escape(each.source)}</span>{_picture(each.before, each.after, '')}"
        f"<small>{each.before:.0%} → {each.after:.0%}</small></div>"
        for each in found
    )
    return f"<h3>How far each is trusted <small>its mean weight where it is there</small></h3>{rows}" if rows else ""


def causes(found: Sequence[tuple[Change, Cause | None]], total: int) -> str:
    """Why segments changed sides; a click plays one."""
    items = "".join(f"<li>{_stretch(change)} {_cause(change, cause)}</li>" for change, cause in found)
    if not items:
        return ""
    rest = f"the {len(found)} longest of {total}, " if total > len(found) else ""
    return f"<h3>Why segments changed sides <small>{rest}{ODDS}</small></h3><ul class='st-causes'>{items}</ul>"


def effect(found: Effect) -> str:
    """What an edit would do, before it is kept."""
    parts = [f"<p><b>{html.escape(found.said[:1].upper() + found.said[1:])}</b></p>"]
    if found.corrections:
        parts.append(
            f"<p class='st-figures'><span>{found.before}</span> → <strong>{found.after}</strong></p>"
            f"<p>of the study's {found.corrections} corrections answered right; it may have learned from them.</p>"
        )
    else:
        parts.append("<p>There are no corrections in this study to test it on.</p>")
    if found.fires is not None:
        parts.append(f"<p>It fires above one half in {found.fires} of the {found.segments} segments here.</p>")
    many = len(found.changes)
    if not many:
        parts.append("<p>No segment changes sides.</p>")
        return "".join(parts)
    count = "1 stretch changes sides" if many == 1 else f"{many} stretches change sides"
    items = [
        f"<li>{_stretch(change)} {html.escape(change.before)} → <b>{html.escape(change.after)}</b></li>"
        for change in found.changes[:MOST_CHANGES]
    ]
    first, more = "".join(items[:AT_ONCE]), "".join(items[AT_ONCE:])
    hidden = (
        f"<details><summary>the next {len(items) - AT_ONCE}</summary><ul class='st-causes'>{more}</ul></details>"
        if more
        else ""
    )
    order = ", the longest first" if many > 1 else ""
    return f"{''.join(parts)}<p>{count}{order}:</p><ul class='st-causes'>{first}</ul>{hidden}"


def _rule(change: RuleChange, colours: Mapping[str, str]) -> str:
    words = " <span>and</span> ".join(
        f"<b>{html.escape(each.cue)}</b> is <b>{html.escape(each.term)}</b>" for each in change.rule.conditions
    )
    what = f" <em class='st-mark'>{html.escape(change.what)}</em>" if change.what else ""
    names = sorted(
        {*change.before, *change.after}, key=lambda name: -change.after.get(name, change.before.get(name, 0))
    )
    rows = "".join(
        _emotion(name, change, colours)
        for name in names
        if max(change.before.get(name, 0.0), change.after.get(name, 0.0)) >= LEAST_DEGREE
    )
    return f"<p><span>if</span> {words}{what}</p>{rows}"


def _emotion(name: str, change: RuleChange, colours: Mapping[str, str]) -> str:
    was, now = (side.get(name, 0.0) if side else None for side in (change.before, change.after))
    said = " → ".join("–" if each is None else f"{each:.2f}" for each in (was, now))
    return (
        f"<div class='st-dumb'><span>{html.escape(name)}</span>{_picture(was, now, colours.get(name, ''))}"
        f"<small>{said}</small></div>"
    )


def _picture(before: float | None, after: float | None, colour: str) -> str:
    """A line from the hollow dot of the one model to the full dot of the other, on a scale from 0 to 1."""
    paint = html.escape(colour, quote=True) or "var(--st-accent)"
    at = [None if each is None else MARGIN + each * (WIDTH - 2 * MARGIN) for each in (before, after)]
    parts = [f"<line class='st-scale' x1='{MARGIN}' x2='{WIDTH - MARGIN}' y1='8' y2='8'/>"]
    if at[0] is not None and at[1] is not None:
        parts.append(f"<line x1='{at[0]:.1f}' x2='{at[1]:.1f}' y1='8' y2='8'/>")
    if at[0] is not None:
        parts.append(f"<circle class='st-was' cx='{at[0]:.1f}' cy='8' r='4'/>")
    if at[1] is not None:
        parts.append(f"<circle cx='{at[1]:.1f}' cy='8' r='4'/>")
    size = f"viewBox='0 0 {WIDTH} 16' width='{WIDTH}' height='16'"
    return f"<svg {size} style='--paint:{paint}' aria-hidden='true'>{''.join(parts)}</svg>"


def _stretch(change: Change) -> str:
    told = f"{change.clip} {change.start_s:.1f}–{change.end_s:.1f} s"
    return places.link(change.clip_id, told, change.start_s, change.end_s)


def _cause(change: Change, cause: Cause | None) -> str:
    was, now = html.escape(change.before), html.escape(change.after)
    if cause is None:
        return f"{was} → <b>{now}</b>: only one of the two models knows both."
    premise = cause.rule.partition(" THEN ")[0]
    who = f"the rule “{html.escape(premise)}”" if premise else f"the {html.escape(cause.source)}"
    return f"{was} → <b>{now}</b>, most by {who}: {cause.gain:+.1f} for {now} against {was}."
