"""The timeline widget alone, with the payload that the server would send and answers that a test decides about."""

import math
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page

from app import look
from app.widgets import folder, timeline

EMOTIONS = [("angry", "#e69f00"), ("happy", "#009e73"), ("neutral", "#f0e442"), ("sad", "#56b4e9")]

#: Calls of the server are noted in `asked`, with what they say in `sent`; while `held` names one, its answers wait for
#: `release(name)`, and while `lost` names one, no answer arrives. What is corrected is saved unless all is `refused`.
#: `answers` are values, or functions of what was said.
START = """
async ({script, payload, answers}) => {
  const waiting = {};
  let made = 10000;
  const release = (name) => (waiting[name] || []).splice(0).forEach((go) => go());
  Object.assign(window, {asked: [], sent: [], held: new Set(), lost: new Set(), refused: false, release});
  const answer = async (name, body) => {
    window.asked.push(name);
    window.sent.push({name, ...structuredClone(body)});
    if (window.held.has(name)) await new Promise((go) => (waiting[name] ||= []).push(go));
    if (window.lost.has(name)) return undefined;
    const found = window.answers[name];
    if (name === "correct" && window.refused) return {refused: "No."};
    if (name !== "correct") return structuredClone((typeof found === "function" ? found(body) : found) || {});
    const {annotation_id: id, version, degrees} = body;
    const own = {annotator: "Ana", emotion: Object.keys(degrees)[0], mine: true};
    return {annotation: {...body, ...own, id: id || ++made, version: (version || 0) + 1}};
  };
  const open = ({clip}) => ({timeline: {...payload, clip: {...payload.clip, id: clip, name: `clip ${clip}`}}});
  const usual = {open, readiness: {counts: {}, missing: ""}, explain: {refused: "Not now."}};
  window.answers = {...usual, ...answers};
  const server = new Proxy({}, {get: (_, name) => (body) => answer(name, body)});
  const body = script + "; return {work, changedStretches};";
  const run = Function("element", "trigger", "props", "server", "upload", "watch", body);
  Object.assign(window, run(document.querySelector("#timeline"), () => {}, {value: null}, server, null, () => {}));
  await work.setWho({study: 1, annotator: 1, name: "Ana"});
  await work.open(1);
}
"""


def opened(browser: Browser, timeline_: dict[str, Any], **answers: dict[str, Any]) -> Page:
    """A page with nothing but the widget, in a browser of its own; close ``page.context`` at the end."""
    sources = folder.read(Path(timeline.__file__).parent, timeline.SCRIPTS)
    style = f"<style>{look.CSS}</style><style>#timeline {{ {sources['css_template']} }}</style>"
    body = f"<!doctype html><meta charset='utf-8'>{style}<div id='timeline'>{sources['html_template']}</div>"
    page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    page.route("http://studio.test/**", lambda route: route.fulfill(body=body, content_type="text/html"))
    page.goto("http://studio.test/")
    page.evaluate(START, {"script": sources["js_on_load"], "payload": timeline_, "answers": answers})
    return page


def payload(duration_s: float, suggestions: int) -> dict[str, Any]:
    """A timeline as the server sends it, with suggestions one after another and every eighth of them labelled."""
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
