/** How often running analyses are looked at, ms. */
const LOOK = 700;

/**
 * Files on their way in: sent one after the other, then analysed by the studio, which goes on when the page is closed.
 * Everybody sees that a study's clips are being analysed; what became of a file is told to the browser that sent it.
 * `onReady` is called with the jobs that are done; a clip that is there already counts as done. What lasts longer than
 * `longest` seconds is not sent at all.
 */
class Batch {
  constructor(root, { server, who, longest, onReady, life }) {
    Object.assign(this, { root, server, who, longest, onReady });
    this.sending = [];
    this.refused = [];
    this.jobs = [];
    this.counted = new Set();
    this.own = new Set(recall("sent", []));
    addEventListener("beforeunload", (event) => this.sending.length && event.preventDefault(), { signal: life });
    life.addEventListener("abort", () => clearTimeout(this.timer));
  }

  /** Another study: what is still being sent goes to the former one all the same. */
  forget() {
    Object.assign(this, { refused: [], jobs: [], counted: new Set() });
  }

  async send(files, typed) {
    const { study } = this.who();
    const { videos, leftOut } = sortOut(files);
    if (leftOut.length) {
      const names = leftOut.slice(0, 5).join(", ") + (leftOut.length > 5 ? ` and ${leftOut.length - 5} more` : "");
      const why = videos.length ? "not a video, or subtitles without a video of that name" : "choose the video together with its subtitles";
      this.refused.push({ text: `Left out: ${names} (${why}).` });
    }
    const entries = videos.map((video) => ({ ...video, share: 0, study }));
    this.sending.push(...entries);
    this.render();
    let last = null;
    for (const entry of entries) {
      if (entry.dropped) continue;
      const onProgress = (share) => {
        entry.share = share;
        this.render();
      };
      const answer = (await this.tooLong(entry)) || (await sendFile(entry, study, videos.length === 1 ? typed : "", onProgress));
      this.sending.splice(this.sending.indexOf(entry), 1);
      if (answer.refused) this.refused.push({ text: answer.refused });
      else {
        last = answer;
        this.own.add(answer.key);
        this.counted.add(answer.job);
      }
      remember("sent", [...this.own].slice(-500));
      if (study === this.who().study) await this.look();
    }
    return videos.length === 1 ? last?.job : null;
  }

  /** The studio checks it again: not every file tells a browser its length. */
  async tooLong({ clip, name }) {
    const seconds = await lengthOf(clip);
    if (seconds === null || seconds <= this.longest + 0.5) return null;
    return { refused: `${name} was not sent: it lasts ${duration(seconds)}, and at most ${duration(this.longest)} are accepted.` };
  }

  /** The analyses of the study as the server tells them; looks again until none is running. */
  take(jobs) {
    clearTimeout(this.timer);
    const running = new Set(this.active.map((job) => job.id));
    this.jobs = jobs;
    for (const job of this.active) this.counted.add(job.id);
    const done = jobs.filter((job) => running.has(job.id) && job.clip !== null);
    if (!this.active.length && !this.sending.length) this.counted.clear();
    this.render();
    if (done.length) this.onReady(done);
    if (this.active.length) this.timer = setTimeout(() => this.look(), LOOK);
  }

  async look() {
    const answer = await this.server.jobs(this.who());
    if (answer?.jobs && answer.study === this.who().study) this.take(answer.jobs);
  }

  get active() {
    return this.jobs.filter((job) => ["waiting", "running"].includes(job.state));
  }

  async cancel() {
    for (const entry of this.sending.slice(1)) entry.dropped = true;
    this.sending.splice(1);
    for (const job of this.active) if (this.own.has(job.key)) await this.server.cancel({ ...this.who(), job: job.id });
    await this.look();
  }

  close(told) {
    for (const job of told) this.own.delete(job.key);
    remember("sent", [...this.own]);
    this.refused = [];
    this.render();
  }

  // --- showing --------------------------------------------------------------------------------------------------

  render() {
    const told = this.jobs.filter((job) => job.error && this.own.has(job.key));
    this.root.replaceChildren(...[this.progress(), this.failures(told)].filter(Boolean));
  }

  progress() {
    const { active } = this;
    const left = this.sending.length + active.length;
    if (!left) return null;
    const gone = [...this.counted].filter((id) => !active.some((job) => job.id === id)).length;
    const [now, job] = [this.sending[0], active.find((each) => each.state === "running") || active[0]];
    const share = (gone + (job?.progress || 0)) / (gone + left);
    const eta = job?.eta_s ? `, about ${duration(Math.max(1, job.eta_s))} left` : "";
    const title = gone + left === 1 ? (now || job).name : `Adding ${gone + left} videos`;
    const of = (name) => (gone + left === 1 ? "" : `${name}: `);
    const own = this.sending.length || active.some((each) => this.own.has(each.key));
    const cancel = { type: "button", class: "st-button tl-small", onclick: () => this.cancel() };
    return make(
      "div",
      { class: "qu-job" },
      make("strong", { title }, title),
      own ? make("button", cancel, gone + left === 1 ? "cancel" : "cancel all") : null,
      make("progress", { max: 1, value: share, "aria-label": title }),
      gone ? make("p", {}, `${gone} done, ${left} to go`) : null,
      now ? make("p", {}, `${of(now.name)}Sending, ${percent(now.share)}`) : null,
      job ? make("p", {}, `${of(job.name)}${job.stage}${eta}`) : null,
    );
  }

  /** What did not become a clip, one sentence each; a clip that was there already can be opened from here. */
  failures(told) {
    const count = told.length + this.refused.length;
    if (!count) return null;
    const known = told.filter((job) => job.clip !== null).length;
    const bad = count > known;
    const line = ({ error, text, clip = null }) =>
      make("li", { class: clip === null ? null : "qu-there" }, error || text, clip === null ? null : make("button", { type: "button", class: "st-button tl-small", onclick: () => announce("open", { clip }) }, "open it"));
    return make(
      "div",
      { class: `qu-job ${bad ? "qu-failed" : "qu-known"}`, role: bad ? "alert" : "status" },
      make("strong", {}, count === 1 ? "Not added" : `${count} files not added`),
      make("button", { type: "button", class: "st-button tl-small", onclick: () => this.close(told) }, "close"),
      make("ul", {}, ...[...this.refused, ...told].map(line)),
    );
  }
}
