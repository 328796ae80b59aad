"""Rules and memberships to take away: one plain document, and it as JSON, as CSV and as tables for LaTeX.

``docs/formats.md`` says what each file holds; ``docs/rules.schema.json`` is the JSON Schema of the document.
"""

import csv
import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import torch

from stf2m.adaptation import AdaptedModel
from stf2m.explanation import Rule

#: A later number means that a reader of this one would misunderstand something.
FORMAT = 1
#: Beyond its centre the first term stays 1 downwards, the last one upwards.
OPEN = ("below", "", "above")

#: A table's line tells so many degrees of a rule, none of the later ones below this.
_MOST_DEGREES, _LEAST_DEGREE = 3, 0.1
_COLUMNS = (
    "rule", "text", "weight", "support", "condition", "cue", "term", "unit", "modality", "gate", "centre", "width",
    "slope", "open", "written by", "pinned", "off",
)  # fmt: skip
#: What spreadsheets take for a formula.
_FORMULA = re.compile(r"[=+\-@\t\r\n＝＋－＠]")
_RAGGED = r">{\raggedright\arraybackslash}p"
_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": "$<$",
    ">": "$>$",
    **{mark: f"\\{mark}" for mark in "{}$&#_%"},
}


def library_version() -> str:
    """The version of the installed library; empty where it runs from a folder that was never installed."""
    try:
        return version("stf2m-studio")
    except PackageNotFoundError:
        return ""


def document(adapted: AdaptedModel, rules: Sequence[Rule] | None = None) -> dict[str, Any]:
    """The ``rules`` of a model (all of them if not given) and the memberships of all its cues, as plain JSON values.

    A term of a cue has the membership ``1 / (1 + |(x - centre) / width|^(2 slope))`` of x in the cue's unit (Jang
    1993), and 1 on the side to which it is ``open``.
    """
    return {
        "format": FORMAT,
        "library": library_version(),
        "model": adapted.encoder,
        "emotions": list(adapted.emotions),
        "rules": [asdict(rule) for rule in (adapted.rules() if rules is None else rules)],
        "memberships": _memberships(adapted),
    }


def as_json(found: Mapping[str, Any]) -> str:
    """The document as JSON text."""
    return json.dumps(found, ensure_ascii=False, indent=2) + "\n"


def as_csv(found: Mapping[str, Any]) -> str:
    """A row for each condition of each rule, with the membership that its term has.

    A cell that a spreadsheet would take for a formula has an apostrophe in front.
    """
    terms = {(each["cue"], term["name"]): (each, term) for each in found["memberships"] for term in each["terms"]}
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow([*_COLUMNS, *(f"degree of {name}" for name in found["emotions"])])
    for rule in found["rules"]:
        for place, condition in enumerate(rule["conditions"], start=1):
            cue, term = terms[condition["cue"], condition["term"]]
            cells = [rule["number"], rule["text"], rule["weight"], rule["support"], place, condition["cue"]]
            cells += [condition["term"], condition["unit"], cue["modality"], condition["gate"], term["centre"]]
            cells += [term["width"], term["slope"], term["open"]]
            cells += [rule["written_by"], rule["pinned"], rule["off"]]
            cells += [rule["consequent"].get(name, 0.0) for name in found["emotions"]]
            writer.writerow([_guarded(cell) for cell in cells])
    return text.getvalue()


