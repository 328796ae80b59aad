/** How long after the last movement a slider, and after the last letter a note, is saved, ms. */
const SLIDER_PAUSE = 300;
const NOTE_PAUSE = 900;

/** Several emotions by degree, how intense, and a note: everything beyond one plain emotion. */
class DegreeEditor {
  constructor(panel) {
    this.panel = panel;
    this.sliders = new Map();
    this.pending = null;
    this.item = null;
    this.list = make("div", { class: "tl-sliders" });
    this.intensity = this.slider("intensity", (value) => this.change({ intensity: value }, SLIDER_PAUSE));
    this.clear = make("button", { type: "button", class: "st-button tl-small", onclick: () => this.change({ intensity: null }, 0) }, "not given");
    this.copy = make("button", { type: "button", class: "st-button tl-small", onclick: () => this.takeModels() }, "take the model's degrees");
    this.note = make("textarea", {
      rows: 2, maxlength: 2000, "aria-label": "Note on this segment", placeholder: "Note",
      oninput: () => this.change({ note: this.note.value }, NOTE_PAUSE),
      onchange: () => this.flush(),
    });
    this.element = make(
      "details",
      { class: "tl-editor" },
      make("summary", {}, "Degrees of several emotions, intensity, note"),
      this.list,
      this.copy,
      make("div", { class: "tl-slider-row" }, make("span", {}, "intensity"), this.intensity.input, this.intensity.value, this.clear),
      this.note,
    );
    this.element.open = recall("editor", false);
    this.element.addEventListener("toggle", () => remember("editor", this.element.open));
  }

  /** Whether somebody is writing or moving a slider here, so that the selection had better stay. */
  get inUse() {
    return Boolean(this.pending) || (this.element.contains(document.activeElement) && document.activeElement.matches("input, textarea"));
  }

  /** Open it and put the focus on its first slider; Escape goes back to the timeline. */
  enter() {
    this.element.open = true;
    this.sliders.values().next().value?.input.focus();
  }

  slider(label, onInput) {
    const value = make("output", {}, "–");
    const input = make("input", {
      type: "range", min: 0, max: 1, step: 0.05, "aria-label": label,
      oninput: () => {
        write(value, degreeText(Number(input.value)));
        onInput(Number(input.value));
      },
      onchange: () => this.flush(),
    });
    return { input, value };
  }

  setEmotions(emotions) {
    this.sliders.clear();
    const rows = emotions.map((emotion) => {
      const slider = this.slider(`Degree of ${emotion.name}`, () => this.changeDegrees());
      this.sliders.set(emotion.name, slider);
      return make("label", { class: "tl-slider-row" }, badge(emotion), make("span", {}, emotion.name), slider.input, slider.value);
    });
    this.list.replaceChildren(...rows);
  }

  render(item) {
    if (this.pending && !sameItem(this.pending.item, item)) this.flush();
    if (this.pending) return;
    const degrees = item.mine?.degrees || {};
    for (const [name, slider] of this.sliders) this.place(slider, degrees[name] || 0);
    this.place(this.intensity, item.mine?.intensity ?? null);
    if (document.activeElement !== this.note || !sameItem(this.item, item)) this.note.value = item.mine?.note || "";
    this.item = item;
    for (const control of [this.note, this.intensity.input, this.clear]) control.disabled = !item.mine;
    this.note.placeholder = item.mine ? "Note" : "Note: choose an emotion first";
    show(this.copy, Boolean(item.suggestion));
    show(this.clear, Boolean(item.mine) && item.mine.intensity !== null);
  }

  place({ input, value }, number) {
    input.value = number ?? 0;
    write(value, number === null ? "–" : degreeText(number));
  }

  changeDegrees() {
    const degrees = {};
    for (const [name, { input }] of this.sliders) if (Number(input.value) > 0) degrees[name] = Number(input.value);
    if (Object.keys(degrees).length) this.change({ degrees }, SLIDER_PAUSE);
    else this.forget();
  }

  /** Start from what the model says, in steps of the sliders. */
  takeModels() {
    const memberships = this.panel.model.selected?.suggestion?.memberships || {};
    const steps = Object.entries(memberships).map(([name, degree]) => [name, Math.round(degree * 20) / 20]);
    const degrees = Object.fromEntries(steps.filter(([, degree]) => degree > 0));
    if (Object.keys(degrees).length) this.change({ degrees }, 0);
  }

  /** Remember a change and save it after a pause, or when something else is selected. */
  change(values, pause) {
    const item = this.panel.model.selected;
    if (!item) return;
    this.pending = { item, values: { ...(this.pending?.values || {}), ...values } };
    this.panel.actions.work.showUnderway();
    clearTimeout(this.timer);
    if (pause) this.timer = setTimeout(() => this.flush(), pause);
    else this.flush();
  }

  flush() {
    if (!this.pending) return;
    const { item, values } = this.pending;
    this.forget();
    this.panel.actions.save(item, values);
  }

  /** Let go of a change that is not saved yet: another takes its place. */
  forget() {
    clearTimeout(this.timer);
    this.pending = null;
    this.panel.actions.work.showUnderway();
  }
}

/** Whether two items are the same annotation or, where nobody has labelled them, the same stretch. */
function sameItem(one, other) {
  if (one.mine || other.mine) return one.mine?.uid === other.mine?.uid;
  return one.start_s === other.start_s && one.end_s === other.end_s;
}
