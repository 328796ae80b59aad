/** The emotion of the highest degree; of equals, the first by name. Null without any. */
function strongest(degrees) {
  const names = Object.keys(degrees || {}).sort((a, b) => degrees[b] - degrees[a] || (a < b ? -1 : 1));
  return names.length ? names[0] : null;
}

/** The index of the first stretch of a sorted list that ends after `time`. */
function firstEndingAfter(list, time) {
  let [low, high] = [0, list.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (list[middle].end_s <= time) low = middle + 1;
    else high = middle;
  }
  return low;
}

function overlap(a, b) {
  return Math.max(0, Math.min(a.end_s, b.end_s) - Math.max(a.start_s, b.start_s));
}

/** Shared length over joint length of two stretches: 1 where they are the same. */
function likeness(a, b) {
  const shared = overlap(a, b);
  return shared / (a.end_s - a.start_s + b.end_s - b.start_s - shared || 1);
}

/**
 * One open clip: what the server said, what the person changed since, what is selected, and which time it is.
 * It draws nothing and sends nothing; it tells its listeners: "clip", "data", "selection", "time", "saved".
 */
class Model {
  constructor() {
    this.listeners = {};
    this.close();
  }

  on(what, listener) {
    (this.listeners[what] ||= []).push(listener);
  }

  tell(what) {
    for (const listener of this.listeners[what] || []) listener(this);
  }

  /** No clip is open. */
  close() {
    Object.assign(this, {
      clip: null, emotions: [], suggestions: [], before: null, changed: [], annotations: [], lanes: [], words: [],
      version: null, canUndo: false, canRedo: false, items: [], selected: null, draft: null, ghost: null, strokes: [], time: 0,
      review: false, mode: "suggestions first", revealed: false, finished: false, skipped: new Set(),
    });
    this.emotionByName = new Map();
  }

  /**
   * Take over the timeline of a clip. From the uncertainty `unsure` on a suggestion is hatched and needs a person; a
   * reviewer, to whom people's labels are suggested, looks at every disagreement.
   */
  open(timeline) {
    const same = this.clip?.id === timeline.clip.id && this.review === timeline.review;
    if (this.clip?.id !== timeline.clip.id) this.time = 0;
    this.review = timeline.review;
    this.mode = timeline.mode;
    this.unsure = this.review ? 0.01 : timeline.unsure;
    this.finished = timeline.finished;
    this.usual_s = timeline.segment_s;
    this.clip = timeline.clip;
    this.emotions = timeline.emotions;
    this.emotionByName = new Map(timeline.emotions.map((emotion) => [emotion.name, emotion]));
    this.suggestions = timeline.suggestions;
    this.before = timeline.before;
    this.lanes = timeline.lanes;
    this.words = timeline.words;
    this.version = timeline.version;
    this.changed = timeline.before ? changedStretches(timeline.before, timeline.suggestions) : [];
    if (!same) Object.assign(this, { selected: null, draft: null, strokes: [], revealed: false, skipped: new Set() });
    this.setAnnotations(timeline.annotations, timeline.can_undo, timeline.can_redo, false);
    if (this.draft) this.draft.suggestion = this.suggestedFor(this.draft);
    this.tell("clip");
    this.tell("data");
    this.tell("selection");
  }

  /** Everybody's annotations as the server has them; `uid` names one for the page's life, also before it is saved. */
  setAnnotations(annotations, canUndo, canRedo, tell = true) {
    const known = new Map(this.annotations.filter((each) => each.id).map((each) => [each.id, each.uid]));
    this.annotations = annotations.map((each) => ({ ...each, uid: known.get(each.id) || `a${each.id}` }));
    this.canUndo = canUndo;
    this.canRedo = canRedo;
    this.rebuild();
    if (tell) this.tell("data");
  }

  emotion(name) {
    return this.emotionByName.get(name) || { name, letter: (name || "?")[0].toUpperCase(), key: "", colour: "#8a929e" };
  }

  get mine() {
    return this.annotations.filter((each) => each.mine);
  }

  /** Whether suggestions stay hidden until the person has labelled: where the study wants labels first. */
  get hides() {
    return this.mode === "label first" && !this.review && !this.revealed;
  }

  /** Whether the person may see a suggestion: where they are hidden, only once most of it is labelled. */
  isRevealed(suggestion) {
    return !this.hides || this.answered(suggestion) >= 0.5;
  }

  /** The share of a stretch that this person has labelled. */
  answered(stretch) {
    const mine = this.mine.reduce((sum, each) => sum + overlap(each, stretch), 0);
    return mine / (stretch.end_s - stretch.start_s);
  }

  /** Show all suggestions of this clip, also where nothing is labelled yet. */
  reveal() {
    this.revealed = true;
    this.rebuild();
    this.tell("data");
    this.tell("selection");
  }

  /** Hatch from another uncertainty on. */
  setUnsure(unsure) {
    this.unsure = unsure;
    this.tell("data");
  }

  /** What people walk through before they are shown suggestions: even pieces of the usual length not labelled yet. */
  pieces() {
    const count = Math.max(1, Math.round(this.clip.duration_s / this.usual_s));
    const length = this.clip.duration_s / count;
    const all = Array.from({ length: count }, (_, at) => ({ start_s: at * length, end_s: Math.min((at + 1) * length, this.clip.duration_s) }));
    return all.filter((piece) => this.answered(piece) < 0.8).map((piece) => ({ ...piece, suggestion: null, mine: null }));
  }

  byUid(uid) {
    return this.annotations.find((each) => each.uid === uid) || null;
  }

