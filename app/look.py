"""The look of the studio: one theme, one set of CSS variables in light and dark, system fonts, nothing from outside.

Pages and widgets use the variables below (``var(--st-panel)`` …) and never a colour of their own, except for the
colours of the emotions, which belong to the study.
"""

from pathlib import Path
from typing import Any

from gradio.themes import Base
from gradio.themes.utils import colors, sizes

_SANS = ("system-ui", "-apple-system", "'Segoe UI'", "Roboto", "'Noto Sans'", "'DejaVu Sans'", "sans-serif")
_MONO = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "'DejaVu Sans Mono'", "monospace")

#: Name of a variable: (light, dark). Text on ground is at least 4.5 : 1 in both.
COLOURS: dict[str, tuple[str, str]] = {
    "ground": ("#f3f5f8", "#101318"),
    "panel": ("#ffffff", "#181c23"),
    "raised": ("#eef1f5", "#222832"),
    "line": ("#d5dbe3", "#323a46"),
    "text": ("#161b22", "#e8ebf0"),
    "soft": ("#55606e", "#a3aebc"),
    "accent": ("#1f55c4", "#8ab0ff"),
    "on-accent": ("#ffffff", "#0c1526"),
    "tint": ("#e4ecfd", "#1e2b45"),
    "ok": ("#17703f", "#63d296"),
    "warn": ("#8a5200", "#f2b65a"),
    "bad": ("#b3261e", "#ff9a90"),
    "cursor": ("#d0021b", "#ff5a6a"),
}


def _theme() -> Base:
    def pair(name: str, target: str) -> dict[str, str]:
        light, dark = COLOURS[name]
        return {target: light, f"{target}_dark": dark}

    theme = Base(
        primary_hue=colors.blue,
        secondary_hue=colors.slate,
        neutral_hue=colors.slate,
        text_size=sizes.text_md,
        spacing_size=sizes.spacing_sm,
        radius_size=sizes.radius_md,
        font=_SANS,
        font_mono=_MONO,
    )
    return theme.set(
        **pair("ground", "body_background_fill"),
        **pair("text", "body_text_color"),
        **pair("soft", "body_text_color_subdued"),
        **pair("panel", "background_fill_primary"),
        **pair("raised", "background_fill_secondary"),
        **pair("panel", "block_background_fill"),
        **pair("line", "block_border_color"),
        **pair("line", "border_color_primary"),
        **pair("soft", "block_label_text_color"),
        **pair("text", "block_title_text_color"),
        **pair("panel", "input_background_fill"),
        **pair("line", "input_border_color"),
        **pair("accent", "button_primary_background_fill"),
        **pair("accent", "button_primary_background_fill_hover"),
        **pair("on-accent", "button_primary_text_color"),
        **pair("raised", "button_secondary_background_fill"),
        **pair("text", "button_secondary_text_color"),
        **pair("accent", "link_text_color"),
        block_shadow="none",
        block_border_width="1px",
        button_primary_shadow="none",
        button_secondary_shadow="none",
    )


def _variables(which: int) -> str:
    return " ".join(f"--st-{name}: {pair[which]};" for name, pair in COLOURS.items())


THEME = _theme()

_ROOT = f"""
:root {{ {_variables(0)} --st-sans: {", ".join(_SANS)}; --st-mono: {", ".join(_MONO)}; --st-round: 7px; }}
:root.dark, body.dark, .dark {{ {_variables(1)} }}
"""

#: The style sheet of every page; widgets add their own.
CSS = _ROOT + Path(__file__).with_suffix(".css").read_text(encoding="utf-8")

#: Says how the page fits a phone and keeps the choice of light or dark before anything is drawn.
HEAD = """
<meta name="color-scheme" content="light dark">
<script>
(() => {
  const asked = new URLSearchParams(location.search).get("__theme");
  let kept = null;
  try { kept = localStorage.getItem("stf2m.look"); } catch (error) { kept = null; }
  const system = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  const look = ["light", "dark"].includes(asked) ? asked : kept || system;
  const wear = () => document.body && document.body.classList.toggle("dark", look === "dark");
  wear();
  addEventListener("DOMContentLoaded", wear);
})();
</script>
"""

#: Turns light into dark and back, and remembers it in this browser.
TOGGLE_DARK = """
() => {
  const dark = document.body.classList.toggle("dark");
  try { localStorage.setItem("stf2m.look", dark ? "dark" : "light"); } catch (error) { console.debug(error); }
}
"""


#: The tabs beside Annotate, and plots in light and dark.
PAGES = (Path(__file__).parent / "pages" / "pages.css").read_text(encoding="utf-8")

_SCRIPTS = ("widgets/shared/dom.js", "widgets/shared/page.js", "pages/take_away.js")
#: Saves figures and other files, on every tab.
TAKE_AWAY = "\n".join((Path(__file__).parent / name).read_text(encoding="utf-8") for name in _SCRIPTS)


def launch_options() -> dict[str, Any]:
    """What the look needs of ``Blocks.launch``."""
    head = f"{HEAD}<script>(() => {{\n{TAKE_AWAY}\n}})();</script>"
    return {"theme": THEME, "css": CSS + PAGES, "head": head, "footer_links": [], "ssr_mode": False}
