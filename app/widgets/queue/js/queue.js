/** How often running analyses are looked at, ms. */
const LOOK = 700;

/** The clips of the study in the order of work, files on their way in, and analyses that are running. */
class Queue {
  constructor(root, server, life) {
    Object.assign(this, { root, server, life });
    this.who = { study: null, annotator: null };
    this.clips = [];
    this.sending = [];
    this.dismissed = new Set(recall("dismissed", []));
    this.current = null;
    this.part("sort").addEventListener("click", () => this.load(true));
    this.part("files").addEventListener("change", (event) => this.take([...event.target.files], event.target));
    for (const name of ["dragenter", "dragover"]) root.addEventListener(name, (event) => this.dragOver(event, true), { signal: life });
    for (const name of ["dragleave", "drop"]) root.addEventListener(name, (event) => this.dragOver(event, false), { signal: life });
    root.addEventListener("drop", (event) => this.take([...event.dataTransfer.files]), { signal: life });
    hear("opened", life, ({ clip }) => this.mark(clip));
    hear("corrected", life, ({ clip, mine }) => this.count(clip, mine));
    hear("step", life, ({ by }) => this.step(by));
    hear("clips", life, () => this.load());
    document.addEventListener("visibilitychange", () => !document.hidden && this.who.study && this.load(), { signal: life });
    life.addEventListener("abort", () => clearTimeout(this.timer));
  }

  part(name) {
    return this.root.querySelector(`[data-part="${name}"]`);
  }

  async setWho(who) {
    if (!who?.study || !who.annotator) return;
    const moved = who.study !== this.who.study;
    const changed = moved || who.annotator !== this.who.annotator;
    const first = this.who.study === null;
    this.who = who;
    if (!changed) return;
    if (moved) Object.assign(this, { clips: [], current: null });
    await this.load(moved);
    if (moved) this.openFirst(first);
  }

  /** Open the clip of the address, or the one that was open last in this study, or the first of the queue. */
  openFirst(first) {
    if (this.current) return;
    const asked = first ? Number(new URLSearchParams(location.search).get("clip")) : 0;
    const wanted = [asked, recall(`last.${this.who.study}`, 0)].find((id) => this.clips.some((card) => card.id === id));
    if (asked && wanted !== asked) setAddress("clip", null);
    const clip = wanted || this.clips[0]?.id;
    if (clip) announce("open", { clip });
  }

  /** Fetch clips and analyses. The order stays as it is while somebody works, with new clips on top. */
  async load(sort = false) {
    const ticket = (this.ticket = (this.ticket || 0) + 1);
    const answer = await this.server.clips(this.who);
    if (ticket !== this.ticket || answer?.study !== this.who.study) return;
    const place = new Map(this.clips.map((card, at) => [card.id, at]));
    this.clips = answer.clips;
    if (!sort) this.clips.sort((a, b) => (place.get(a.id) ?? -1) - (place.get(b.id) ?? -1));
    this.jobs = answer.jobs;
    this.render();
    this.watch();
  }

  /** Look at the analyses until none is running. */
  watch() {
    clearTimeout(this.timer);
    if (!this.jobs.some((job) => ["waiting", "running"].includes(job.state))) return;
    this.timer = setTimeout(async () => {
      const answer = await this.server.jobs(this.who);
      if (answer?.study === this.who.study) {
        const running = new Set(this.jobs.filter((job) => job.state !== "done").map((job) => job.id));
        this.jobs = answer.jobs;
        const done = this.jobs.filter((job) => job.state === "done" && running.has(job.id));
        if (done.length) await this.arrived(done);
      }
      this.renderJobs();
      this.watch();
    }, LOOK);
  }

  async arrived(jobs) {
    await this.load();
    const own = jobs.find((job) => job.id === this.awaited);
    if (own) announce("open", { clip: own.clip });
  }

  // --- adding ---------------------------------------------------------------------------------------------------

  dragOver(event, over) {
    event.preventDefault();
    if (over) this.part("add").open = true;
    this.root.classList.toggle("qu-over", over);
  }

  async take(files, input = null) {
    const pairs = pairUp(files);
    const typed = pairs.length === 1 ? this.part("typed").value : "";
    if (input) input.value = "";
    if (!pairs.length) {
      if (files.length) this.refuse(files[0].name, `${files[0].name} is a subtitle file; choose its video together with it.`);
      return;
    }
    if (pairs.length === 1) this.part("typed").value = "";
    this.part("add").open = false;
    this.awaited = null;
    for (const pair of pairs) {
      const entry = { name: pair.clip.name, share: 0, error: "" };
      this.sending.push(entry);
      this.renderJobs();
      const answer = await sendFile(pair, this.who.study, typed, (share) => {
        entry.share = share;
        this.renderJobs();
      });
      if (answer.refused) entry.error = answer.refused;
      else this.sending.splice(this.sending.indexOf(entry), 1);
      if (answer.job && pairs.length === 1) this.awaited = answer.job;
      await this.load();
    }
  }

  refuse(name, error) {
    this.sending.push({ name, share: 0, error });
    this.renderJobs();
  }

  // --- order of work --------------------------------------------------------------------------------------------

  mark(clip) {
    this.current = clip;
    remember(`last.${this.who.study}`, clip);
    for (const card of this.part("list").querySelectorAll(".qu-card")) {
      const here = Number(card.dataset.clip) === clip;
      card.setAttribute("aria-current", String(here));
      if (here) this.bringInSight(card);
    }
  }

