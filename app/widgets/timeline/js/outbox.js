/** How long an answer may take before the connection counts as lost, and how long to wait before trying again, ms. */
const PATIENCE = 15000;
const PAUSES = [1000, 2000, 4000, 8000, 15000];
/** Unsent work of a page that has not shown itself for so long is taken over by the next page, ms. */
const ABANDONED = 12000;

/**
 * Corrections on their way to the server, in order, one at a time. Each is written to this browser's storage before it
 * is sent and leaves it only when the server has acknowledged it: a lost connection or a reload loses nothing. What was
 * `tried` may have arrived though no answer has: it is not changed any more, and asked for again as it was.
 * `state` is "saved", "saving", "waiting" (no connection, tried again by itself) or "refused".
 */
class Outbox {
  constructor(server, model, { onState, onKept, onConflict, onSaved, life }) {
    Object.assign(this, { server, model, onState, onKept, onConflict, onSaved });
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
      if (!this.isHere(entry)) continue;
      for (const part of partsOf(entry)) {
        const there = part.annotation_id && this.model.annotations.find((each) => each.id === part.annotation_id);
        if (there) part.uid = there.uid;
        this.apply(part);
      }
    }
  }

  /** Whether an entry is about the lane that is open. */
  isHere(entry) {
    return entry.clip === this.model.clip?.id && entry.annotator === this.annotator && Boolean(entry.review) === this.model.review;
  }

  /** Show one part of what is to be written. */
  apply(part) {
    if (part.kind === "remove") this.model.drop(part.uid);
    else this.model.put({ ...this.local(part), id: part.annotation_id, version: part.version });
  }

  local(entry) {
    const { start_s, end_s, degrees, intensity, note, painted = null } = entry;
    const emotion = strongest(degrees);
    return { uid: entry.uid, annotator: this.name, mine: true, emotion, start_s, end_s, degrees, intensity, note, painted };
  }

  /** Save an annotation (new where it has no id), shown at once. */
  correct(annotation, shown = true) {
    const { uid, id, version, start_s, end_s, degrees, intensity, note, painted = null } = annotation;
    const entry = { op: "correct", uid, annotation_id: id, version, start_s, end_s, degrees, intensity, note, painted, shown };
    this.push(entry);
    this.apply(entry);
  }

  /** Save several edits as one step. Each part: {kind: "keep" or "remove", …annotation}; new where it has no id. */
  edit(parts) {
    const sent = parts.map(({ kind, uid, id = null, version = null, start_s, end_s, degrees, intensity, note, painted = null }) =>
      ({ kind, uid, annotation_id: id, version, start_s, end_s, degrees, intensity, note, painted }));
    this.push({ op: "edit", parts: sent });
    for (const part of sent) this.apply(part);
  }

  /** Take an annotation back. */
  remove(annotation) {
    const { uid, id, version } = annotation;
    const entry = { op: "remove", kind: "remove", uid, annotation_id: id, version };
    this.push(entry);
    this.apply(entry);
  }

  /** Put an entry on its way at once; what the page has to draw for it is drawn meanwhile. */
  push(entry) {
    Object.assign(entry, { clip: this.model.clip.id, annotator: this.annotator, review: this.model.review });
    const last = this.entries[this.entries.length - 1];
    if (last && !last.tried && last.uid === entry.uid && last.op === "correct" && entry.op === "correct") {
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
      if (!entry.tried) {
        entry.tried = true;
        this.keep();
      }
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
        entry.tried = false;
        this.keep();
        this.show("refused", answer.refused);
        return;
      }
      this.acknowledge(entry, answer.conflict ? [] : answer.annotations || [answer.annotation]);
    }
    this.busy = false;
    this.show("saved");
  }

  async send(entry) {
    const patience = new Promise((resolve) => setTimeout(() => resolve(undefined), PATIENCE));
    const { op, uid, kind, tried, ...body } = entry;
    try {
      return await Promise.race([this.server[op](body), patience]);
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

  /** `left` is what the server has now, part by part. */
  acknowledge(entry, left) {
    this.entries.shift();
    this.saves += 1;
    partsOf(entry).forEach((part, at) => left[at] && this.place({ ...entry, uid: part.uid }, left[at]));
    this.keep();
    this.onSaved(entry);
  }

  /** Put what the server has in place of what was sent, and let work that follows build on it. */
  place(entry, annotation) {
    const later = this.entries.filter((each) => each !== entry).flatMap(partsOf).filter((part) => part.uid === entry.uid);
    for (const part of later) Object.assign(part, { annotation_id: annotation.id, version: annotation.version });
    const followed = later.length > 0;
    if (!this.isHere(entry)) return;
    const local = this.model.byUid(entry.uid);
    const known = { ...annotation, mine: true, uid: entry.uid };
    if (followed && local) Object.assign(local, { id: annotation.id, version: annotation.version });
    else if (!followed && local && sameContent(local, known)) Object.assign(local, known); // nothing to draw anew
    else if (!followed) this.model.put(known);
  }

  keep() {
    remember(this.key, this.entries.length ? { touched: Date.now(), entries: this.entries } : null);
    this.onKept();
  }

  show(state, reason = "") {
    Object.assign(this, { state, reason });
    if (state !== "saving") for (const resolve of this.waiters.splice(0)) resolve(state === "saved");
    this.onState(this);
  }
}

/** What an entry writes, annotation by annotation. */
function partsOf(entry) {
  return entry.parts || [entry];
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
