/** How near, in pixels, a pointer must be to an edge to take hold of it, and how far it must move to drag. */
const GRIP = { mouse: 6, pen: 10, touch: 16 };
const SLACK = 4;
/** Shortest stretch that can be made by dragging, seconds. */
const SHORTEST = 0.1;

/**
 * Pointer, wheel and pinch on the timeline. A click seeks and selects; a drag on the own lane makes a stretch, moves it
 * or one of its edges; a drag on the ruler moves the cursor; any other drag moves the timeline.
 */
class Gestures {
  constructor(area, { model, scale, rows, actions, life }) {
    Object.assign(this, { area, model, scale, rows, actions });
    this.pointers = new Map();
    this.drag = null;
    const on = (name, listener, options = {}) => area.addEventListener(name, listener, { signal: life, ...options });
    on("pointerdown", (event) => this.down(event));
    on("pointermove", (event) => this.move(event));
    on("pointerup", (event) => this.up(event));
    on("pointercancel", (event) => this.cancel(event));
    on("wheel", (event) => this.wheel(event), { passive: false });
    on("dblclick", (event) => this.twice(event));
  }

  /** Where a pointer is: row, time, and the own annotation under it with the edge it would take hold of. */
  hit(event) {
    const box = this.area.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    const row = this.rows().find((each) => y >= each.top && y < each.top + each.height) || this.rows()[0];
    const time = Math.min(Math.max(this.scale.time(x), 0), this.scale.duration);
    const grip = GRIP[event.pointerType] || GRIP.mouse;
    let [annotation, edge] = [null, null];
    if (row?.kind === "mine") {
      const near = (each, reach) => this.scale.x(each.start_s) - reach <= x && x <= this.scale.x(each.end_s) + reach;
      const chosen = this.model.selected?.mine;
      const found = this.model.mine.filter((each) => near(each, 0)).sort((a, b) => a.end_s - a.start_s - b.end_s + b.start_s);
      annotation = chosen && near(chosen, grip) ? chosen : found[0] || null;
      if (annotation && (annotation === chosen || event.pointerType === "mouse")) {
        const [left, right] = [this.scale.x(annotation.start_s), this.scale.x(annotation.end_s)];
        const reach = Math.min(grip, Math.max((right - left) / 3, 3));
        if (Math.abs(x - left) <= reach) edge = "start";
        else if (Math.abs(x - right) <= reach) edge = "end";
      }
    }
    return { x, y, row, time, annotation, edge };
  }

  down(event) {
    if (event.button !== 0 || !this.model.clip) return;
    this.pointers.set(event.pointerId, event);
    this.area.setPointerCapture(event.pointerId);
    if (this.pointers.size === 2) {
      this.stopDrag();
      this.drag = { kind: "pinch", gap: this.gap(), from: this.scale.from, to: this.scale.to };
      return;
    }
    const hit = this.hit(event);
    this.drag = { ...hit, kind: this.intent(hit, event), clientX: event.clientX, from: this.scale.from, started: false };
    if (this.drag.kind === "scrub") this.actions.seek(hit.time);
  }

  intent({ row, annotation, edge }, { pointerType }) {
    if (row.kind === "ruler") return "scrub";
    if (row.kind !== "mine") return "pan";
    if (edge) return "trim";
    if (pointerType === "touch") return "pan";
    return annotation ? "shift" : "create";
  }

  move(event) {
    if (!this.pointers.has(event.pointerId)) {
      this.hover(event);
      return;
    }
    this.pointers.set(event.pointerId, event);
    const { drag } = this;
    if (!drag) return;
    if (drag.kind === "pinch") {
      this.pinch();
      return;
    }
    const moved = event.clientX - drag.clientX;
    if (!drag.started && Math.abs(moved) < SLACK) return;
    drag.started = true;
    const seconds = (moved / this.scale.width) * this.scale.span;
    if (drag.kind === "scrub") this.actions.seek(this.hit(event).time);
    else if (drag.kind === "pan") this.scale.show(drag.from - seconds, drag.from - seconds + this.scale.span);
    else this.actions.ghost(this.planned(drag, this.hit(event).time, seconds, event.altKey));
  }

