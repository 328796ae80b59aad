/** The keys of the widget by what they are for: [keys, what they do, the action]. The help sheet is made from the same list. */
const COMMANDS = {
  Labelling: [
    [["Enter"], "accept the suggestion, go to the next (Shift: all that the model is sure of)", "accept"],
    [["w"], "skip: leave it unanswered", "skip"],
    [["/"], "find an emotion by its name", "find"],
    [["d"], "degrees of several emotions, intensity, note", "details"],
    [["Delete", "Backspace"], "remove your annotation", "remove", "Del"],
    [["t"], "paint while playing: hold an emotion's key while it lasts", "paint"],
    [["f"], "this clip is finished, or not after all", "finish"],
  ],
  Segments: [
    [["Insert"], "new segment at the cursor", "newHere"],
    [["i"], "let it start at the cursor", "startHere"],
    [["o"], "let it end at the cursor", "endHere"],
    [["z"], "0.1 s earlier (Shift 1 s)", "nudgeBack"],
    [["x"], "0.1 s later (Shift 1 s)", "nudgeOn"],
    [["s"], "split it at the cursor", "split"],
    [["m"], "merge it with your next one", "merge"],
    [["Escape"], "let go of a new segment", "letGo", "Esc"],
  ],
  Finding: [
    [["j", "ArrowDown"], "next segment", "next", "J ↓"],
    [["k", "ArrowUp"], "previous segment", "previous", "K ↑"],
    [["n"], "next segment that needs attention", "nextUnsure"],
    [["PageDown"], "next clip of the queue", "nextClip", "Page ↓"],
    [["PageUp"], "previous clip of the queue", "previousClip", "Page ↑"],
    [["h"], "history of the segment and the clip", "history"],
    [["v"], "show the model's answers where labels come first", "reveal"],
    [["r"], "review: settle what people say differently", "review"],
  ],
  Playing: [
    [[" "], "play or pause", "play", "Space"],
    [["p"], "play the selected segment", "playItem"],
    [["u"], "play each segment as it is reached, on or off", "autoplay"],
    [["l"], "repeat on or off", "loop"],
    [["<"], "slower", "slower"],
    [[">"], "faster", "faster"],
    [["ArrowLeft"], "back 0.5 s (Shift 5 s)", "back", "←"],
    [["ArrowRight"], "on 0.5 s (Shift 5 s)", "forth", "→"],
    [[","], "one frame back", "frameBack"],
    [["."], "one frame on", "frameOn"],
  ],
  "The view": [
    [["+", "="], "zoom in", "zoomIn", "+"],
    [["-"], "zoom out", "zoomOut", "−"],
    [["0"], "show the whole clip", "zoomAll"],
    [["?"], "this sheet", "help"],
  ],
};

/**
 * Whether somebody is typing, or moving a slider or a menu, so that the key belongs there. Not so where a button has the
 * focus only because it was `clicked` with a pointer, or because its dialog has closed and nothing was drawn since.
 */
function keyIsTaken(event, clicked) {
  const target = event.target instanceof Element ? event.target : null;
  if (target?.closest("dialog:not([open])")) return false;
  if (!target || target.isContentEditable) return true;
  const { tagName: tag, type } = target;
  if (tag === "TEXTAREA" || tag === "SELECT") return true;
  if (tag === "INPUT" && type !== "range" && type !== "checkbox") return true;
  if (tag === "INPUT" && type === "range") return event.key.startsWith("Arrow") || event.key.startsWith("Page");
  const pressable = target.closest("button, summary, a, [role=tab], input");
  const presses = event.key === " " || event.key === "Enter" || (pressable?.role === "tab" && event.key.startsWith("Arrow"));
  return Boolean(pressable) && presses && target !== clicked;
}

/** Listens for keys on the whole page while the widget is in sight, so that they work wherever the focus is. */
class Keys {
  constructor(root, work) {
    const { model, actions, painting, life } = work;
    Object.assign(this, { root, work, model, actions, painting });
    this.byKey = new Map(Object.values(COMMANDS).flat().flatMap(([keys, , action]) => keys.map((key) => [key, action])));
    document.addEventListener("keydown", (event) => this.press(event), { signal: life });
    document.addEventListener("keyup", (event) => painting.end(event.code), { signal: life });
    document.addEventListener("pointerdown", () => (this.pointing = performance.now()), { signal: life, capture: true });
    document.addEventListener("focusin", (event) => this.noteFocus(event), { signal: life });
    root.addEventListener("click", (event) => this.keepFocus(event), { signal: life });
  }

  get inSight() {
    return this.root.offsetParent !== null && !document.querySelector("dialog[open]");
  }

