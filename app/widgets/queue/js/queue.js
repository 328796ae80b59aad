/** The panels above the list; one at most is open. */
const PANELS = { add: "drop", find: "finding", order: "order-form" };
/** Which clips are listed: [name, test]. */
const FILTERS = [
  ["all", () => true],
  ["to do", (card) => !card.finished],
  ["finished", (card) => card.finished],
  ["disagreements", (card) => card.reasons.some((reason) => reason.kind === "disagreement")],
];

/** The clips of the study in the order of work, files on their way in, and analyses that are running. */
class Queue {
  constructor(root, server, life, { limits, longest, recording }) {
    Object.assign(this, { root, server, life });
    write(this.part("limits"), limits);
    this.recording = new Recording(this.part("recording"), { longest: recording, life, onDone: (file) => this.take([{ file, folder: "" }]) });
    this.who = { study: null, annotator: null };
    this.clips = [];
    this.current = null;
    this.gap = 0; // where in the order the open clip was that has been removed
    this.filter = "all";
    this.turns = new Map();
    this.made = new Map();
    this.known = new Promise((resolve) => (this.know = resolve));
    this.selection = new Selection(this);
    this.batch = new Batch(this.part("jobs"), { server, who: () => this.who, longest, onReady: (jobs) => this.arrived(jobs), life });
    this.finding = new Finding(this.part("finding"), { server, who: () => this.who, life });
    this.mix = new Mix(this.part("mix"), (mix) => this.changeMix(mix));
    this.listen();
  }

  part(name) {
    return this.root.querySelector(`[data-part="${name}"]`);
  }

  listen() {
    const { root, life } = this;
    for (const name of Object.keys(PANELS)) this.part(name).addEventListener("click", () => this.toggle(name));
    this.part("record").addEventListener("click", () => this.recording.begin());
    this.part("sort").addEventListener("click", () => this.load(true));
    this.part("name").addEventListener("input", () => this.render());
    for (const name of ["files", "folder"]) {
      this.part(name).addEventListener("change", ({ target }) => {
        const files = chosen(target);
        target.value = "";
        this.take(files);
      });
    }
    for (const name of ["dragenter", "dragover"]) root.addEventListener(name, (event) => this.dragOver(event, true), { signal: life });
    for (const name of ["dragleave", "drop"]) root.addEventListener(name, (event) => this.dragOver(event, false), { signal: life });
    root.addEventListener("drop", async (event) => this.take(await dropped(event.dataTransfer)), { signal: life });
    hear("opened", life, ({ clip }) => this.opened(clip));
    hear("corrected", life, ({ clip }) => this.refresh(clip));
    hear("finished", life, ({ clip }) => this.refresh(clip, 0));
    hear("step", life, ({ by, from }) => this.step(by, from));
    for (const what of ["clips", "labels"]) hear(what, life, () => this.load());
    document.addEventListener("visibilitychange", () => !document.hidden && this.who.study && this.load(), { signal: life });
    life.addEventListener("abort", () => [this.timer, this.refreshing].forEach(clearTimeout));
  }

  // --- what is there --------------------------------------------------------------------------------------------

  async setWho(who) {
    if (!who?.study || !who.annotator) return;
    const moved = who.study !== this.who.study;
    const changed = moved || who.annotator !== this.who.annotator;
    const first = this.who.study === null;
    this.who = who;
    this.know();
    if (!changed) return;
    if (moved) {
      Object.assign(this, { clips: [], current: null, gap: 0, touched: false });
      if (!first) this.batch.forget();
      this.selection.end();
    }
    await this.load(true);
    if (moved) this.openFirst(first);
  }

  /** Open the clip of the address, or where this person left off in this study, or the first of the queue. */
  openFirst(first) {
    if (this.current) return;
    const asked = first ? Number(new URLSearchParams(location.search).get("clip")) : 0;
    const there = (id) => this.clips.some((card) => card.id === id);
    if (asked && !there(asked)) setAddress("clip", null);
    if (there(asked)) announce("open", { clip: asked });
    else if (this.left && there(this.left.clip)) announce("open", this.left);
    else if (this.clips.length) announce("open", { clip: this.clips[0].id });
  }

  /**
   * Fetch clips and analyses. The order stays as it is while somebody works, with new clips on top; before anything was
   * opened by hand it follows what the model finds while it looks through the clips.
   */
  async load(sort = false) {
    clearTimeout(this.timer);
    const ticket = (this.ticket = (this.ticket || 0) + 1);
    const answer = await this.server.clips(this.who);
    if (ticket !== this.ticket || answer?.study !== this.who.study) return;
    const place = new Map(this.clips.map((card, at) => [card.id, at]));
    const there = new Set(answer.clips.map((card) => card.id));
    const at = place.get(this.current) ?? -1;
    if (at >= 0 && !there.has(this.current)) this.gap = this.clips.slice(0, at).filter((card) => there.has(card.id)).length;
    this.clips = answer.clips;
    if (!sort && (this.touched || !this.looking)) this.clips.sort((a, b) => (place.get(a.id) ?? -1) - (place.get(b.id) ?? -1));
    Object.assign(this, { looking: answer.looking, left: answer.left });
    this.mix.show(answer.mix);
    this.finding.setStudy(answer);
    this.render();
    this.batch.take(answer.jobs);
    if (answer.looking) this.timer = setTimeout(() => this.load(), 1200);
  }