  /** The stretch that a drag on the own lane would leave behind. */
  planned({ kind, time: from, annotation, edge }, time, seconds, exactly) {
    const snap = (value) => (exactly ? value : this.snap(value, annotation));
    const { duration } = this.scale;
    if (kind === "create") {
      const [a, b] = [snap(from), snap(time)];
      return { start_s: Math.min(a, b), end_s: Math.max(a, b), uid: null, emotion: null };
    }
    const { uid, emotion, start_s, end_s } = annotation;
    if (kind === "trim" && edge === "start") return { uid, emotion, start_s: Math.min(snap(time), end_s - SHORTEST), end_s };
    if (kind === "trim") return { uid, emotion, start_s, end_s: Math.max(snap(time), start_s + SHORTEST) };
    const start = Math.min(Math.max(snap(start_s + seconds), 0), duration - (end_s - start_s));
    return { uid, emotion, start_s: start, end_s: start + end_s - start_s };
  }

  /** Let a moment jump to the cursor, or to an edge of a suggestion or annotation, that is a few pixels away. */
  snap(time, except) {
    const reach = (6 / this.scale.width) * this.scale.span;
    let best = Math.round(time * 100) / 100;
    let gap = reach;
    const consider = (edge) => {
      if (Math.abs(edge - time) < gap) [best, gap] = [edge, Math.abs(edge - time)];
    };
    consider(this.model.time);
    const { suggestions } = this.model;
    for (let at = firstEndingAfter(suggestions, time - reach); at < suggestions.length; at++) {
      if (suggestions[at].start_s > time + reach) break;
      consider(suggestions[at].start_s);
      consider(suggestions[at].end_s);
    }
    for (const each of this.model.mine) {
      if (each.uid === except?.uid) continue;
      consider(each.start_s);
      consider(each.end_s);
    }
    return Math.min(Math.max(best, 0), this.scale.duration);
  }

  up(event) {
    if (!this.pointers.delete(event.pointerId)) return;
    const { drag } = this;
    if (!drag || this.pointers.size) return;
    this.drag = null;
    if (drag.kind === "pinch") return;
    const { ghost } = this.model;
    this.actions.ghost(null);
    if (!drag.started) this.click(drag);
    else if (ghost && drag.kind === "create") {
      if (ghost.end_s - ghost.start_s >= SHORTEST) this.actions.draft(ghost.start_s, ghost.end_s);
    } else if (ghost) this.actions.trim(drag.annotation.uid, ghost.start_s, ghost.end_s);
  }

  click({ row, time, annotation }) {
    this.actions.seek(time);
    if (row.kind === "ruler") return;
    const item = annotation
      ? this.model.items.find((each) => each.mine?.uid === annotation.uid)
      : row.kind === "suggested"
        ? this.model.items.find((each) => each.suggestion?.start_s <= time && time < each.suggestion?.end_s)
        : this.model.itemAt(time);
    if (item) this.actions.select(item);
  }

  twice(event) {
    const { row, time } = this.hit(event);
    const item = row?.kind === "ruler" ? null : this.model.itemAt(time);
    if (item) this.actions.playItem();
  }

  cancel(event) {
    this.pointers.delete(event.pointerId);
    this.stopDrag();
  }

  /** Let go without doing anything. */
  stopDrag() {
    this.drag = null;
    this.actions.ghost(null);
  }

  gap() {
    const [a, b] = [...this.pointers.values()];
    return { width: Math.max(Math.abs(a.clientX - b.clientX), 24), middle: (a.clientX + b.clientX) / 2 };
  }

  pinch() {
    const [{ gap, from, to }, now] = [this.drag, this.gap()];
    const left = this.area.getBoundingClientRect().left;
    const span = ((to - from) * gap.width) / now.width;
    const around = from + ((gap.middle - left) / this.scale.width) * (to - from);
    const start = around - ((now.middle - left) / this.scale.width) * span;
    this.scale.show(start, start + span);
  }