  /** Scroll the list, never the page. */
  bringInSight(card) {
    const list = this.part("list");
    const [box, frame] = [card.getBoundingClientRect(), list.getBoundingClientRect()];
    if (box.top < frame.top) list.scrollTop -= frame.top - box.top;
    else if (box.bottom > frame.bottom) list.scrollTop += box.bottom - frame.bottom;
  }

  step(by) {
    const at = this.clips.findIndex((card) => card.id === this.current);
    const next = this.clips[at < 0 ? 0 : at + by];
    if (next) announce("open", { clip: next.id });
    else announce("say", { text: by > 0 ? "That was the last clip of the queue." : "This is the first clip of the queue." });
  }

  /** A clip's number of own annotations changed. */
  count(clip, mine) {
    const card = this.clips.find((each) => each.id === clip);
    if (!card || card.mine === mine) return;
    card.corrections += mine - card.mine;
    card.mine = mine;
    card.reason = mine ? `${mine} of yours` : "never looked at";
    this.render();
  }

  async remove(card) {
    const answer = await this.server.remove({ ...this.who, clip: card.id });
    if (answer?.refused || !answer) {
      announce("say", { text: answer?.refused || "The studio does not answer. Nothing was removed." });
      return;
    }
    if (this.current === card.id) announce("closed", {});
    announce("say", { text: `Removed ${card.name} with its annotations; Ctrl+Z brings it back.` });
    await this.load();
  }

  // --- showing --------------------------------------------------------------------------------------------------

  render() {
    const done = this.clips.filter((card) => card.mine).length;
    write(this.part("progress"), this.clips.length ? `${done}/${this.clips.length}` : "");
    this.part("progress").title = `${done} of ${this.clips.length} clips have annotations of yours`;
    const focused = document.activeElement?.closest?.("[data-clip]")?.dataset.clip;
    this.part("list").replaceChildren(...this.clips.map((card) => this.card(card)));
    if (focused) this.part("list").querySelector(`[data-clip="${focused}"]`)?.focus({ preventScroll: true });
    show(this.part("empty"), !this.clips.length);
    write(this.part("empty"), "No clips yet. Add a video to see what each modality says about it.");
    show(this.part("sort"), this.clips.length > 2);
    if (!this.clips.length) this.part("add").open = true;
    announce("queue", { clips: this.clips.map((card) => card.id) });
    this.renderJobs();
  }

  card(card) {
    const picture = make("span", { class: "qu-picture", "aria-hidden": "true" }, card.has_video ? "" : "♪");
    if (card.has_video) picture.style.backgroundImage = `url("${address(`/clip/${card.id}/thumbnail`)}")`;
    const corrections = card.corrections ? ` · ${card.corrections} ${card.corrections === 1 ? "correction" : "corrections"}` : "";
    return make(
      "li",
      { class: `qu-item${card.mine ? " qu-done" : ""}` },
      make(
        "button",
        {
          type: "button", class: "qu-card", "data-clip": card.id, "aria-current": String(card.id === this.current), title: card.notes.join(" "),
          onclick: () => announce("open", { clip: card.id }),
        },
        picture,
        make("span", { class: "qu-name" }, card.name),
        make("span", { class: "qu-facts" }, `${duration(card.duration_s)}${corrections}`),
        make("span", { class: "qu-reason" }, card.reason),
      ),
      make("button", { type: "button", class: "qu-remove", "aria-label": `Remove ${card.name}`, title: "Remove this clip", onclick: () => this.remove(card) }, "×"),
    );
  }

  renderJobs() {
    const shown = (this.jobs || []).filter((job) => job.state !== "done" && job.state !== "cancelled" && !this.dismissed.has(job.key));
    this.part("jobs").replaceChildren(
      ...this.sending.map((entry) => this.sendingCard(entry)),
      ...shown.map((job) => this.jobCard(job)),
    );
  }

  sendingCard(entry) {
    const close = () => {
      this.sending.splice(this.sending.indexOf(entry), 1);
      this.renderJobs();
    };
    if (entry.error) return this.failure(entry.name, entry.error, close);
    return make(
      "div",
      { class: "qu-job" },
      make("strong", {}, entry.name),
      make("progress", { max: 1, value: entry.share, "aria-label": `Sending ${entry.name}` }),
      make("p", {}, `Sending, ${Math.round(100 * entry.share)} %`),
    );
  }

  jobCard(job) {
    const close = () => {
      this.dismissed.add(job.key);
      remember("dismissed", [...this.dismissed].slice(-200));
      this.renderJobs();
    };
    if (job.state === "failed") return this.failure(job.name, job.error, close);
    const left = job.eta_s === null ? "" : `, about ${duration(Math.max(1, job.eta_s))} left`;
    return make(
      "div",
      { class: "qu-job" },
      make("strong", { title: job.name }, job.name),
      make("button", { type: "button", class: "st-button tl-small", onclick: () => this.server.cancel({ ...this.who, job: job.id }) }, "cancel"),
      make("progress", { max: 1, value: job.progress, "aria-label": `Analysing ${job.name}` }),
      make("p", {}, `${job.stage}${left}`),
    );
  }

  failure(name, error, close) {
    return make(
      "div",
      { class: "qu-job qu-failed", role: "alert" },
      make("strong", { title: name }, name),
      make("button", { type: "button", class: "st-button tl-small", onclick: close }, "close"),
      make("p", {}, error),
    );
  }
}

const queue = new Queue(element.querySelector("[data-part=root]"), server, lifeOf("queue"));
watch("value", () => queue.setWho(props.value));
queue.setWho(props.value);
