"""A report as one HTML page. Every word of people goes through :func:`app.report.charts.escaped`."""

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from app.figures.cues import axis_range, liveliest
from app.figures.firing import MOST_RULES
from app.figures.style import MODALITY_TITLES, modality_colour
from app.report import charts
from app.report.charts import escaped
from app.report.content import Content, Reason, Said, Table
from stf2m.tracks import Track, Word

#: So many cues of a modality are drawn: those that move most.
MOST_CUES = 10
#: The transcript starts a new line after a pause of so many seconds, and after so many words.
PAUSE_S, LINE_WORDS = 1.0, 16
#: The page may run no script and fetch nothing, whatever it holds.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
_CSS = (Path(__file__).parent / "report.css").read_text(encoding="utf-8")


def page(found: Content) -> str:
    """The whole file."""
    parts = {
        "Timeline": _timeline(found),
        "Emotions": _emotions(found),
        "Reasons": _reasons(found),
        "Rules": _rules(found),
        "Views": "".join(_view(track, found) for track in found.tracks.values()),
        "Annotations": _annotations(found.said),
        "Transcript": _transcript([word for track in found.tracks.values() for word in track.words]),
        "Model": _table(found.versions) + _history(found.history),
    }
    parts = {title: inside for title, inside in parts.items() if inside}
    links = "".join(f'<a href="#{title.lower()}">{title}</a>' for title in parts)
    sections = "".join(
        f'<section id="{title.lower()}"><h2>{_HEADS[title]}</h2>{inside}</section>' for title, inside in parts.items()
    )
    facts = "".join(f"<dt>{escaped(name)}</dt><dd>{escaped(value)}</dd>" for name, value in found.facts.items())
    notes = "".join(f'<p class="note">{escaped(note)}</p>' for note in found.notes)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escaped(found.clip)} · ST-F2M report</title><style>{_CSS}</style></head><body>"
        f"<header><h1>{escaped(found.clip)}</h1><dl>{facts}</dl>{notes}<nav>{links}</nav></header>"
        f"<main>{sections}</main></body></html>\n"
    )


_HEADS = {
    "Timeline": "Timeline <small>the model's suggestions, each leading to its reasons, and what people say</small>",
    "Emotions": "Emotions over time <small>degrees of membership, stacked, and what they rest on</small>",
    "Reasons": "Reasons <small>why each stretch has its emotion, in the numbers that the model computed with</small>",
    "Rules": "Rules that fire <small>each rule's share of all firing over time</small>",
    "Views": "Views <small>what was measured, in units; the cues that move most</small>",
    "Annotations": "What people say",
    "Transcript": "Transcript",
    "Model": "Model versions and history",
}


def _timeline(found: Content) -> str:
    suggested = "".join(_suggestion(number, each, found) for number, each in enumerate(found.reasons, start=1))
    people = dict.fromkeys(each.who for each in found.said)
    lanes = [
        ("Model", "suggestions; hatched: unsure", suggested),
        *((who, "", "".join(_annotation(each, found) for each in found.said if each.who == who)) for who in people),
    ]
    rows = "".join(_row(name, also, f'<div class="lane">{inside}</div>') for name, also, inside in lanes)
    words = "".join(
        charts.block(word.start_s, word.end_s, found.duration_s, modality_colour("text"), "", word.text)
        for track in found.tracks.values()
        for word in track.words
    )
    spoken = _row("Words", "", f'<div class="lane words">{words}</div>') if words else ""
    return _key(found.emotions) + rows + spoken + _time(found)


def _suggestion(number: int, each: Reason, found: Content) -> str:
    told = f"{each.emotion} {each.degree:.2f}, {_when(each.start_s, each.end_s)}, unsure {each.uncertainty:.2f}"
    colour = charts.colour_of(each.emotion, found.emotions)
    block = charts.block(each.start_s, each.end_s, found.duration_s, colour, each.emotion, told, f"r{number}")
    return block.replace('class="block"', 'class="block unsure"', 1) if each.uncertainty >= found.unsure else block


def _annotation(each: Said, found: Content) -> str:
    told = f"{_degrees(each)}, {_when(each.start_s, each.end_s)}{', ' + each.note if each.note else ''}"
    colour = charts.colour_of(each.emotion, found.emotions)
    return charts.block(each.start_s, each.end_s, found.duration_s, colour, each.emotion, told)


def _emotions(found: Content) -> str:
    moments = found.moments
    shares = {MODALITY_TITLES.get(name, name): modality_colour(name) for name in found.sources}
    split = charts.ribbon(moments.edges, moments.shares, shares).replace('"ribbon"', '"ribbon shares"')
    return (
        _row("Degrees", "stacked, 0 to 1", charts.ribbon(moments.edges, moments.memberships, found.emotions))
        + _row("Unsure", "0 to 1", charts.area(moments.edges, moments.uncertainty, "unsure"))
        + _time(found)
        + _key(found.emotions)
        + _row("Modalities", "share of the evidence, stacked, 0 to 100 %", split)
        + _time(found)
        + _key(shares)
    )


def _reasons(found: Content) -> str:
    if not found.reasons:
        return "<p>The model has no answer for this clip.</p>"
    return "".join(_reason(number, each, found) for number, each in enumerate(found.reasons, start=1))