  /** One clip's card anew, a moment after somebody labelled on it. */
  refresh(clip, after = 900) {
    clearTimeout(this.refreshing);
    this.refreshing = setTimeout(async () => {
      const answer = await this.server.card({ ...this.who, clip });
      const at = this.clips.findIndex((card) => card.id === clip);
      if (!answer?.card || at < 0 || answer.annotator !== this.who.annotator) return;
      this.clips[at] = { ...answer.card, lead: this.clips[at].lead };
      this.render();
    }, after);
  }

  async changeMix(mix) {
    const answer = await this.server.mix({ ...this.who, mix });
    if (!answer || answer.refused) announce("say", { text: answer?.refused || "The studio does not answer. The order was not changed." });
    else await this.load(true);
  }

  // --- adding and removing --------------------------------------------------------------------------------------

  dragOver(event, over) {
    event.preventDefault();
    if (over) this.toggle("add", true);
    this.root.classList.toggle("qu-over", over);
  }

  async take(files) {
    if (!files.length) return;
    await this.known;
    const typed = this.part("typed").value;
    this.part("typed").value = "";
    this.toggle("add", false);
    this.awaited = await this.batch.send(files, typed);
    this.arrived(this.batch.jobs.filter((job) => job.id === this.awaited && job.clip !== null));
  }

  /** Analyses are done: show the new clips, and open the one that was added alone. */
  async arrived(jobs) {
    if (!jobs.length) return;
    await this.load();
    const own = jobs.find((job) => job.id === this.awaited);
    if (!own) return;
    this.awaited = null;
    announce("open", { clip: own.clip });
  }

  async remove(cards) {
    const answer = await this.server.remove({ ...this.who, clips: cards.map((card) => card.id) });
    if (answer?.refused || !answer) {
      announce("say", { text: answer?.refused || "The studio does not answer. Nothing was removed." });
      return;
    }
    if (cards.some((card) => card.id === this.current)) announce("closed", {});
    const what = cards.length === 1 ? `${cards[0].name} with its annotations; Ctrl+Z brings it back.` : `${cards.length} clips with their annotations; Ctrl+Z brings them back.`;
    announce("say", { text: `Removed ${what}` });
    this.selection.end();
    await this.load();
  }

  // --- order of work --------------------------------------------------------------------------------------------

  open(card) {
    this.touched = true;
    openClip({ clip: card.id });
  }

  /** Open a clip where a reason is about it; the next click goes to the next such place. */
  visit(card, reason) {
    this.touched = true;
    const key = `${card.id} ${reason.kind}`;
    const turn = (this.turns.get(key) ?? -1) + 1;
    this.turns.set(key, turn);
    openClip({ clip: card.id, at: reason.spots[turn % reason.spots.length].start_s });
  }

  async finish(card) {
    const answer = await this.server.finish({ ...this.who, clip: card.id, finished: !card.finished });
    if (!answer || answer.refused) announce("say", { text: answer?.refused || "The studio does not answer. Nothing was changed." });
    else announce("finished", { clip: card.id, finished: !card.finished });
  }

  opened(clip) {
    this.mark(clip);
    const item = this.part("list").querySelector(`[data-item="${clip}"]`);
    if (item) this.bringInSight(item);
  }

  /** A clip is open. Its card's buttons can be reached with Tab; those of all cards would be a thousand. */
  mark(clip) {
    this.current = clip;
    for (const item of this.part("list").children) {
      const open = Number(item.dataset.item) === clip;
      item.querySelector(".qu-card").setAttribute("aria-current", String(open));
      for (const button of item.querySelectorAll(".qu-reason, .qu-marks button")) button.tabIndex = open ? 0 : -1;
    }
  }

  /** Scroll the list, never the page. */
  bringInSight(card) {
    const list = this.part("list");
    const [box, frame] = [card.getBoundingClientRect(), list.getBoundingClientRect()];
    if (box.top < frame.top) list.scrollTop -= frame.top - box.top;
    else if (box.bottom > frame.bottom) list.scrollTop += box.bottom - frame.bottom;
  }

  /** Open the next clip, or the one before, that filter and name leave; `from` one that they may have left out since. */
  step(by, from) {
    this.touched = true;
    const { clips, shown } = this;
    let at = clips.findIndex((card) => card.id === from);
    if (at < 0) at = by > 0 ? this.gap - 1 : this.gap;
    const fits = (card) => shown.includes(card);
    const next = by > 0 ? clips.slice(at + 1).find(fits) : clips.slice(0, at).findLast(fits);
    if (next) announce("open", { clip: next.id });
    else announce("say", { text: by > 0 ? "That was the last clip of the queue." : "This is the first clip of the queue." });
  }