  wheel(event) {
    if (!this.model.clip) return;
    const lines = event.deltaMode === 1 ? 16 : 1;
    const sideways = event.shiftKey && !event.deltaX ? event.deltaY : event.deltaX;
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault();
      this.scale.zoom(Math.exp(-event.deltaY * lines * 0.0025), this.hit(event).time);
    } else if (Math.abs(sideways) > Math.abs(event.shiftKey ? 0 : event.deltaY)) {
      event.preventDefault();
      this.scale.pan(((sideways * lines) / this.scale.width) * this.scale.span);
    }
  }

  /** What is under the pointer, in words: segments may be too narrow for theirs. */
  about(row, time, annotation) {
    const { model } = this;
    if (row.kind === "suggested") {
      const found = row.list[firstEndingAfter(row.list, time)];
      if (!found || found.start_s > time || !model.isRevealed(found)) return "";
      if (found.said) return sayPeople(found.said);
      return `${found.emotion} ${degreeText(found.degree)}, ${certainty(found.uncertainty)}, ${stretch(found.start_s, found.end_s)}`;
    }
    const others = row.kind === "other" && model.annotations.find((each) => each.annotator === row.name && each.start_s <= time && time < each.end_s);
    const said = annotation || others;
    if (said) return [`${sayDegrees(said.degrees)}, ${stretch(said.start_s, said.end_s)}`, said.note].filter(Boolean).join("\n");
    return row.kind === "cue" ? `${row.name} ${measured(laneValue(row.lane, time), row.lane.unit)}` : "";
  }

  hover(event) {
    const { row, annotation, edge, time } = this.hit(event);
    this.area.title = row ? this.about(row, time, annotation) : "";
    const own = edge ? "ew-resize" : annotation ? "grab" : "crosshair";
    this.area.style.cursor = row?.kind === "mine" ? own : row?.kind === "ruler" ? "col-resize" : "pointer";
  }
}

/** The whole clip in one strip, with the part in sight as a window that can be dragged. */
class Overview {
  constructor(strip, { model, scale, actions, life }) {
    Object.assign(this, { strip, model, scale });
    this.canvas = strip.querySelector("canvas");
    this.window = strip.querySelector("[data-part=window]");
    this.cursor = strip.querySelector("[data-part=overview-cursor]");
    let held = null;
    const time = (event) => {
      const box = strip.getBoundingClientRect();
      return ((event.clientX - box.left) / box.width) * scale.duration;
    };
    const on = (name, listener) => strip.addEventListener(name, listener, { signal: life });
    on("pointerdown", (event) => {
      if (!model.clip) return;
      strip.setPointerCapture(event.pointerId);
      const at = time(event);
      const inside = scale.zoomed && at >= scale.from && at <= scale.to;
      held = { grip: inside ? at - scale.from : scale.span / 2, moved: false };
      if (!inside) scale.show(at - held.grip, at - held.grip + scale.span);
    });
    on("pointermove", (event) => {
      if (!held) return;
      held.moved = true;
      const from = time(event) - held.grip;
      scale.show(from, from + scale.span);
    });
    on("pointerup", (event) => {
      if (held && !held.moved) actions.seek(time(event));
      held = null;
    });
    on("pointercancel", () => (held = null));
  }

  /** Draw the whole clip anew: after its suggestions or annotations changed. */
  paint() {
    const ratio = window.devicePixelRatio || 1;
    const { clientWidth: width, clientHeight: height } = this.strip;
    Object.assign(this.canvas, { width: Math.round(width * ratio), height: Math.round(height * ratio) });
    const pen = this.canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    const rows = [this.model.suggestions, this.model.mine];
    rows.forEach((list, at) => {
      for (const each of list) {
        if (at === 0 && !this.model.isRevealed(each)) continue;
        const [left, right] = [each.start_s, each.end_s].map((time) => (time / this.scale.duration) * width);
        pen.globalAlpha = at === 0 && this.model.isUnsure(each) ? 0.35 : 1;
        pen.fillStyle = this.model.emotion(each.emotion).colour;
        pen.fillRect(left, at ? height - 5 : 2, Math.max(right - left - 0.5, 1), at ? 4 : height - 9);
      }
    });
    this.place();
  }

  /** Put window and cursor where they belong. */
  place() {
    const percent = (time) => `${(100 * time) / this.scale.duration}%`;
    this.window.style.left = percent(this.scale.from);
    this.window.style.width = percent(this.scale.span);
    this.cursor.style.left = percent(this.model.time);
  }
}
