"""What the Team tab says in words and tables; all text of people is escaped."""

import html
import math
from collections.abc import Mapping, Sequence
from itertools import groupby

import numpy as np

from annotations.agreement import Agreement, Figure
from app.comparing import Comparison
from app.inspection import interval
from app.pages import places
from app.team import Accepted, ClipProgress, Part, PersonProgress, Progress

MOST_CLIPS, MOST_PAIRS, MOST_STRETCHES, MOST_PEOPLE = 200, 60, 60, 12
#: What people call the kinds of rating, and the coefficients with what they are.
KINDS: Mapping[str, str] = {"audiovisual": "picture and sound", "face": "picture only", "voice": "sound only"}
COEFFICIENTS: Mapping[str, tuple[str, str]] = {
    "percent_agreement": ("Percent", "of the pairs of people chose the same emotion"),
    "krippendorff_alpha": ("Krippendorff's alpha", "any number of people, with gaps"),
    "fleiss_kappa": ("Fleiss' kappa", "any number of people"),
    "cohen_kappa": ("Cohen's kappa", "mean over pairs of people"),
    "gwet_ac1": ("Gwet's AC1", "steady also where one emotion is most of it"),
}
OVERLAPS: Mapping[str, tuple[str, str]] = {
    "onset_f1": ("Beginnings", "F1 of where an emotion begins, within 0.5 s"),
    "offset_f1": ("Ends", "F1 of where an emotion ends, within 0.5 s"),
    "iou": ("Overlap", "of the same emotion's stretches, intersection over union"),
}


def progress(progress: Progress) -> str:
    """How far everybody is: a row for each person, then one for each clip with what each did of it."""
    if not progress.clips:
        return '<p class="st-note">There is no clip in this study yet: add one in Annotate.</p>'
    if not progress.people:
        return '<p class="st-note">Nobody has labelled anything yet: open a clip in Annotate and begin.</p>'
    clips = len(progress.clips)
    rows = "".join(_person(each, clips) for each in progress.people[: 2 * MOST_PEOPLE])
    more = _more(len(progress.people), 2 * MOST_PEOPLE, "people")
    people = _table(["Who", "Annotations", "Clips begun", "Finished", "Time labelled"], rows)
    names = [each.name for each in progress.people[:MOST_PEOPLE]]
    body = "".join(_clip(each, names) for each in progress.clips[:MOST_CLIPS])
    table = _table(["Clip", *names], body, tall=True)
    return f"{people}{more}<h3>Clip by clip</h3>{table}{_more(clips, MOST_CLIPS, 'clips')}"


def accepted(found: Sequence[Accepted]) -> str:
    """How often the suggested emotion was chosen, per person and mode, with what that can mean."""
    if not found:
        return (
            '<p class="st-note">Nobody has answered a suggestion yet. Annotations made where the model suggests '
            "something are answers; the share that chose the suggested emotion stands here.</p>"
        )
    rows = "".join(
        f"<tr><th scope='row'>{html.escape(each.name)}</th><td>{each.mode}</td>"
        f"<td>{each.accepted} of {each.answers}</td><td>{_share(each.accepted, each.answers)}</td></tr>"
        for each in found
    )
    modes = {each.mode for each in found}
    note = (
        "Where people see suggestions first, they may be led by them: the difference to “label first” shows how much."
        if len(modes) > 1
        else f"All answers were given in “{next(iter(modes))}”; the other mode is chosen in Annotate, to compare."
    )
    return f"{_table(['Who', 'Mode', 'Accepted', 'Share (95 % interval)'], rows)}<p class='st-count'>{note}</p>"


def agreement(kinds: Mapping[str, Agreement], people: int) -> str:
    """All coefficients, a column for each kind of rating; or what is missing."""
    if not kinds or not any(each.seconds for each in kinds.values()):
        return f'<p class="st-note">{_nothing_shared(people)}</p>'
    head = ["", *(f"{KINDS[kind]}" for kind in kinds)]
    measured = "".join(f"<td>{each.seconds:.0f} s of {_clips(each.clips)}</td>" for each in kinds.values())
    rows = f"<tr><th scope='row'>Labelled by two or more</th>{measured}</tr>"
    for name, (title, meaning) in COEFFICIENTS.items():
        cells = _cells([_value(getattr(each, name), name) for each in kinds.values()])
        rows += f"<tr><th scope='row'>{title}<br><small>{meaning}</small></th>{cells}</tr>"
    for name, (title, meaning) in OVERLAPS.items():
        cells = _cells([_value(getattr(each.overlap, name)) for each in kinds.values()])
        rows += f"<tr><th scope='row'>{title}<br><small>{meaning}</small></th>{cells}</tr>"
    return (
        f"{_table(head, rows)}<p class='st-count'>Alpha, kappa and AC1 are 1 where all agree and 0 where they agree as "
        "by chance; in brackets the 95 % interval of a bootstrap over clips. The consensus is nobody's rating.</p>"
    )


