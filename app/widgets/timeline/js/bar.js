/** Counts of corrections in words: 7 corrections (angry 2, happy 3, sad 2). */
function countsInWords(counts) {
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
  if (!total) return "No corrections yet";
  const each = Object.entries(counts).map(([name, count]) => `${name} ${count}`).join(", ");
  return `${total} ${total === 1 ? "correction" : "corrections"} (${each})`;
}

/** The bar at the foot of the page: what was done, whether it is saved, undo, and adapting the model. */
class Bar {
  constructor(element, work) {
    const button = (text, label, run, kind = "st-button") =>
      make("button", { type: "button", class: kind, "aria-label": label, title: label, onclick: run }, text);
    this.undo = button("↶", "Undo (Ctrl+Z)", () => work.run("undo"), "st-icon");
    this.redo = button("↷", "Redo (Ctrl+Shift+Z)", () => work.run("redo"), "st-icon");
    this.counts = make("span", { class: "tl-counts" });
    this.saved = make("span", { class: "tl-saved", role: "status" }, "saved ✓");
    this.retry = button("try again", "Try again now", () => work.outbox.retry(), "st-button tl-small");
    this.discard = button("discard", "Give up this correction", () => work.outbox.discard(), "st-button tl-small");
    this.message = make("span", { class: "tl-message" });
    this.adapt = button("Adapt", "Let the model learn from the corrections", () => work.run("adapt"), "st-button st-primary");
    this.figures = make("span", { class: "tl-figures" });
    this.back = button("go back", "Go back to the former model version", () => work.run("goBack"), "st-button tl-small");
    this.changes = make("details", { class: "tl-menu tl-changes" }, make("summary", { class: "st-button tl-small" }, "what changed"), make("div", { class: "tl-menu-list" }));
    this.actions = work.actions;
    element.replaceChildren(
      make("div", { class: "tl-bar-part" }, this.undo, this.redo, this.counts, this.saved, this.retry, this.discard, this.message),
      make("div", { class: "tl-bar-part" }, this.adapt, this.figures, this.changes, this.back),
    );
    this.showSaved({ state: "saved", entries: [] });
    this.showStanding(null, null);
  }

  showSaved({ state, reason, entries }) {
    const words = {
      saved: "saved ✓",
      saving: "saving…",
      waiting: `not saved (${entries.length}): ${reason}`,
      refused: `not saved: ${reason}`,
    };
    write(this.saved, words[state]);
    this.saved.dataset.state = state;
    show(this.retry, state === "waiting" || state === "refused");
    show(this.discard, state === "refused");
  }

  showUndo({ canUndo, canRedo }) {
    this.undo.disabled = !canUndo;
    this.redo.disabled = !canRedo;
  }

  /** The corrections per emotion and what is missing before the model can adapt (empty: nothing). */
  showReadiness(counts, missing) {
    write(this.counts, countsInWords(counts));
    this.adapt.disabled = Boolean(missing);
    this.adapt.title = missing || "Let the model learn from the corrections";
    this.missing = missing;
  }

  showAdapting(stage) {
    this.adapt.disabled = Boolean(stage);
    write(this.adapt, stage || "Adapt");
  }

  /**
   * The adapted version that answers now (null: the model as shipped): its figures and the version before it. `report`
   * is the adaptation that this page has just seen, with what it changed.
   */
  showStanding(standing, report) {
    const former = standing?.former;
    show(this.back, Boolean(former));
    if (former) {
      write(this.back, `go back to model ${former.number}`);
      this.back.setAttribute("aria-label", `Go back to model ${former.number}`);
    }
    write(this.figures, [standing && inFigures(standing, report), this.missing].filter(Boolean).join(" · "));
    show(this.changes, Boolean(report?.changed.length));
    this.changes.lastElementChild.replaceChildren(...(report?.changed || []).slice(0, 60).map((each) => this.change(each)));
  }

  change(each) {
    const what = `${each.clip_name} · ${stretch(each.start_s, each.end_s)}: ${each.from || "nothing"} → ${each.to || "nothing"}`;
    return make("button", { type: "button", onclick: () => this.actions.visit(each) }, what);
  }

  say(text, keep = 6000) {
    write(this.message, text);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => write(this.message, ""), keep);
  }
}

/** An adapted version in figures: how often it is right on corrections it has not seen, and what it changed. */
function inFigures({ number, held_out: held }, report) {
  const figures = held ? `held-out corrections: ${percent(held.before)} → ${percent(held.after)} (${held.corrections})` : "";
  if (!report) return [`model ${number}`, figures].filter(Boolean).join(" · ");
  const moved = report.changed.length === 1 ? "1 stretch changed" : `${report.changed.length} stretches changed`;
  return [`model ${number} in ${report.seconds.toFixed(2)} s`, figures, moved].filter(Boolean).join(" · ");
}
