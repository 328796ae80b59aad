"""How far rules can be trusted, as HTML: each figure as a question, a small bar with its aim, and plain words."""

import html

from app.trusting import FEW, TrustHere
from stf2m.trust import STRONGEST, Figure, figures

#: What a person reads of each figure: its question, and what it means where the aim is not reached.
QUESTIONS = {
    "fidelity": (
        f"Do the {STRONGEST} strongest rules alone give the model's answer?",
        "Often the rest of the model decides against its rules: read its sentences as one reason among others.",
    ),
    "comprehensiveness": (
        "Take the named signs away: does the answer's degree fall more than without other signs?",
        "The named signs count no more than others: the sentences do not say what decided.",
    ),
    "sufficiency": (
        "Keep only the named signs: does the degree fall less than with other signs alone?",
        "The named signs carry no more of the answer than others would.",
    ),
    "stability": (
        "After noise that nobody would notice, are the same signs and terms named?",
        "Near a boundary the sentence changes where the answer does not: look at the values, not at the words alone.",
    ),
    "length": ("How many conditions has a rule?", "Some rules are too long to be read."),
    "order": ("Are low, medium and high in order for every sign?", "Some terms do not mean what they are called."),
    "coverage": (
        "Does at least one rule fire at a strength above one half?",
        "Many segments are unlike anything that the rules describe.",
    ),
}


def panel(here: TrustHere) -> str:
    """Everything that is known, or a sentence that says why nothing is."""
    if here.trust is None:
        return (
            '<p class="st-note">There is no segment yet for which the model has reasons: add a clip, or teach it.</p>'
        )
    trust = here.trust
    clips = "1 clip" if here.clips == 1 else f"{here.clips} clips"
    about = (
        f"{html.escape(here.version)}, {trust.segments} segments of {clips}, {trust.sentences} sentences looked at "
        "closely. Neighbouring segments overlap, so the figures are less certain than as many separate ones would be."
    )
    few = (
        f'<p class="st-note">With {trust.sentences} sentences these figures are a hint, no proof.</p>'
        if trust.sentences < FEW
        else ""
    )
    rows = "".join(_row(each) for each in figures(trust))
    return f'{few}<p class="st-count">{about}</p><div class="st-trust">{rows}</div>{_corrections(here)}'


def _row(figure: Figure) -> str:
    question, warning = QUESTIONS[figure.name]
    verdict = {True: "as aimed", False: "not as aimed", None: "cannot be told"}[figure.reached]
    kind = {True: "st-reached", False: "st-missed", None: ""}[figure.reached]
    mark = "" if figure.aimed is None else f"<i style='left:{100 * min(figure.aimed, 1):.1f}%'></i>"
    bar = (
        f"<div class='st-aimed' role='img' aria-label='{html.escape(figure.value)}, aim {html.escape(figure.aim)}'>"
        f"<b style='width:{100 * min(max(figure.share, 0), 1):.1f}%'></b>{mark}</div>"
    )
    more = f"<p class='st-warned'>{html.escape(warning)}</p>" if figure.reached is False else ""
    return (
        f"<section class='{kind}' data-figure='{figure.name}'><p>{html.escape(question)}</p>{bar}"
        f"<p><strong>{html.escape(figure.value)}</strong> <small>aim {html.escape(figure.aim)}: {verdict} · "
        f"{figure.name}</small></p>{more}</section>"
    )


def _corrections(here: TrustHere) -> str:
    if not here.corrections:
        return '<p class="st-count">This model has learned from no correction yet.</p>'
    return (
        f'<p class="st-count">Of the {here.corrections} corrections that it learned from, the model answers '
        f"{here.right} as corrected, and its {STRONGEST} strongest rules alone {here.right_by_rules}.</p>"
    )