  /** Put a new or changed annotation in place, before the server has seen it. */
  put(annotation) {
    const at = this.annotations.findIndex((each) => each.uid === annotation.uid);
    if (at < 0) this.annotations.push(annotation);
    else this.annotations[at] = annotation;
    this.rebuild();
    this.tell("data");
  }

  /** Take an annotation away, before the server has seen it. */
  drop(uid) {
    this.annotations = this.annotations.filter((each) => each.uid !== uid);
    this.rebuild();
    this.tell("data");
  }

  /**
   * The items that a person walks through: every suggestion, joined with the own annotation that answers it, and own
   * annotations that answer none. Sorted by time.
   */
  rebuild() {
    const hides = this.hides;
    const items = hides
      ? this.pieces()
      : this.suggestions.map((each) => ({ start_s: each.start_s, end_s: each.end_s, suggestion: each, mine: null }));
    for (const annotation of this.mine.sort((a, b) => a.start_s - b.start_s)) {
      let best = null;
      for (let at = firstEndingAfter(this.suggestions, annotation.start_s); at < this.suggestions.length; at++) {
        if (this.suggestions[at].start_s >= annotation.end_s) break;
        const shared = overlap(this.suggestions[at], annotation);
        if (!best || shared > best.shared) best = { at, shared };
      }
      const suggestion = best && this.suggestions[best.at];
      const times = { start_s: annotation.start_s, end_s: annotation.end_s, mine: annotation };
      if (!hides && best && !items[best.at].mine && likeness(suggestion, annotation) >= 0.5) Object.assign(items[best.at], times);
      else items.push({ ...times, suggestion: suggestion || null });
    }
    items.sort((a, b) => a.start_s - b.start_s || a.end_s - b.end_s);
    this.items = items;
    if (this.selected && this.selected !== this.draft) this.selected = this.like(this.selected);
  }

  /** The item that is the same as, or most like, one of before. */
  like(former) {
    const uid = former.mine?.uid;
    const same = uid && this.items.find((item) => item.mine?.uid === uid);
    if (same) return same;
    let best = null;
    for (const item of this.items) if (likeness(item, former) > (best ? likeness(best, former) : 0)) best = item;
    return best;
  }

  /** Select an item; a draft that was not given an emotion is forgotten then. */
  select(item) {
    if (item !== this.draft) this.draft = null;
    if (item === this.selected) return;
    this.selected = item;
    this.tell("selection");
  }

  /** Select a new stretch that becomes an annotation as soon as it is given an emotion. */
  startDraft(start_s, end_s) {
    this.draft = { start_s, end_s, suggestion: this.suggestedFor({ start_s, end_s }), mine: null, draft: true };
    this.selected = this.draft;
    this.tell("selection");
  }

  /** The suggestion that covers most of a new stretch. */
  suggestedFor(stretch) {
    if (this.hides) return null;
    return this.suggestions.reduce((best, each) => (overlap(each, stretch) > (best ? overlap(best, stretch) : 0) ? each : best), null);
  }

  /** The item at a moment: an own annotation before a suggestion, the shorter before the longer. */
  itemAt(time) {
    const here = this.items.filter((item) => item.start_s <= time && time < item.end_s);
    here.sort((a, b) => !a.mine - !b.mine || a.end_s - a.start_s - (b.end_s - b.start_s));
    return here[0] || null;
  }

  /** The item before (-1) or after (+1) the selected one, or nearest the cursor when none is selected. */
  neighbour(step) {
    const { items } = this;
    if (!items.length) return null;
    const at = items.indexOf(this.selected);
    if (at >= 0) return items[at + step] || null;
    const time = this.selected ? this.selected.start_s : this.time;
    if (step > 0) return items.find((item) => item.end_s > time) || items[items.length - 1];
    return items.findLast((item) => item.start_s < time) || items[0];
  }

  /** Whether the model is so unsure of a suggestion that somebody had better look. */
  isUnsure(suggestion) {
    return suggestion.uncertainty >= this.unsure;
  }

  /** Whether the model is unsure of an item and nobody here has said anything about most of it. */
  needsAttention(item) {
    if (item.mine || this.skipped.has(item.start_s)) return false;
    if (this.hides) return this.answered(item) < 0.8;
    return Boolean(item.suggestion) && this.isUnsure(item.suggestion) && this.answered(item) < 0.8;
  }

  /** The next item that needs attention, from the selected one on and round to the start. */
  nextUnsure() {
    const at = this.items.indexOf(this.selected);
    const round = [...this.items.slice(at + 1), ...this.items.slice(0, at + 1)];
    return round.find((item) => this.needsAttention(item)) || null;
  }

  setTime(time) {
    this.time = Math.min(Math.max(time, 0), this.clip ? this.clip.duration_s : 0);
    this.tell("time");
  }
}

/** Where two lists of suggestions name different emotions: [{start_s, end_s, from, to}]. */
function changedStretches(before, after) {
  const edges = [...new Set([...before, ...after].flatMap((each) => [each.start_s, each.end_s]))].sort((a, b) => a - b);
  const at = (list, time) => {
    const found = list[firstEndingAfter(list, time)];
    return found && found.start_s <= time ? found.emotion : null;
  };
  const changed = [];
  for (let index = 0; index + 1 < edges.length; index++) {
    const middle = (edges[index] + edges[index + 1]) / 2;
    const [from, to] = [at(before, middle), at(after, middle)];
    if (from === to) continue;
    const last = changed[changed.length - 1];
    if (last && last.end_s === edges[index] && last.from === from && last.to === to) last.end_s = edges[index + 1];
    else changed.push({ start_s: edges[index], end_s: edges[index + 1], from, to });
  }
  return changed;
}
