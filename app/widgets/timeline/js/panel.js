/** From this uncertainty on nothing fits: the model does not know, and what it suggests is a guess. */
const AT_A_LOSS = 0.8;

/** How sure the model is, in words. */
function certainty(uncertainty) {
  const words = [[0.25, "sure"], [0.45, "fairly sure"], [0.6, "not quite sure"], [AT_A_LOSS, "unsure"], [Infinity, "very unsure"]];
  return words.find(([limit]) => uncertainty < limit)[1];
}

/** What people call a modality. */
const MODALITY_WORDS = { text: "words" };

/**
 * The panel of the selected segment: its time, what the person and the model say, the emotions as buttons with the
 * model's degrees as bars, several degrees, intensity and note, and why the model answers so.
 */
class Panel {
  constructor(element, { model, actions }) {
    Object.assign(this, { element, model, actions });
    this.rows = new Map();
    this.build();
  }

  build() {
    const part = (name, tag = "div", ...children) => (this[name] = make(tag, { class: `tl-${name}` }, ...children));
    const icon = (text, label, run) =>
      make("button", { type: "button", class: "st-icon", "aria-label": label, title: label, onclick: run }, text);
    this.remover = make("button", { type: "button", class: "st-button tl-small", onclick: () => this.actions.remove() }, "remove");
    this.accepter = make(
      "button",
      { type: "button", class: "st-button st-primary tl-small", title: "Accept and go to the next (Enter)", onclick: () => this.actions.accept() },
      "accept ⏎",
    );
    this.head = make(
      "div",
      { class: "tl-head" },
      part("when", "h3"),
      icon("‹", "Previous segment (K)", () => this.actions.previous()),
      icon("›", "Next segment (J)", () => this.actions.next()),
    );
    part("said", "p");
    part("people");
    this.finder = make("input", {
      type: "text", class: "tl-finder", hidden: true, "aria-label": "Find an emotion by its name", placeholder: "first letters, then Enter",
      oninput: () => this.filter(), onkeydown: (event) => this.findKey(event), onblur: () => this.stopFinding(),
    });
    part("emotions");
    this.emotions.setAttribute("role", "group");
    this.emotions.setAttribute("aria-label", "Emotion of the selected segment");
    this.editor = new DegreeEditor(this);
    part("why");
    this.body = make(
      "div",
      { class: "tl-panel-body" },
      this.head,
      make("div", { class: "tl-said-row" }, this.said, this.accepter, this.remover),
      this.people,
      part("painted", "p"),
      this.finder,
      this.emotions,
      this.editor.element,
      this.why,
    );
    this.hint = make("p", { class: "tl-hint" }, "Click a segment on the timeline, or press J, to see what the model says there and to correct it.");
    this.element.replaceChildren(this.hint, this.body);
  }

  /** The emotions of another study: make their buttons anew. */
  setEmotions(emotions) {
    this.rows.clear();
    for (const emotion of emotions) {
      const bar = make("span", { class: "tl-fill", style: { background: emotion.colour } });
      const value = make("span", { class: "tl-degree" });
      const mark = make("span", { class: "tl-mark", "aria-hidden": "true" });
      const button = make(
        "button",
        {
          type: "button", class: "tl-emotion", "aria-pressed": "false", "data-emotion": emotion.name,
          onclick: () => this.actions.work.painting.ready || this.actions.choose(emotion.name),
          onpointerdown: (event) => this.press(event, emotion.name),
        },
        make("kbd", {}, emotion.key || "·"),
        badge(emotion),
        make("span", { class: "tl-emotion-name" }, emotion.name),
        make("span", { class: "tl-track" }, bar),
        value,
        mark,
      );
      this.rows.set(emotion.name, { button, bar, value, mark, emotion });
    }
    this.emotions.replaceChildren(...[...this.rows.values()].map((row) => row.button));
    this.editor.setEmotions(emotions);
  }

  /** A finger or the mouse paints as a key does: for as long as it is down. */
  press({ pointerId }, emotion) {
    const { painting, life } = this.actions.work;
    if (!painting.ready) return;
    const name = `pointer ${pointerId}`;
    painting.begin(name, emotion);
    const up = new AbortController();
    const end = () => {
      up.abort();
      // The click that follows must still find the clip being painted.
      setTimeout(() => painting.end(name), 0);
    };
    for (const kind of ["pointerup", "pointercancel"]) addEventListener(kind, end, { signal: AbortSignal.any([up.signal, life]) });
  }

