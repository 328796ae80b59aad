/** How long an answer may take before the connection counts as lost, and how long to wait before trying again, ms. */
const PATIENCE = 15000;
const PAUSES = [1000, 2000, 4000, 8000, 15000];
/** Unsent work of a page that has not shown itself for so long is taken over by the next page, ms. */
const ABANDONED = 12000;

/**
 * Corrections on their way to the server, in order, one at a time. Each is written to this browser's storage before it
 * is sent and leaves it only when the server has acknowledged it: a lost connection or a reload loses nothing.
 * `state` is "saved", "saving", "waiting" (no connection, tried again by itself) or "refused".
 */
class Outbox {
  constructor(server, model, { onState, onConflict, onSaved, life }) {
    Object.assign(this, { server, model, onState, onConflict, onSaved });
    this.key = `outbox.${tabName()}`;
    this.entries = [];
    this.state = "saved";
    this.reason = "";
    this.attempts = 0;
    this.saves = 0;
    this.busy = false;
    this.waiters = [];
    addEventListener("online", () => this.retry(), { signal: life });
    addEventListener("beforeunload", (event) => this.entries.length && event.preventDefault(), { signal: life });
    const beat = setInterval(() => this.entries.length && this.keep(), 4000);
    life.addEventListener("abort", () => clearInterval(beat));
  }

  /** Take over what an earlier page of this browser could not save. */
  adopt() {
    for (const key of remembered("outbox.")) {
      const { entries = [], touched = 0 } = recall(key, {});
      if (key !== this.key && Date.now() - touched < ABANDONED) continue;
      this.entries.push(...entries);
      if (key !== this.key) remember(key, null);
    }
    if (!this.entries.length) return;
    this.keep();
    this.run();
  }

  /** What the open clip looks like with the work that is not saved yet. */
  reapply() {
    for (const entry of this.entries) {
      if (entry.clip !== this.model.clip?.id || entry.annotator !== this.annotator) continue;
      const there = entry.annotation_id && this.model.annotations.find((each) => each.id === entry.annotation_id);
      if (there) entry.uid = there.uid;
      if (entry.op === "remove") this.model.drop(entry.uid);
      else this.model.put({ ...this.local(entry), id: entry.annotation_id, version: entry.version });
    }
  }

  local(entry) {
    const { start_s, end_s, degrees, intensity, note } = entry;
    const emotion = strongest(degrees);
    return { uid: entry.uid, annotator: this.name, mine: true, emotion, start_s, end_s, degrees, intensity, note };
  }

  /** Save an annotation (new where it has no id), shown at once. */
  correct(annotation) {
    const { uid, id, version, start_s, end_s, degrees, intensity, note } = annotation;
    const entry = { op: "correct", uid, annotation_id: id, version, start_s, end_s, degrees, intensity, note };
    this.model.put({ ...this.local(entry), id, version });
    this.push(entry);
  }

  /** Take an annotation back. */
  remove(annotation) {
    const { uid, id, version } = annotation;
    this.model.drop(uid);
    this.push({ op: "remove", uid, annotation_id: id, version });
  }

  push(entry) {
    Object.assign(entry, { clip: this.model.clip.id, annotator: this.annotator });
    const last = this.entries[this.entries.length - 1];
    const sent = this.busy && this.entries.length === 1;
    if (last && !sent && last.uid === entry.uid && last.op === "correct" && entry.op === "correct") {
      Object.assign(last, entry, { annotation_id: last.annotation_id, version: last.version });
    } else this.entries.push(entry);
    this.keep();
    if (this.state !== "refused") this.run();
  }

  /** Resolves when everything is saved: true, or false where something cannot be now. */
  settled() {
    if (!this.entries.length) return Promise.resolve(true);
    if (this.state === "waiting" || this.state === "refused") return Promise.resolve(false);
    return new Promise((resolve) => this.waiters.push(resolve));
  }

  retry() {
    clearTimeout(this.timer);
    if (this.entries.length && !this.busy) this.run();
  }