  press(event) {
    if (!this.inSight || event.defaultPrevented || event.isComposing) return;
    if (event.key === "Escape" && this.root.contains(document.activeElement)) this.root.focus({ preventScroll: true });
    if (keyIsTaken(event, this.clicked)) return;
    const run = this.meaning(event);
    if (!run) return;
    event.preventDefault();
    if (event.target === this.clicked) this.root.focus({ preventScroll: true });
    run();
  }

  /** Remember what has the focus because of a pointer: its keys belong to the timeline all the same. */
  noteFocus(event) {
    this.clicked = performance.now() - (this.pointing || -Infinity) < 400 ? event.target : null;
  }

  meaning(event) {
    const { actions } = this;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (event.ctrlKey || event.metaKey) {
      if (key === "z") return () => this.work.run(event.shiftKey ? "redo" : "undo");
      return key === "y" ? () => this.work.run("redo") : null;
    }
    if (event.altKey) return null;
    const digit = /^(?:Digit|Numpad)([1-9])$/.exec(event.code)?.[1];
    const emotion = this.model.emotions.find((each) => each.key && (each.key === digit || (each.key === key && !event.shiftKey)));
    if (emotion && this.work.leaving) return null;
    if (emotion && this.painting.ready) return () => event.repeat || this.painting.begin(event.code, emotion.name);
    if (emotion) return () => actions.choose(emotion.name, event.shiftKey);
    const action = this.byKey.get(event.key) || this.byKey.get(key);
    return action ? () => this.work.run(action, event.shiftKey) : null;
  }

  /** After a click with a pointer the keys belong to the timeline again; after Tab and Enter the focus stays. */
  keepFocus(event) {
    const pressed = event.target instanceof Element && event.target.closest("button, summary");
    if (pressed && event.detail > 0 && !event.target.closest("dialog")) this.root.focus({ preventScroll: true });
  }
}

/** The sheet with all keys. */
function helpSheet(emotions) {
  const key = (text) => make("kbd", {}, text.length === 1 ? text.toUpperCase() : text);
  const line = (keys, what) => make("div", { class: "tl-key" }, make("span", {}, ...keys.map(key)), make("span", {}, what));
  const group = ([title, commands]) => [
    make("h4", {}, title),
    make("div", { class: "tl-key-list" }, ...commands.map(([keys, what, , shown]) => line(shown ? shown.split(" ") : [keys[0]], what))),
  ];
  const labels = emotions.filter((each) => each.key).map((each) => line([each.key], each.name));
  return make(
    "form",
    { method: "dialog", class: "tl-sheet" },
    make("div", { class: "tl-sheet-head" }, make("h3", {}, "Keys"), make("button", { class: "st-button", autofocus: true }, "close")),
    make("h4", {}, "Emotions (with Shift: and go to the next segment)"),
    make("div", { class: "tl-key-list" }, ...labels),
    make("div", { class: "tl-key-list" }, line(["Ctrl", "Z"], "undo"), line(["Ctrl", "Shift", "Z"], "redo (also Ctrl Y)")),
    ...Object.entries(COMMANDS).flatMap(group),
    make("h4", {}, "Mouse and fingers"),
    make("ul", {},
      make("li", {}, "Click: go there and select. Double click: play the segment."),
      make("li", {}, "Drag on your lane: a new segment. Drag a segment of yours: move it; drag its edge: change one edge (Alt: without snapping)."),
      make("li", {}, "Drag elsewhere, or Shift and wheel: move the timeline. Ctrl and wheel, or two fingers: zoom.")),
  );
}

/** Ask which of two versions of a segment holds; resolves to "mine" or "theirs". */
function askConflict(dialog, { sentence, current, wanted }) {
  const version = (title, annotation, value, empty) =>
    make(
      "button",
      { class: "tl-version", value },
      make("strong", {}, title),
      make("span", {}, annotation ? sayDegrees(annotation.degrees) : empty),
      annotation ? make("span", {}, stretch(annotation.start_s, annotation.end_s)) : null,
      annotation?.note ? make("span", {}, `“${annotation.note}”`) : null,
    );
  dialog.replaceChildren(
    make(
      "form",
      { method: "dialog", class: "tl-sheet" },
      make("h3", {}, "This segment was changed elsewhere meanwhile"),
      make("p", {}, sentence),
      make(
        "div",
        { class: "tl-versions" },
        version("Keep what is saved", current, "theirs", "removed"),
        version("Save yours", wanted, "mine", "remove it"),
      ),
    ),
  );
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("cancel", (event) => event.preventDefault(), { once: true });
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "mine" ? "mine" : "theirs"), { once: true });
  });
}