def emotions(found: Agreement) -> str:
    """Each emotion against the rest."""
    if not found.seconds:
        return ""
    columns = ("krippendorff_alpha", "gwet_ac1", "percent_agreement")
    rows = ""
    for name, each in found.emotions.items():
        values = [_value(getattr(each, column), column) for column in columns]
        values += [_value(each.degrees_alpha), *(_value(getattr(each.overlap, column)) for column in OVERLAPS)]
        cells = _cells(values)
        if each.krippendorff_alpha.value is None and each.percent_agreement.value == 100:
            cells = f"<td colspan='7'>{_value(each.krippendorff_alpha)}</td>"
        rows += f"<tr><th scope='row'>{html.escape(name)}</th>{cells}</tr>"
    head = ["Emotion", "Alpha", "AC1", "Percent", "Alpha of degrees", *(title for title, _ in OVERLAPS.values())]
    return f"<h3>Each emotion against the rest</h3>{_table(head, rows)}"


def pairs(found: Agreement) -> str:
    """Each two people, those who disagree for the longest first: half a second in common says little."""
    if not found.pairs:
        return ""
    worst = sorted(found.pairs, key=lambda pair: (pair.seconds * (pair.percent - 100), pair.annotators))[:MOST_PAIRS]
    rows = "".join(
        f"<tr><th scope='row'>{html.escape(' and '.join(pair.annotators))}</th><td>{pair.seconds:.1f} s</td>"
        f"<td>{pair.percent:.0f} %</td><td>{_value(pair.cohen_kappa)}</td>"
        + _cells([_value(getattr(pair.overlap, column)) for column in OVERLAPS])
        + "</tr>"
        for pair in worst
    )
    head = ["Who", "In common", "Percent", "Cohen's kappa", *(title for title, _ in OVERLAPS.values())]
    more = _more(found.pair_count, MOST_PAIRS, "pairs") if found.pair_count > len(worst) else ""
    return f"<h3>Two people at a time</h3>{_table(head, rows, tall=len(worst) > 8)}{more}"


def comparison(found: Comparison) -> str:
    """On what share of the time two models answer the same, and which emotions differ most."""
    if math.isnan(found.same):
        return '<p class="st-note">Nobody is seen or heard in the clips of this study.</p>'
    one, other = (html.escape(name) for name in found.names)
    total = found.seconds.sum()
    said = (
        f"<p class='st-figures'><strong>{100 * found.same:.0f} %</strong></p>"
        f"<p>of {total:.0f} s the two models answer the same: {one}'s learned from {found.corrections[0]} corrections, "
        f"{other}'s from {found.corrections[1]}, "
        "both from the model as shipped.</p>"
    )
    ones, others = found.seconds.sum(axis=1), found.seconds.sum(axis=0)
    both = np.diag(found.seconds)
    apart = ones + others - 2 * both
    rows = "".join(
        f"<tr><th scope='row'>{html.escape(found.emotions[e])}</th><td>{ones[e]:.1f} s</td><td>{others[e]:.1f} s</td>"
        f"<td>{both[e]:.1f} s</td><td>{apart[e]:.1f} s</td></tr>"
        for e in np.argsort(-apart, kind="stable")
        if ones[e] or others[e]
    )
    head = ["Emotion", one, other, "Both", "One alone"]
    return f"{said}<h3>Emotions that differ most</h3>{_table(head, rows, escaped=True)}"


