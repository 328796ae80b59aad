"""A widget's files, as ``gr.HTML`` takes them: plain HTML, CSS and JavaScript from the widget's own folder."""

from pathlib import Path
from typing import TypedDict

_SHARED = Path(__file__).parent / "shared"


class Sources(TypedDict):
    """The arguments of ``gr.HTML`` that a folder provides."""

    html_template: str
    css_template: str
    js_on_load: str
    apply_default_css: bool


def read(folder: Path, scripts: tuple[str, ...]) -> Sources:
    """Read a widget's folder: ``{name}.html``, ``{name}.css``, and ``js/`` in the order of ``scripts``.

    The scripts run as one function, after those that all widgets share. Gradio reads HTML and CSS as templates, so
    neither may hold a backquote, a backslash, ``${`` or ``{{``; raises ``ValueError`` where one does.
    """
    html, css = (_text(folder / f"{folder.name}.{kind}") for kind in ("html", "css"))
    for name, text in (("html", html), ("css", css)):
        if any(mark in text for mark in ("`", "\\", "${", "{{")):
            raise ValueError(f"{folder.name}.{name} holds a mark that Gradio reads as a template.")
    shared = [_SHARED / f"{name}.js" for name in ("dom", "page", "time")]
    own = [folder / "js" / f"{name}.js" for name in scripts]
    script = "\n".join(["'use strict';", *(_text(path) for path in [*shared, *own])])
    return {"html_template": html, "css_template": css, "js_on_load": script, "apply_default_css": False}


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")