  /** Show the selected item. */
  render() {
    const item = this.model.selected;
    show(this.hint, !item);
    show(this.body, Boolean(item));
    if (!item) return;
    write(this.when, stretch(item.start_s, item.end_s));
    this.renderSaid(item);
    this.renderPeople(item);
    this.renderPainted(item);
    this.renderDegrees(item, item.suggestion?.memberships);
    this.editor.render(item);
  }

  renderSaid(item) {
    const { suggestion, mine } = item;
    const parts = [];
    if (item.draft) parts.push("New segment: choose its emotion.");
    if (mine) parts.push(make("span", {}, "You: "), make("strong", {}, sayDegrees(mine.degrees)));
    if (suggestion?.said && !mine && !item.draft) {
      parts.push(this.model.isUnsure(suggestion) ? make("strong", { class: "tl-unsure" }, "People differ here.") : "People agree: ");
      if (!this.model.isUnsure(suggestion)) parts.push(make("strong", {}, suggestion.emotion));
    } else if (suggestion?.said) {
      // What each of them says stands below.
    } else if (suggestion && !mine && !item.draft) {
      const sure = certainty(suggestion.uncertainty);
      const lost = suggestion.uncertainty >= AT_A_LOSS;
      if (lost) parts.push(make("strong", {}, "The model does not know."), ` Its guess: ${suggestion.emotion}`);
      else parts.push("Suggested: ", make("strong", {}, suggestion.emotion));
      parts.push(` ${degreeText(suggestion.degree)} · `);
      parts.push(make("span", { class: this.model.isUnsure(suggestion) ? "tl-unsure" : "tl-sure" }, sure));
    } else if (suggestion && mine) {
      parts.push(make("span", { class: "tl-against" }, ` · suggested: ${suggestion.emotion} ${degreeText(suggestion.degree)}`));
    } else if (!suggestion && !mine && !item.draft) {
      parts.push(this.model.hides ? "Not labelled yet. The model's answer shows once you have." : "The model says nothing here.");
    }
    this.said.replaceChildren(...parts);
    show(this.remover, Boolean(mine));
    show(this.accepter, Boolean(suggestion && !mine && !item.draft));
  }

  /** What each person says, side by side, to be taken over into the consensus. */
  renderPeople(item) {
    const said = Object.entries(item.suggestion?.said || {});
    show(this.people, said.length > 0);
    this.people.replaceChildren(
      ...said.map(([person, degrees]) => {
        const there = Object.keys(degrees).length > 0;
        const take = () => this.actions.take(degrees);
        return make(
          "div",
          { class: "tl-person" },
          make("strong", {}, person),
          make("span", {}, there ? sayDegrees(degrees) : "nothing"),
          there ? make("button", { type: "button", class: "st-button tl-small", "aria-label": `Take what ${person} says`, onclick: take }, "take") : null,
        );
      }),
    );
  }

  /** What a painted segment's key said, and the way back to it. */
  renderPainted(item) {
    const painted = item.mine?.painted;
    show(this.painted, Boolean(painted?.reaction_s));
    if (!painted?.reaction_s) return;
    const corrected = Math.max(0, painted.start_s - painted.reaction_s);
    const raw = Math.abs(item.start_s - painted.start_s) < 1e-3;
    const run = () => this.actions.work.editing.useRaw(!raw);
    const way = make("button", { type: "button", class: "st-button tl-small", onclick: run }, raw ? "take it off" : "use the key's time");
    const line = raw
      ? `Painted; the reaction time of ${painted.reaction_s.toFixed(2)} s is not taken off (${corrected.toFixed(2)} s without it). `
      : `Painted from ${painted.start_s.toFixed(2)} s; ${painted.reaction_s.toFixed(2)} s of reaction time taken off. `;
    this.painted.replaceChildren(line, way);
  }

  // --- finding an emotion by its name -----------------------------------------------------------------------------