def stretches(found: Comparison) -> str:
    """The longest stretches that the two models answer differently; a click opens one."""
    if not found.differences:
        return "<p class='st-good'>The two models give the same answers everywhere.</p>"
    one, other = (html.escape(name) for name in found.names)
    rows = "".join(
        f"<tr><td>{places.link(each.clip_id, each.clip, each.start_s)}</td>"
        f"<td>{each.start_s:.1f}–{each.end_s:.1f} s</td>"
        f"<td>{html.escape(each.one)}</td><td>{html.escape(each.other)}</td></tr>"
        for each in found.differences[:MOST_STRETCHES]
    )
    number = len(found.differences)
    count = f"{number} stretches differ" if number > 1 else "1 stretch differs"
    shown = f", the {MOST_STRETCHES} longest are shown" if number > MOST_STRETCHES else ""
    return (
        f"<h3>Where they differ</h3><p class='st-count'>{count}{shown}; click one to open it.</p>"
        f"{_table(['Clip', 'Time', one, other], rows, tall=True, escaped=True)}"
    )


def too_few(people: int) -> str:
    """What is missing before two people's models can be compared."""
    there = "nobody has" if people == 0 else "only one person has"
    return (
        f'<p class="st-note">Two people are needed, and {there} labelled an analysed clip. Another person opens this '
        "page, writes their name above as annotator, and labels the same clips.</p>"
    )


def _nothing_shared(people: int) -> str:
    if people < 2:
        there = "nobody has labelled anything" if people == 0 else "one person has labelled so far"
        return (
            f"Agreement needs two people; {there}. Another person opens this page, writes their name above as "
            "annotator, and labels some of the same clips."
        )
    return (
        f"{people} people have labelled, but never the same moment of a clip. Agreement needs some moments that two of "
        "them label."
    )


def _person(each: PersonProgress, clips: int) -> str:
    return (
        f"<tr><th scope='row'>{html.escape(each.name)}</th><td>{each.annotations}</td><td>{each.begun} of {clips}</td>"
        f"<td>{each.finished} of {clips}</td><td>{_bar(each.labelled)}</td></tr>"
    )


def _clip(each: ClipProgress, names: Sequence[str]) -> str:
    cells = "".join(f"<td>{_part(each.parts.get(name, Part()))}</td>" for name in names)
    clip = places.link(each.clip.id, each.clip.name) if each.clip.status == "ready" else html.escape(each.clip.name)
    return f"<tr><th scope='row'>{clip}</th>{cells}</tr>"


def _part(part: Part) -> str:
    if not part.annotations and not part.finished:
        return "–"
    done = " <b title='finished'>✓ finished</b>" if part.finished else ""
    return f"{part.annotations} · {_bar(part.labelled)}{done}"


def _bar(share: float) -> str:
    return f"<span class='st-bar' style='--share:{share:.3f}'>{100 * share:.0f} %</span>"


def _clips(number: int) -> str:
    return "1 clip" if number == 1 else f"{number} clips"


def _share(right: int, of: int) -> str:
    low, high = interval(right / of, of)
    return f"{100 * right / of:.0f} % ({100 * low:.0f}–{100 * high:.0f} %)"


def _cells(values: Sequence[str]) -> str:
    """A cell for each value; a reason that stands in several cells in a row is told once."""
    told = [(value, len(list(same))) for value, same in groupby(values)]
    return "".join(
        f"<td colspan='{number}'>{value}</td>" if value.startswith("<small>") else f"<td>{value}</td>" * number
        for value, number in told
    )


def _value(figure: Figure, name: str = "") -> str:
    if figure.value is None:
        return f"<small>{html.escape(figure.why)}</small>"
    digits, unit = (0, " %") if name == "percent_agreement" else (2, "")
    bounds = f" <small>({figure.low:.{digits}f}–{figure.high:.{digits}f})</small>" if figure.low is not None else ""
    return f"{figure.value:.{digits}f}{unit}{bounds}"


def _more(there: int, shown: int, what: str) -> str:
    return f"<p class='st-count'>… and {there - shown} more {what}.</p>" if there > shown else ""


def _table(head: Sequence[str], rows: str, *, tall: bool = False, escaped: bool = False) -> str:
    titles = "".join(f"<th>{title if escaped else html.escape(title)}</th>" for title in head)
    scroll = "st-scroll st-tall" if tall else "st-scroll"
    return (
        f"<div class='{scroll}' tabindex='0'><table class='st-table st-numbers'><thead><tr>{titles}</tr></thead>"
        f"<tbody>{rows}</tbody></table></div>"
    )
