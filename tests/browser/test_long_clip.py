"""The timeline of a clip of one hour with 2,000 suggestions: drawn within a frame at every zoom, and never more of it.

The widget alone, in a real Chromium, with the payload that the server would send.
"""

import math
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from app import look
from app.widgets import folder, timeline

pytestmark = pytest.mark.browser

DURATION_S = 3600.0
EMOTIONS = [("angry", "#e69f00"), ("happy", "#009e73"), ("neutral", "#f0e442"), ("sad", "#56b4e9")]
#: A frame at 60 Hz. The fastest of several repeats counts: others may be using the same cores.
FRAME_MS = 16.0

START = """
async ({script, payload}) => {
  const opened = {timeline: payload};
  const answers = {open: opened, readiness: {counts: {}, missing: ""}, explain: {refused: "Not now."}};
  const server = new Proxy({}, {get: (_, name) => async () => structuredClone(answers[name] || {})});
  const body = script + "; return {work, changedStretches};";
  const run = Function("element", "trigger", "props", "server", "upload", "watch", body);
  Object.assign(window, run(document.querySelector("#timeline"), () => {}, {value: null}, server, null, () => {}));
  await work.setWho({study: 1, annotator: 1, name: "Ana"});
  await work.open(1);
}
"""

#: The fastest of `repeats` runs, ms.
FASTEST = """
(repeats, run) => {
  let best = Infinity;
  for (let repeat = 0; repeat < repeats; repeat++) {
    const started = performance.now();
    run(repeat);
    best = Math.min(best, performance.now() - started);
  }
  return best;
}
"""


def _payload(duration_s: float = DURATION_S, suggestions: int = 2000) -> dict[str, Any]:
    step = duration_s / suggestions
    names = [name for name, _ in EMOTIONS]
    frames = round(duration_s * 10)
    return {
        "clip": {"id": 1, "name": "an hour", "duration_s": duration_s, "media_url": "/clip/1", "has_video": False,
                 "has_sound": True, "notes": []},
        "emotions": [
            {"name": name, "letter": name[0], "key": str(key + 1), "colour": colour}
            for key, (name, colour) in enumerate(EMOTIONS)
        ],
        "suggestions": [
            {"start_s": index * step, "end_s": (index + 1) * step, "emotion": names[index % 4], "degree": 0.6,
             "memberships": dict.fromkeys(names, 0.25), "uncertainty": (index % 10) / 10, "shares": {"voice": 1.0}}
            for index in range(suggestions)
        ],
        "before": None,
        "annotations": [
            {"id": index, "version": 1, "annotator": "Ana", "mine": True, "start_s": index * 8 * step,
             "end_s": (index * 8 + 1) * step, "emotion": "sad", "degrees": {"sad": 1.0}, "intensity": None, "note": ""}
            for index in range(1, suggestions // 8)
        ],
        "lanes": [
            {"name": name, "modality": "voice", "unit": "Hz", "low": 0, "high": 2, "rate_hz": 10,
             "values": [None if frame % 97 < 9 else round(1 + math.sin(frame / rate), 3) for frame in range(frames)]}
            for name, rate in (("smile", 7), ("pitch", 31), ("loudness", 3))
        ],
        "words": [{"text": "word", "start_s": at / 3, "end_s": at / 3 + 0.3} for at in range(round(duration_s * 3))],
        "segment_s": 2.0, "hop_s": 0.5, "can_undo": False, "can_redo": False,
        "version": {"id": 1, "number": 1, "label": "model 1"}, "review": False, "mode": "suggestions first",
        "unsure": 0.6, "finished": False, "position_s": 0.0, "reaction_s": None,
    }  # fmt: skip


@pytest.fixture(scope="module")
def page(browser: Browser):
    sources = folder.read(Path(timeline.__file__).parent, timeline.SCRIPTS)
    style = f"<style>{look.CSS}</style><style>#timeline {{ {sources['css_template']} }}</style>"
    body = f"<!doctype html><meta charset='utf-8'>{style}<div id='timeline'>{sources['html_template']}</div>"
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    opened = context.new_page()
    opened.route("http://studio.test/**", lambda route: route.fulfill(body=body, content_type="text/html"))
    opened.goto("http://studio.test/")
    opened.evaluate(START, {"script": sources["js_on_load"], "payload": _payload()})
    yield opened
    context.close()


@pytest.mark.parametrize("span_s", [3600, 600, 60, 5])
def test_the_timeline_is_drawn_within_a_frame(page: Page, span_s: float):
    took = page.evaluate(
        f"""(span) => ({FASTEST})(12, () => {{
            work.scale.show(1000, 1000 + span);
            work.painter.paint();
            work.painter.context.getImageData(0, 0, 1, 1);
        }})""",
        span_s,
    )
    assert took < FRAME_MS, f"{took:.1f} ms for {span_s} s"


def test_following_playback_stays_within_a_frame(page: Page):
    took = page.evaluate(
        f"""() => {{
            work.scale.show(0, 20);
            return ({FASTEST})(60, (repeat) => {{
                work.scale.follow(15 + repeat / 60);
                work.model.setTime(15 + repeat / 60);
                work.painter.paint();
            }});
        }}"""
    )
    assert took < FRAME_MS
    assert page.evaluate("work.scale.from") > 0


def test_the_page_does_not_grow_with_the_clip(page: Page):
    assert page.evaluate("document.querySelectorAll('#timeline *').length") < 500


def test_keys_reach_every_item_of_a_long_clip(page: Page):
    page.evaluate("work.model.select(null); work.actions.seek(1800)")
    page.keyboard.press("j")
    assert page.evaluate("work.model.selected.start_s") == pytest.approx(1800, abs=2)
    page.keyboard.press("n")
    assert page.evaluate("work.model.selected.suggestion.uncertainty") >= 0.6
    assert page.evaluate("work.scale.from <= work.model.selected.start_s && work.model.selected.end_s <= work.scale.to")


def test_changed_stretches_are_found_wherever_two_answers_differ(page: Page):
    changed = page.evaluate(
        """() => {
            const list = (...parts) => parts.map(([start_s, end_s, emotion]) => ({start_s, end_s, emotion}));
            const before = list([0, 4, "sad"], [4, 6, "happy"], [8, 10, "sad"]);
            const after = list([0, 3, "sad"], [3, 6, "happy"], [6, 10, "sad"]);
            return changedStretches(before, after);
        }"""
    )
    assert changed == [
        {"start_s": 3, "end_s": 4, "from": "sad", "to": "happy"},
        {"start_s": 6, "end_s": 8, "from": None, "to": "sad"},
    ]
