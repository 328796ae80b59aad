"""Links to files that the studio makes: the rules of a study, the report of a clip. ``take_away.js`` fetches them."""

import gradio as gr

from app.pages import places
from app.session import Session
from app.taking_away import RULES

_NAMES = {"json": "JSON", "csv": "CSV", "tex": "LaTeX"}


def rules(session: Session, tab: gr.Tab, name: str) -> None:
    """The rules and memberships of the study that is open, as files; ``name`` of the place."""
    place = places.text(name)
    tab.select(rules_html, session.study, place, show_progress="hidden")


def rules_html(study_id: int | None) -> str:
    """A link for each way in which rules are written."""
    if study_id is None:
        return ""
    links = "".join(
        _link(f"study/{study_id}/rules.{kind}", _NAMES[kind], "Writing the rules", "Rules and memberships")
        for kind in RULES
    )
    return f'<div class="st-away">Take the rules and memberships away: {links}<output></output></div>'


def report_html(clip_id: int) -> str:
    """The report of a clip; its pictures only where somebody asks for them, because faces are private."""
    about = "All about this clip in one file that opens offline"
    links = _link(f"clip/{clip_id}/report", "Report of this clip", "Writing the report", about)
    links += _link(
        f"clip/{clip_id}/report?pictures=true", "with pictures", "Writing the report", f"{about}, with faces"
    )
    return f'<div class="st-away">{links}<output></output></div>'


def _link(address: str, words: str, making: str, title: str) -> str:
    return f'<a class="st-small" href="{address}" data-making="{making}" title="{title}" download>{words}</a>'
