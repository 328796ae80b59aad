/** How long the measurement lasts, and how long the disc waits before it changes, at least and at most, ms. */
const LASTS = 10000;
const WAITS = [700, 1700];
/** What counts as a reaction, s: faster is a guess, slower was somewhere else with one's thoughts. */
const BELIEVED = [0.1, 1.5];

/** Measures in ten seconds how long a person takes from seeing something to pressing a key. */
class Calibration {
  constructor(work) {
    this.work = work;
    this.dialog = work.part("calibration");
    this.dialog.addEventListener("close", () => this.stop(), { signal: work.life });
    this.dialog.addEventListener("keydown", (event) => this.key(event), { signal: work.life });
    this.dialog.addEventListener("pointerdown", (event) => this.disc?.contains(event.target) && this.react(event.timeStamp), { signal: work.life });
  }

  open() {
    const { reaction } = this.work;
    this.disc = make("div", { class: "tl-disc", role: "img", tabindex: -1, "aria-label": "The disc" }, "");
    this.said = make("p", { role: "status" }, "Press Space, or the disc, each time the disc changes. It takes ten seconds.");
    this.value = make("input", {
      type: "number", min: 0, max: 3, step: 0.01, value: reaction ?? "", "aria-label": "Reaction time in seconds", placeholder: "not measured",
    });
    this.starter = make("button", { type: "button", class: "st-button st-primary", onclick: () => this.start() }, "Start");
    this.dialog.replaceChildren(
      make(
        "form",
        { method: "dialog", class: "tl-sheet", onsubmit: (event) => this.work.during(this.save(event)) },
        make("h3", {}, "Your reaction time"),
        make("p", { class: "tl-soft" }, "People press a key a moment after they have seen an emotion. This time is taken off the start of what you paint. The times of the key are kept as well, so that it can be reversed."),
        this.disc,
        this.said,
        make("div", { class: "tl-row" }, this.starter, make("label", {}, "or write it down: ", this.value, " s"),
          make("span", { class: "tl-space" }), make("button", { class: "st-button" }, "Save"),
          make("button", { type: "button", class: "st-button", onclick: () => this.dialog.close() }, "Cancel")),
      ),
    );
    this.dialog.showModal();
    this.starter.focus();
  }

  start() {
    this.stop();
    Object.assign(this, { times: [], began: performance.now(), changed: null });
    this.starter.disabled = true;
    this.disc.focus();
    write(this.said, "Wait for the disc to change …");
    this.wait();
  }

  wait() {
    this.disc.classList.remove("tl-go");
    write(this.disc, "");
    this.changed = null;
    this.timer = setTimeout(() => requestAnimationFrame((now) => this.change(now)), WAITS[0] + Math.random() * (WAITS[1] - WAITS[0]));
  }

  change(now) {
    if (!this.dialog.open) return;
    this.changed = now;
    this.disc.classList.add("tl-go");
    write(this.disc, "now");
    this.timer = setTimeout(() => this.next(), 1000 * BELIEVED[1]);
  }

  key(event) {
    if (event.key !== " " || !this.times || event.target === this.value) return;
    event.preventDefault();
    if (!event.repeat) this.react(event.timeStamp);
  }

  react(at) {
    if (!this.times) return;
    if (this.changed === null) {
      write(this.said, "Too early: wait for the disc to change.");
      return;
    }
    const took = (at - this.changed) / 1000;
    if (took >= BELIEVED[0]) this.times.push(took);
    write(this.said, took < BELIEVED[0] ? "Too early: wait for the disc to change." : `${took.toFixed(2)} s`);
    this.next();
  }

  next() {
    clearTimeout(this.timer);
    if (performance.now() - this.began < LASTS) this.wait();
    else this.finish();
  }

  finish() {
    const { times } = this;
    this.stop();
    if (times.length < 3) {
      write(this.said, "That was too few to tell; try again, and press each time the disc changes.");
      return;
    }
    const median = times.sort((a, b) => a - b)[times.length >> 1];
    this.value.value = median.toFixed(2);
    write(this.said, `${median.toFixed(2)} s, the middle one of ${times.length}. Save takes it over.`);
    this.value.focus();
  }

  stop() {
    clearTimeout(this.timer);
    this.times = null;
    if (!this.disc) return;
    this.disc.classList.remove("tl-go");
    write(this.disc, "");
    this.starter.disabled = false;
  }

  async save(event) {
    event.preventDefault();
    const { work } = this;
    const reaction_s = this.value.value === "" ? null : Number(this.value.value);
    const answer = await work.server.reaction({ annotator: work.who.annotator, reaction_s });
    if (!answer || answer.refused) {
      write(this.said, answer?.refused || NO_ANSWER);
      return;
    }
    work.reaction = answer.reaction_s;
    work.painting.show();
    this.dialog.close();
  }
}
