"""The rules as a list of HTML: in words, with what they say, how often and where they fire; all text is escaped."""

import html
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from app.figures.style import NEUTRAL
from app.pages import places
from app.rulebook import RuleHere, RuleMoment, grouped

#: Degrees below this are not worth a place in a rule's bar; so many are told in words.
LEAST_DEGREE = 0.03
MOST_SAID = 3
#: So many clips in which a rule fires are named.
MOST_CLIPS = 3
#: A sparkline in pixels.
WIDTH, HEIGHT = 160, 22


def list_html(
    rules: Sequence[RuleHere],
    total: int,
    colours: Mapping[str, str],
    strengths: NDArray[np.floating] | None = None,
) -> str:
    """The rules, those that are nearly alike under the first of them.

    ``strengths (n, R)`` are those of the clip that is open, segment by segment, for a sparkline of each rule.
    """
    count = f"{total} rules" if len(rules) == total else f"{len(rules)} of {total} rules"
    if not rules:
        return f'<p class="st-note">None of the {total} rules is like this; take a filter away.</p>'
    items = "".join(_group(group, colours, strengths) for group in grouped(rules))
    return f'<p class="st-count">{count}</p><ol class="st-rules">{items}</ol>'


def _group(group: Sequence[RuleHere], colours: Mapping[str, str], strengths: NDArray[np.floating] | None) -> str:
    first, *others = (_rule(each, colours, strengths) for each in group)
    if not others:
        return f"<li>{first}</li>"
    many = "1 rule is" if len(others) == 1 else f"{len(others)} rules are"
    inner = "".join(f"<li>{each}</li>" for each in others)
    return f"<li>{first}<details class='st-alike'><summary>{many} nearly alike</summary><ol>{inner}</ol></details></li>"


def _rule(here: RuleHere, colours: Mapping[str, str], strengths: NDArray[np.floating] | None) -> str:
    rule = here.rule
    conditions = " <span>and</span> ".join(
        f"<b>{html.escape(each.cue)}</b> is <b>{html.escape(each.term)}</b>" for each in rule.conditions
    )
    spark = "" if strengths is None else _sparkline(strengths[:, rule.number])
    return (
        f"<p><span>if</span> {conditions} <span>then</span> "
        f"{_said(rule.consequent)}{_marks(here)}</p>{_bar(rule.consequent, colours)}"
        f"<p class='st-support'>{_support(here)}</p><div class='st-deeds'>{spark}{_buttons(here)}</div>"
        f"{_moments(here.moments)}"
    )


def _marks(here: RuleHere) -> str:
    """What a person did to the rule."""
    rule = here.rule
    marks = [
        *([f"written by {html.escape(rule.written_by)}"] if rule.written_by else []),
        *(["pinned"] if rule.pinned else []),
        *(["switched off"] if rule.off else []),
    ]
    return "".join(f" <em class='st-mark'>{mark}</em>" for mark in marks)


def _buttons(here: RuleHere) -> str:
    """What can be done with the rule; each click shows the effect first."""
    rule = here.rule
    own = ("take away", "Take away") if rule.written_by else ("unpin", "Unpin") if rule.pinned else ("pin", "Pin")
    switch = ("on", "Switch on") if rule.off else ("off", "Switch off")
    buttons = "".join(
        f"<button type='button' class='st-small' data-edit='{kind}' data-rule='{rule.number}'>{label}</button>"
        for kind, label in (own, switch)
    )
    return f"<span>{buttons}</span>"


def _support(here: RuleHere) -> str:
    """How much the rule counts, where it fires, what people said there, and what adapting did to it."""
    rule = here.rule
    trained = "" if rule.written_by else f"{rule.support:.0%} of the training data and in "
    said = [
        f"weight {rule.weight:.1%} of all firing",
        f"fires in {trained}{here.fires} of the {here.segments} segments here",
    ]
    if here.clips:
        said.append(_clips(here.clips))
    if here.labelled:
        most = ", ".join(f"{html.escape(name)} {number}" for name, number in list(here.labelled.items())[:3])
        said.append(f"labelled there: {most}")
    if here.before and here.moved >= 0.05:
        was = max(here.before, key=lambda name: here.before[name])
        said.append(f"before adapting: {html.escape(was)} {here.before[was]:.2f}")
    return " · ".join(said)


def _clips(fires: Mapping[str, int]) -> str:
    """In which clips it fires, those with most first."""
    ranked = sorted(fires.items(), key=lambda item: -item[1])
    named = ", ".join(f"{html.escape(name)} {number}" for name, number in ranked[:MOST_CLIPS])
    rest = len(ranked) - MOST_CLIPS
    return f"in {named}{f' and {rest} more' if rest > 0 else ''}"


def _sparkline(strengths: NDArray[np.floating]) -> str:
    """How strongly the rule fires over the clip that is open, from nothing at the foot to one at the top, and what that
    is.
    """
    across = np.linspace(0, WIDTH, len(strengths)) if len(strengths) > 1 else np.array([0.0])
    points = " ".join(f"{x:.1f},{HEIGHT - 1 - s * (HEIGHT - 2):.1f}" for x, s in zip(across, strengths, strict=True))
    return (
        f"<span class='st-spark'><svg viewBox='0 0 {WIDTH} {HEIGHT}' width='{WIDTH}' height='{HEIGHT}' "
        f"aria-hidden='true'><polyline points='{points}'/></svg>"
        f"<small>firing over this clip, {strengths.max(initial=0.0):.2f} at most</small></span>"
    )


def _moments(moments: Sequence[RuleMoment]) -> str:
    """The segments that fire the rule most; a click plays one."""
    if not moments:
        return ""
    buttons = "".join(
        places.link(
            each.clip_id,
            f"{each.clip} {each.start_s:.1f}–{each.end_s:.1f} s",
            each.start_s,
            each.end_s,
            f" <small>{each.strength:.2f}</small>",
        )
        for each in moments
    )
    return f"<details class='st-moments'><summary>where it fires most</summary><div>{buttons}</div></details>"


def _said(consequent: Mapping[str, float]) -> str:
    """The degrees in words, the highest first."""
    said = [(name, degree) for name, degree in consequent.items() if degree >= LEAST_DEGREE][:MOST_SAID]
    return ", ".join(f"{html.escape(name)}&nbsp;{degree:.2f}" for name, degree in said)


def _bar(consequent: Mapping[str, float], colours: Mapping[str, str]) -> str:
    """All degrees as one bar with the emotions' colours."""
    parts = "".join(
        f'<i title="{html.escape(name)} {degree:.2f}" '
        f'style="width:{100 * degree:.1f}%;background:{html.escape(colours.get(name, NEUTRAL))}"></i>'
        for name, degree in consequent.items()
        if degree >= LEAST_DEGREE
    )
    return f'<div class="st-degrees" aria-hidden="true">{parts}</div>'