def as_latex(found: Mapping[str, Any]) -> str:
    """Two tables for a paper, over as many pages as they need: the rules, and the memberships they speak of."""
    spoken_of = {condition["cue"] for rule in found["rules"] for condition in rule["conditions"]}
    cues = [each for each in found["memberships"] if each["cue"] in spoken_of]
    rules = [
        f"{rule['number']} & {_premise(rule)} & {_consequent(rule['consequent'])} & "
        f"{100 * rule['weight']:.1f} & {100 * rule['support']:.0f}"
        for rule in found["rules"]
    ]
    memberships = [
        f"{escaped(each['cue'])} ({escaped(each['unit'])}) & "
        + " & ".join(f"{escaped(term['name'])} {_number(term['centre'])}" for term in each["terms"])
        + f" & {_number(each['terms'][0]['width'])} & {_number(each['terms'][0]['slope'])}"
        for each in cues
    ]
    return "\n".join(
        [
            r"% Needs \usepackage{booktabs,longtable,array}.",
            f"% stf2m {found['library']}, model {found['model']}",
            *_table(
                rf"@{{}}r {_RAGGED}{{0.46\linewidth}} {_RAGGED}{{0.24\linewidth}} r r@{{}}",
                r"Fuzzy rules. \emph{Weight}: the mean share of all firing; \emph{support}: the share of segments that "
                "fire the rule at a strength above one half; both in the training data.",
                "tab:rules",
                r"Rule & If & Then & Weight (\%) & Support (\%)",
                rules,
            ),
            "",
            *_table(
                rf"@{{}}{_RAGGED}{{0.34\linewidth}} l l l r r@{{}}",
                r"Memberships: the centres $c$ of each cue's terms, and their common width $a$ and slope $b$ in "
                r"$\mu(x) = 1 / (1 + |(x - c) / a|^{2b})$. The first term is 1 below its centre, the last one above.",
                "tab:memberships",
                r"Cue (unit) & \multicolumn{3}{l}{Terms and centres} & Width & Slope",
                memberships,
            ),
            "",
        ]
    )


def _memberships(adapted: AdaptedModel) -> list[dict[str, Any]]:
    """Every cue with its terms in natural units; the terms have the names that they have in the rules' words."""
    network, bells = adapted.network, adapted.network.rules.bells
    with torch.inference_mode():
        centres = (bells.centres() * bells.scale[:, None] + bells.offset[:, None]).tolist()
        widths, slopes = (bells.widths() * bells.scale).tolist(), bells.slopes().tolist()
    return [
        {
            "cue": cue.name,
            "unit": cue.unit,
            "meaning": cue.meaning,
            "modality": network.modalities[of].name,
            "typical": list(cue.typical),
            "terms": [
                {"name": name, "centre": centre, "width": width, "slope": slope, "open": side}
                for name, centre, side in zip(adapted.membership_curves(cue.name, 2)[1], its_centres, OPEN, strict=True)
            ],
        }
        for cue, of, its_centres, width, slope in zip(
            network.variables, network.modality_of, centres, widths, slopes, strict=True
        )
    ]


def _guarded(cell: object) -> object:
    return f"'{cell}" if isinstance(cell, str) and _FORMULA.match(cell) else cell


def _premise(rule: Mapping[str, Any]) -> str:
    """The conditions, and in brackets what people did with the rule."""
    conditions = r" \textsc{and} ".join(
        rf"{escaped(each['cue'])} is \emph{{{escaped(each['term'])}}}" for each in rule["conditions"]
    )
    edits = [f"written by {escaped(rule['written_by'])}"] if rule["written_by"] else []
    edits += [name for name in ("pinned", "off") if rule[name]]
    return f"{conditions} ({', '.join(edits)})" if edits else conditions


def _consequent(degrees: Mapping[str, float]) -> str:
    first, *others = list(degrees.items())[:_MOST_DEGREES]
    told = [first, *(each for each in others if each[1] >= _LEAST_DEGREE)]
    return ", ".join(f"{escaped(name)} {degree:.2f}" for name, degree in told)


def _number(value: float) -> str:
    """Three significant digits, with a proper minus."""
    return f"${value:.0f}$" if abs(value) >= 1000 else f"${value:.3g}$"


def escaped(text: str) -> str:
    """Text of people as LaTeX prints it."""
    return "".join(_LATEX.get(letter, letter) for letter in " ".join(text.split()) if letter.isprintable())


def _table(columns: str, caption: str, label: str, head: str, rows: Sequence[str]) -> list[str]:
    return [
        rf"\begin{{longtable}}{{{columns}}}",
        rf"\caption{{{caption}}}\label{{{label}}}\\",
        rf"\toprule {head} \\ \midrule",
        r"\endfirsthead",
        rf"\toprule {head} \\ \midrule",
        r"\endhead",
        r"\bottomrule",
        r"\endfoot",
        *(rf"{row} \\" for row in rows),
        r"\end{longtable}",
    ]