  /** Give up the correction that the server refused. */
  discard() {
    this.entries.shift();
    this.keep();
    this.show("saving");
    this.run();
    this.onSaved(null);
  }

  async run() {
    if (this.busy) return;
    this.busy = true;
    clearTimeout(this.timer);
    while (this.entries.length) {
      const entry = this.entries[0];
      if (this.attempts === 0) this.show("saving");
      const answer = await this.send(entry);
      if (!answer) {
        this.busy = false;
        this.attempts += 1;
        const pause = PAUSES[Math.min(this.attempts, PAUSES.length) - 1];
        this.show("waiting", `the studio does not answer, trying again in ${pause / 1000} s`);
        this.timer = setTimeout(() => this.run(), pause);
        return;
      }
      this.attempts = 0;
      if (answer.conflict && !(await this.settle(entry, answer.conflict))) continue;
      if (answer.refused) {
        this.busy = false;
        this.show("refused", answer.refused);
        return;
      }
      this.acknowledge(entry, answer.conflict ? null : answer.annotation);
    }
    this.busy = false;
    this.show("saved");
  }

  async send(entry) {
    const patience = new Promise((resolve) => setTimeout(() => resolve(undefined), PATIENCE));
    const { op, uid, ...body } = entry;
    try {
      return await Promise.race([op === "remove" ? this.server.remove(body) : this.server.correct(body), patience]);
    } catch {
      return undefined;
    }
  }

  /** Somebody changed it meanwhile. True when the entry is done with, false when it is to be sent again. */
  async settle(entry, { sentence, current }) {
    const wanted = entry.op === "remove" ? null : entry;
    if (!current && !wanted) return true;
    if (current && wanted && sameContent(current, wanted)) {
      this.place(entry, current);
      return true;
    }
    const choice = await this.onConflict({ sentence, current, wanted });
    if (choice === "mine") {
      if (current) Object.assign(entry, { annotation_id: current.id, version: current.version });
      else Object.assign(entry, { annotation_id: null, version: null });
      this.keep();
      return false;
    }
    if (current) this.place(entry, current);
    else this.model.drop(entry.uid);
    return true;
  }

  acknowledge(entry, annotation) {
    this.entries.shift();
    this.saves += 1;
    if (annotation) this.place(entry, annotation);
    this.keep();
    this.onSaved(entry);
  }

  /** Put what the server has in place of what was sent, and let work that follows build on it. */
  place(entry, annotation) {
    for (const later of this.entries) {
      if (later.uid !== entry.uid || later === entry) continue;
      Object.assign(later, { annotation_id: annotation.id, version: annotation.version });
    }
    const followed = this.entries.some((each) => each.uid === entry.uid && each !== entry);
    if (entry.clip !== this.model.clip?.id || entry.annotator !== this.annotator) return;
    const local = this.model.byUid(entry.uid);
    if (followed && local) Object.assign(local, { id: annotation.id, version: annotation.version });
    else if (!followed) this.model.put({ ...annotation, mine: true, uid: entry.uid });
  }

  keep() {
    remember(this.key, this.entries.length ? { touched: Date.now(), entries: this.entries } : null);
  }

  show(state, reason = "") {
    Object.assign(this, { state, reason });
    if (state !== "saving") for (const resolve of this.waiters.splice(0)) resolve(state === "saved");
    this.onState(this);
  }
}

/** Whether an annotation on the server says what was to be written. */
function sameContent(current, wanted) {
  const close = (a, b) => Math.abs(a - b) < 1e-6;
  const names = new Set([...Object.keys(current.degrees), ...Object.keys(wanted.degrees)]);
  return (
    close(current.start_s, wanted.start_s) &&
    close(current.end_s, wanted.end_s) &&
    [...names].every((name) => close(current.degrees[name] || 0, wanted.degrees[name] || 0)) &&
    (current.note || "") === (wanted.note || "") &&
    (current.intensity ?? null) === (wanted.intensity ?? null)
  );
}
