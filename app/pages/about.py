"""The About tab: what the studio is and is not, where its method comes from, and which modalities work here."""

import html
from pathlib import Path

import gradio as gr

from app.pages import places
from app.session import Session
from app.studio import Studio
from stf2m import weights
from stf2m.weights import Weights

NEEDS: tuple[tuple[str, tuple[Weights, ...]], ...] = (
    ("Face", (weights.FACE_LANDMARKER, weights.EXPRESSIONS)),
    ("Voice", (weights.WHISPER,)),
    ("Words", (weights.SENTENCES, weights.WHISPER)),
)


def build(studio: Studio, session: Session, tab: gr.Tab) -> None:
    """Fill the tab; the table of modalities is made when it is opened."""
    with gr.Column(elem_classes="st-prose"):
        gr.Markdown((Path(__file__).parent / "about.md").read_text(encoding="utf-8"))
        gr.Markdown("## Modalities on this machine")
        table = places.text("about-modalities")
        card = places.text("about-card")
    tab.select(lambda: (modalities_html(), card_html(studio)), None, [table, card], show_progress="hidden")


def modalities_html() -> str:
    """Which modalities work here, with the weights they borrow and their licences, and why one does not."""
    rows = "".join(
        f"<tr><th scope='row'>{name}</th><td>{state}</td><td>{borrowed}</td></tr>"
        for name, state, borrowed in ((name, _state(needs), _borrowed(needs)) for name, needs in NEEDS)
    )
    return (
        "<div class='st-scroll'><table class='st-table'><thead><tr><th>Modality</th><th>Here</th>"
        f"<th>Borrowed weights and their licences</th></tr></thead><tbody>{rows}</tbody></table></div>"
    )


def lacking_html() -> str:
    """What everybody should know first where weights are neither installed nor downloaded; empty where all are."""
    lacking = {name: [each for each in needs if weights.lacks(each)] for name, needs in NEEDS}
    without = [name for name, missing in lacking.items() if missing]
    if not without:
        return ""
    rest = " and ".join(name.lower() for name, missing in lacking.items() if not missing)
    packages = ", ".join(sorted({each.package for missing in lacking.values() for each in missing}))
    return (
        f"<p class='st-lacking' role='status'><b>Without {' and '.join(without).lower()}.</b> What this needs is "
        "borrowed, and could not be downloaded here. "
        f"{f'Only {rest} can be analysed' if rest else 'Nothing can be analysed'} until this machine reaches the "
        f"internet or has the Python packages {html.escape(packages)}. Labelling works all the same.</p>"
    )


def card_html(studio: Studio) -> str:
    """What the card of the shipped checkpoint says of its licence and its data."""
    card = studio.predictions.model.card
    said = "".join(
        f"<p><b>{label}:</b> {html.escape(str(card[key]))}</p>"
        for key, label in (("licence", "Licence of the checkpoint"), ("data", "It learned from"))
        if card.get(key)
    )
    return f"{said}<p class='st-count'>Checkpoint {html.escape(studio.predictions.checkpoint)}</p>"


def _state(needs: tuple[Weights, ...]) -> str:
    lacking = [html.escape(each.name) for each in needs if weights.look(each) is None]
    return f"not here yet; with internet, the first clip fetches {' and '.join(lacking)}" if lacking else "works"


def _borrowed(needs: tuple[Weights, ...]) -> str:
    return "; ".join(f"{html.escape(each.name)}, {html.escape(each.licence)}" for each in needs)