  startFinding() {
    this.finder.value = "";
    show(this.finder, true);
    this.filter();
    this.finder.focus();
  }

  stopFinding() {
    show(this.finder, false);
    for (const { button } of this.rows.values()) show(button, true);
  }

  /** The names that hold what was typed, those that begin with it first. */
  found() {
    const text = this.finder.value.trim().toLowerCase();
    const names = [...this.rows.keys()].filter((name) => name.toLowerCase().includes(text));
    return names.sort((a, b) => b.toLowerCase().startsWith(text) - a.toLowerCase().startsWith(text));
  }

  filter() {
    const found = new Set(this.found());
    for (const [name, { button }] of this.rows) show(button, found.has(name));
  }

  findKey(event) {
    if (event.key !== "Enter" && event.key !== "Escape") return;
    event.preventDefault();
    const [name] = event.key === "Enter" ? this.found() : [];
    this.stopFinding();
    this.actions.work.root.focus({ preventScroll: true });
    if (name) this.actions.choose(name, event.shiftKey);
  }

  renderDegrees(item, memberships) {
    const chosen = item.mine?.degrees || {};
    for (const [name, row] of this.rows) {
      const degree = memberships?.[name];
      row.bar.style.width = `${100 * (degree || 0)}%`;
      write(row.value, degree === undefined ? "" : degreeText(degree));
      const own = chosen[name] || 0;
      row.button.setAttribute("aria-pressed", String(own > 0));
      row.button.classList.toggle("tl-top", item.mine ? item.mine.emotion === name : item.suggestion?.emotion === name);
      write(row.mark, own === 0 ? "" : own === 1 ? "✓" : `✓ ${degreeText(own)}`);
      const model = degree === undefined ? "" : `, model ${degreeText(degree)}`;
      row.button.setAttribute("aria-label", `${name}${row.emotion.key ? `, key ${row.emotion.key}` : ""}${model}`);
    }
  }

  /** While the reasons are on their way. */
  waitForWhy() {
    this.explained = true;
    this.why.classList.add("tl-stale");
  }

  /** Show why the model answers as it does on the selected segment. */
  renderWhy(item, why) {
    this.why.classList.remove("tl-stale");
    this.explained = Boolean(why);
    const shown = this.shownWhy;
    this.shownWhy = { why, suggestion: item.suggestion };
    if (!why) {
      this.why.replaceChildren(make("p", { class: "tl-soft" }, "The reasons could not be fetched; they come when the studio answers again."));
      return;
    }
    if (!item.suggestion) this.renderDegrees(item, why.memberships);
    if (why === shown?.why && item.suggestion === shown.suggestion) return;
    if (this.model.hides && !item.suggestion) {
      this.why.replaceChildren();
      return;
    }
    const reasons = make("div", { class: "tl-reasons" });
    reasons.replaceChildren(...reasonsOf(why, item));
    this.behind = make("div", { class: "tl-reasons tl-behind" });
    this.renderBehind(why);
    this.why.replaceChildren(
      make("h4", {}, "Why?"),
      reasons,
      this.behind,
      ...(Object.keys(why.shares).length ? [whyNot(this, item, why), whatIf(this, item, why, reasons)] : []),
      ...Object.entries(why.missing).map(([name, sentence]) =>
        make("p", { class: "tl-missing" }, make("strong", {}, `${MODALITY_WORDS[name] || name}: `), sentence)),
    );
  }

  /** What would change the answer and what pulled it there, once it is known. */
  renderBehind(why) {
    this.behind?.replaceChildren(...(Object.keys(why.shares).length ? behind(this, why.pulled) : []));
  }
}

/** Degrees in words: happy, or happy 0.70 + sad 0.30. */
function sayDegrees(degrees) {
  const names = Object.keys(degrees).sort((a, b) => degrees[b] - degrees[a]);
  if (names.length === 1 && degrees[names[0]] === 1) return names[0];
  return names.map((name) => `${name} ${degreeText(degrees[name])}`).join(" + ");
}

/** What several people say, a line each. */
function sayPeople(said) {
  return Object.entries(said)
    .map(([person, degrees]) => `${person}: ${Object.keys(degrees).length ? sayDegrees(degrees) : "nothing"}`)
    .join("\n");
}