def _reason(number: int, each: Reason, found: Content) -> str:
    picture = (
        f'<img alt="" src="data:image/jpeg;base64,{base64.b64encode(each.picture).decode()}">' if each.picture else ""
    )
    rules = "".join(f'<p class="rule">{escaped(rule)}</p>' for rule in each.rules)
    words = f"<p>Said meanwhile: <q>{escaped(each.words)}</q></p>" if each.words else ""
    degree = f"{each.degree:.2f} on average, unsure {each.uncertainty:.2f}"
    colour = charts.colour_of(each.emotion, found.emotions)
    return (
        f'<article class="reason" id="r{number}" style="border-left-color:{colour}">'
        f"{picture}<div><h3>{_when(each.start_s, each.end_s)} {escaped(each.emotion)} "
        f"<small>{degree}</small></h3><p>{escaped(each.sentence)}</p>{rules}{words}</div></article>"
    )


def _rules(found: Content) -> str:
    if not found.firing.size:
        return ""
    firing = np.nan_to_num(found.firing)
    first = np.argsort(-firing.max(axis=0, initial=0.0), kind="stable")[:MOST_RULES]
    top = float(firing[:, first].max(initial=1e-6))
    rows = []
    for rule in first:
        name = found.rules[rule]
        strip = charts.heat(
            found.edges, found.firing[:, rule], charts.colour_of(name.emotion, found.emotions), top, name.sentence
        )
        rows.append(f'<p class="rule">{escaped(name.sentence)}</p>{_row(f"rule {rule + 1}", "", strip)}')
    return (
        f'<p class="hint">Pale is 0, full {top:.0%} of all firing; each strip has the colour of the emotion that its '
        f"rule speaks for most. The {len(first)} that fire most are shown.</p>{''.join(rows)}{_time(found)}"
    )


def _view(track: Track, found: Content) -> str:
    title = MODALITY_TITLES.get(track.modality.name, track.modality.name)
    there = f"there for {track.valid.mean():.0%} of the clip" if track.valid.any() else "not there"
    note = f'<p class="note">{escaped(track.note)}</p>' if track.note else ""
    head = f"<h3>{escaped(title)} <small>{there}</small></h3>{note}"
    if not track.valid.any():
        return head
    names = liveliest(track, MOST_CUES)
    cues = [cue for cue in track.modality.cues if cue.name in names]
    values = {cue.name: np.where(track.valid, track.cue(cue.name), np.nan) for cue in cues}
    rows = []
    for cue in cues:
        low, high = axis_range(cue, values[cue.name])
        drawn = charts.line(values[cue.name], low, high, modality_colour(track.modality.name), cue.meaning)
        scale = f'<div class="scale"><small>{high + 0:g}</small>{drawn}<small>{low + 0:g}</small></div>'
        rows.append(_row(cue.name, cue.unit, scale))
    return head + "".join(rows) + _time(found)


def _annotations(said: Sequence[Said]) -> str:
    heads = ("Who", "When", "Degrees", "Intensity", "Note")
    rows = [
        (
            each.who,
            _when(each.start_s, each.end_s),
            _degrees(each),
            "" if each.intensity is None else f"{each.intensity:.2f}",
            each.note,
        )
        for each in sorted(said, key=lambda each: (each.who, each.start_s))
    ]
    return _table(Table(heads, rows)) or "<p>Nobody has annotated this clip yet.</p>"


def _transcript(words: Sequence[Word]) -> str:
    lines: list[list[Word]] = []
    for word in words:
        if not lines or len(lines[-1]) >= LINE_WORDS or word.start_s - lines[-1][-1].end_s > PAUSE_S:
            lines.append([])
        lines[-1].append(word)
    told = "".join(
        f"<time>{line[0].start_s:.1f} s</time><span>{escaped(' '.join(word.text for word in line))}</span>"
        for line in lines
    )
    return f'<div class="said">{told}</div>' if told else ""


def _history(table: Table) -> str:
    found = _table(table)
    return f"<h3>Changes of the annotations of this clip</h3>{found}" if found else ""


def _table(table: Table) -> str:
    if not table.rows:
        return ""
    heads = "".join(f"<th>{escaped(head)}</th>" for head in table.heads)
    rows = "".join(f"<tr>{''.join(f'<td>{escaped(cell)}</td>' for cell in row)}</tr>" for row in table.rows)
    return f'<div class="table"><table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>'


def _row(name: str, also: str, inside: str) -> str:
    small = f"<small>{escaped(also)}</small>" if also else ""
    return f'<div class="row"><span>{escaped(name)}{small}</span>{inside}</div>'


def _time(found: Content) -> str:
    return f'<div class="row"><span></span>{charts.axis(found.duration_s)}</div>'


def _key(colours: Mapping[str, str]) -> str:
    items = "".join(
        f'<li><i style="background:{charts.colour_of(name, colours)}"></i>{escaped(name)}</li>' for name in colours
    )
    return f'<ul class="key">{items}</ul>'


def _degrees(each: Said) -> str:
    ranked = sorted(each.degrees.items(), key=lambda item: -item[1])
    return ", ".join(name if degree == 1 else f"{name} {degree:.2f}" for name, degree in ranked)


def _when(start_s: float, end_s: float) -> str:
    return f"{start_s:.1f}–{end_s:.1f} s"
