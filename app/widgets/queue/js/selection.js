/** Several clips at once: chosen one by one, in a row with Shift, or all that are shown. */
class Selection {
  constructor(queue) {
    this.queue = queue;
    this.on = false;
    this.ids = new Set();
  }

  has(card) {
    return this.ids.has(card.id);
  }

  toggle(card, row) {
    const { shown } = this.queue;
    const [from, to] = [shown.findIndex((each) => each.id === this.last), shown.indexOf(card)];
    const chosen = !this.has(card);
    const cards = row && from >= 0 ? shown.slice(Math.min(from, to), Math.max(from, to) + 1) : [card];
    for (const each of cards) this.ids[chosen ? "add" : "delete"](each.id);
    this.last = card.id;
    this.queue.render();
  }

  end() {
    Object.assign(this, { on: false, ids: new Set(), last: null });
  }

  button() {
    const start = () => {
      const { on } = this;
      this.end();
      this.on = !on;
      this.queue.render();
    };
    return make("button", { type: "button", class: "qu-chip qu-select", "aria-pressed": String(this.on), onclick: start }, "select");
  }

  /** The bar under the list. */
  render() {
    const { queue } = this;
    const bar = queue.part("selected");
    show(bar, this.on);
    if (!this.on) return;
    const cards = queue.clips.filter((card) => this.has(card));
    const act = (text, run, enabled = true, style = "") =>
      make("button", { type: "button", class: `st-button tl-small ${style}`, disabled: !enabled, onclick: run }, text);
    const all = () => {
      for (const card of queue.shown) this.ids.add(card.id);
      queue.render();
    };
    const done = () => {
      this.end();
      queue.render();
    };
    bar.replaceChildren(
      make("span", {}, `${cards.length} chosen`),
      act("all shown", all),
      act("remove", () => queue.remove(cards), cards.length > 0),
      act("done", done),
    );
  }
}