  // --- showing --------------------------------------------------------------------------------------------------

  toggle(name, open = this.part(PANELS[name]).hidden) {
    for (const [each, panel] of Object.entries(PANELS)) {
      const visible = each === name ? open : open ? false : !this.part(panel).hidden;
      this.part(each).setAttribute("aria-pressed", String(visible));
      if (each === "find") this.finding.show(visible);
      else show(this.part(panel), visible);
    }
    show(this.part("work"), this.part(PANELS.find).hidden);
  }

  /** The clips that filter and name leave, in the order of work. */
  get shown() {
    const words = this.part("name").value.trim().toLowerCase();
    const [, fits] = FILTERS.find(([name]) => name === this.filter);
    return this.clips.filter((card) => fits(card) && card.name.toLowerCase().includes(words));
  }

  render() {
    const { clips, shown } = this;
    const done = clips.filter((card) => card.finished).length;
    write(this.part("progress"), clips.length ? `${done} of ${clips.length} ${clips.length === 1 ? "clip" : "clips"} finished` : "");
    Object.assign(this.part("bar"), { max: clips.length || 1, value: done, hidden: !clips.length });
    this.renderList(shown);
    show(this.part("narrow"), clips.length > 2);
    this.part("chips").replaceChildren(...FILTERS.map(([name, fits]) => this.chip(name, clips.filter(fits).length)), this.selection.button());
    show(this.part("empty"), !shown.length);
    write(this.part("empty"), clips.length ? "No clip fits." : "No clips yet. Add a video to see what each modality says about it.");
    if (!clips.length) this.toggle("add", true);
    this.selection.render();
    announce("queue", { clips: clips.map((card) => card.id) });
  }

  /** Cards that did not change stay what they are, so that the focus stays where it is. */
  renderList(shown) {
    const list = this.part("list");
    const items = shown.map((card) => {
      const look = JSON.stringify([card, this.selection.on, this.selection.has(card)]);
      if (this.made.get(card.id)?.look !== look) this.made.set(card.id, { look, item: this.card(card) });
      return this.made.get(card.id).item;
    });
    if (items.length === list.children.length && items.every((item, at) => item === list.children[at])) return;
    const focused = list.contains(document.activeElement) ? document.activeElement : null;
    const clip = focused?.closest("[data-item]").dataset.item;
    list.replaceChildren(...items);
    this.mark(this.current);
    if (!focused) return;
    const item = list.querySelector(`[data-item="${clip}"]`);
    (item?.querySelector(`.${focused.classList[0]}[data-kind="${focused.dataset.kind}"]`) || item?.querySelector(`.${focused.classList[0]}`))?.focus({ preventScroll: true });
  }

  chip(name, count) {
    const choose = () => {
      this.filter = name;
      this.render();
      this.part("chips").querySelector('[aria-pressed="true"]')?.focus();
    };
    return make("button", { type: "button", class: "qu-chip", "aria-pressed": String(name === this.filter), onclick: choose }, `${name} ${count}`);
  }

  card(card) {
    const { selection } = this;
    const press = (event) => (selection.on ? selection.toggle(card, event.shiftKey) : this.open(card));
    const finish = card.finished ? "You have finished this clip; click if not" : "Say that you have finished this clip";
    const picture = selection.on ? make("span", { class: "qu-tick", "aria-hidden": "true" }, selection.has(card) ? "☑" : "☐") : clipPicture(card.id, card.has_video);
    picture.addEventListener("click", press);
    return make(
      "li",
      { class: "qu-item", "data-item": card.id },
      picture,
      make(
        "button",
        {
          type: "button", class: "qu-card", title: card.notes.join(" "), "aria-current": "false",
          "aria-pressed": selection.on ? String(selection.has(card)) : null, onclick: press,
        },
        make("span", { class: "qu-name" }, card.name),
        make("span", { class: "qu-facts" }, cardFacts(card)),
      ),
      reasonRow(card, (reason) => this.visit(card, reason)),
      make(
        "span",
        { class: "qu-marks" },
        make("button", { type: "button", class: "qu-finish", "aria-pressed": String(card.finished), "aria-label": `${card.name} finished`, title: finish, onclick: () => this.finish(card) }, "✓"),
        make("button", { type: "button", class: "qu-remove", "aria-label": `Remove ${card.name}`, title: "Remove this clip", onclick: () => this.remove([card]) }, "×"),
      ),
    );
  }
}

const queue = new Queue(element.querySelector("[data-part=root]"), server, lifeOf("queue"), props);
watch("value", () => queue.setWho(props.value));
queue.setWho(props.value);
