/** Colours of the page's look that the canvas needs; read anew when light turns dark. */
function readInk(element) {
  const style = getComputedStyle(element);
  const names = ["ground", "panel", "raised", "line", "text", "soft", "accent", "tint", "warn"];
  const ink = Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--st-${name}`).trim()]));
  ink.font = style.getPropertyValue("--st-sans") || "sans-serif";
  return ink;
}

/** A pattern of slanted lines in a colour: what the model is unsure of. */
function hatch(context, colour) {
  const tile = make("canvas", { width: 8, height: 8 });
  const pen = tile.getContext("2d");
  pen.strokeStyle = colour;
  pen.lineWidth = 2;
  for (const shift of [-8, 0, 8]) {
    pen.beginPath();
    pen.moveTo(shift - 1, 9);
    pen.lineTo(shift + 9, -1);
    pen.stroke();
  }
  return context.createPattern(tile, "repeat");
}

/** Draws the rows of the timeline on a canvas: only what is in sight, at the resolution of the screen. */
class Painter {
  constructor(canvas, model, scale) {
    Object.assign(this, { canvas, model, scale, rows: [], patterns: new Map(), widths: new Map() });
    this.context = canvas.getContext("2d");
    this.ink = readInk(canvas);
  }

  refreshInk() {
    this.ink = readInk(this.canvas);
    this.patterns.clear();
  }

  /** Fit the canvas to its box and its rows. */
  resize() {
    const ratio = window.devicePixelRatio || 1;
    const width = this.canvas.parentElement.clientWidth;
    const height = this.rows.length ? this.rows[this.rows.length - 1].top + this.rows[this.rows.length - 1].height : 0;
    this.scale.width = Math.max(width, 1);
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
    this.canvas.style.height = `${height}px`;
    this.context.setTransform(ratio, 0, 0, ratio, 0, 0);
  }

  paint() {
    const { context, scale, rows, model, ink } = this;
    context.clearRect(0, 0, scale.width, this.canvas.height);
    if (!model.clip) return;
    this.step = tickStep(scale.span, scale.width);
    for (const row of rows) {
      context.save();
      context.beginPath();
      context.rect(0, row.top, scale.width, row.height);
      context.clip();
      this.grid(row);
      if (row.kind === "ruler") this.ruler(row);
      else if (row.kind === "words") this.words(row);
      else if (row.kind === "suggested") this.suggestions(row);
      else if (row.kind === "cue") this.cue(row);
      else this.annotations(row);
      context.restore();
    }
    if (model.selected) this.selection(model.selected);
    if (model.ghost) this.ghost(model.ghost);
    for (const stroke of model.strokes) this.ghost(stroke);
    context.fillStyle = ink.line;
    for (const row of rows.slice(1)) context.fillRect(0, row.top, scale.width, 1);
  }

  grid(row) {
    const { context, scale, ink } = this;
    context.fillStyle = row.kind === "mine" ? ink.tint : ink.panel;
    context.fillRect(0, row.top, scale.width, row.height);
    context.fillStyle = ink.raised;
    for (let tick = Math.ceil(scale.from / this.step); tick * this.step <= scale.to; tick++) {
      context.fillRect(Math.round(scale.x(tick * this.step)), row.top, 1, row.height);
    }
  }

  ruler(row) {
    const { context, scale, ink, step } = this;
    this.font(11);
    context.textBaseline = "middle";
    for (let tick = Math.floor(scale.from / step); tick * step <= scale.to; tick++) {
      const x = scale.x(tick * step);
      context.fillStyle = ink.soft;
      context.fillRect(Math.round(x), row.top + 15, 1, 7);
      const label = step < 1 ? clock(tick * step) : clock(tick * step).slice(0, -3);
      if (x + 40 < scale.width) context.fillText(label, x + 4, row.top + 10);
    }
  }

  words(row) {
    const { context, scale, ink, model } = this;
    const first = firstEndingAfter(model.words, scale.from);
    const crowded = (firstEndingAfter(model.words, scale.to) - first) * 14 > scale.width;
    this.font(12);
    context.textBaseline = "middle";
    let [free, marked] = [-Infinity, -Infinity];
    for (let at = first; at < model.words.length; at++) {
      const word = model.words[at];
      if (word.start_s > scale.to) break;
      const x = scale.x(word.start_s);
      if (x >= marked) {
        context.fillStyle = ink.line;
        context.fillRect(x, row.top + row.height - 4, Math.max(1, scale.x(word.end_s) - x - 1), 3);
        marked = x + 1.5;
      }
      if (crowded || x < free) continue;
      context.fillStyle = ink.text;
      context.fillText(word.text, x, row.top + 9);
      free = x + this.measure(word.text) + 4;
    }
    if (!crowded) return;
    context.fillStyle = ink.soft;
    context.fillText("zoom in to read the words", 6, row.top + 9);
  }

  suggestions(row) {
    const { scale, context, ink, model } = this;
    let drawn = -Infinity;
    if (model.hides) this.hidden(row);
    for (let at = firstEndingAfter(row.list, scale.from); at < row.list.length; at++) {
      const each = row.list[at];
      if (each.start_s > scale.to) break;
      if (!model.isRevealed(each)) continue;
      // Of several within one pixel the first stands for all.
      if (scale.x(each.end_s) < drawn + 1) continue;
      drawn = scale.x(each.end_s);
      this.block(row, each, { faded: model.isUnsure(each), degree: each.degree, muted: !row.live });
    }
    if (!row.live) return;
    for (let at = firstEndingAfter(model.changed, scale.from); at < model.changed.length; at++) {
      const { start_s, end_s } = model.changed[at];
      if (start_s > scale.to) break;
      const [left, right] = [scale.x(start_s), scale.x(end_s)];
      context.fillStyle = ink.warn;
      context.fillRect(left, row.top + row.height - 5, Math.max(2, right - left - 1), 4);
      context.beginPath();
      context.moveTo(left, row.top + 1);
      context.lineTo(left + 7, row.top + 1);
      context.lineTo(left, row.top + 8);
      context.fill();
    }
  }

  /** Where suggestions are hidden until the person has labelled. */
  hidden(row) {
    const { context, scale, ink, model } = this;
    const shown = row.list.findLast((each) => each.start_s < scale.to && model.isRevealed(each));
    this.font(12);
    context.textBaseline = "middle";
    context.fillStyle = ink.soft;
    const text = "label first: the model's answer shows once you have labelled";
    context.fillText(text, Math.max(scale.x(shown ? shown.end_s : 0), 0) + 6, row.top + row.height / 2);
  }

  annotations(row) {
    const { scale, model } = this;
    for (const each of model.annotations) {
      if (each.end_s < scale.from || each.start_s > scale.to) continue;
      if (row.kind === "mine" ? !each.mine : each.mine || each.annotator !== row.name) continue;
      if (model.ghost?.uid === each.uid) continue;
      const degree = each.degrees[each.emotion];
      const mixed = Object.keys(each.degrees).length > 1;
      this.block(row, each, { degree: degree < 1 ? degree : undefined, mixed, note: each.note });
    }
  }

  /** One coloured stretch with its letter and, where there is room, its name and degree. */
  block(row, { start_s, end_s, emotion: name }, { faded = false, degree, mixed = false, note = "", muted = false }) {
    const { context, scale, ink } = this;
    const emotion = this.model.emotion(name);
    const left = Math.max(scale.x(start_s), -4);
    const right = Math.min(scale.x(end_s), scale.width + 4);
    const [width, top, height] = [Math.max(right - left - 1, 1), row.top + 3, row.height - 6];
    context.globalAlpha = muted ? 0.65 : 1;
    if (faded) {
      context.fillStyle = ink.panel;
      context.fillRect(left, top, width, height);
      context.fillStyle = width > 5 ? this.pattern(emotion.colour) : emotion.colour;
      context.globalAlpha *= width > 5 ? 0.75 : 0.5;
      context.fillRect(left, top, width, height);
    } else {
      context.fillStyle = emotion.colour;
      context.fillRect(left, top, width, height);
    }
    context.globalAlpha = muted ? 0.65 : 1;
    if (width > 5) {
      context.strokeStyle = emotion.colour;
      context.lineWidth = 1.5;
      context.strokeRect(left + 0.75, top + 0.75, width - 1.5, height - 1.5);
    }
    if (width >= 13) this.label(emotion, { left, width, middle: top + height / 2, faded, degree, mixed, note });
    context.globalAlpha = 1;
  }

  label(emotion, { left, width, middle, faded, degree, mixed, note }) {
    const { context, ink } = this;
    this.font(12, 600);
    const letter = emotion.letter.toUpperCase();
    const whole = `${letter} ${emotion.name}${faded ? "?" : ""}${mixed ? " +" : ""}${note ? " ✎" : ""}`;
    const full = degree === undefined ? whole : `${whole} ${degreeText(degree)}`;
    const shown = [full, whole].find((text) => width > this.measure(text) + 11) || letter;
    const x = Math.max(left, 0) + 5;
    context.textBaseline = "middle";
    if (faded) {
      context.fillStyle = ink.panel;
      context.globalAlpha = 0.9;
      context.fillRect(x - 3, middle - 8, this.measure(shown) + 6, 16);
      context.globalAlpha = 1;
    }
    context.fillStyle = faded ? ink.text : inkOn(emotion.colour);
    context.fillText(shown, x, middle + 0.5);
  }

  cue(row) {
    const { context, scale, ink } = this;
    const { lane } = row;
    const levels = pyramid(lane);
    const perPixel = (scale.span * lane.rate_hz) / scale.width;
    const level = Math.min(Math.ceil(Math.log2(Math.max(perPixel, 1))), levels.length - 1);
    const { low, high } = levels[level];
    const rate = lane.rate_hz / 2 ** level;
    const y = (value) => row.top + row.height - 3 - ((value - lane.low) / (lane.high - lane.low || 1)) * (row.height - 6);
    const last = Math.min(low.length - 1, Math.ceil(scale.to * rate) + 1);
    const first = Math.max(0, Math.floor(scale.from * rate) - 1);
    if (level) this.band(low, high, { first, last, rate, y });
    else this.line(high, { first, last, rate, y });
  }

  /** Several frames in a pixel: what lies between their lowest and highest value. */
  band(low, high, { first, last, rate, y }) {
    const { context, scale, ink } = this;
    context.fillStyle = ink.accent;
    const width = Math.max(scale.width / (scale.span * rate), 1);
    for (let at = first; at <= last; at++) {
      if (!(low[at] === low[at])) continue;
      const top = y(high[at]) - 0.7;
      context.fillRect(scale.x(at / rate), top, width, y(low[at]) + 0.7 - top);
    }
  }

  /** At most one frame in a pixel: the line through them, broken where nothing is known. */
  line(values, { first, last, rate, y }) {
    const { context, scale, ink } = this;
    const x = (at) => scale.x((at + 0.5) / rate);
    context.strokeStyle = ink.accent;
    context.lineWidth = 1.3;
    context.beginPath();
    for (const [from, to] of knownRuns(values, first, last)) {
      context.moveTo(x(from), y(values[from]));
      for (let at = from + 1; at <= to; at++) context.lineTo(x(at), y(values[at]));
      if (from === to) context.lineTo(x(to) + 1.5, y(values[to]));
    }
    context.stroke();
  }

  /** Mark the selected item in the lanes it belongs to. */
  selection(item) {
    const { context, scale, ink } = this;
    const [left, right] = [scale.x(item.start_s), scale.x(item.end_s)];
    if (right < -2 || left > scale.width + 2) return;
    for (const row of this.rows) {
      if (row.kind === "ruler") {
        context.fillStyle = ink.accent;
        context.fillRect(left, row.top + row.height - 4, Math.max(right - left, 2), 4);
      } else if (row.kind === "mine" || (row.live && item.suggestion && !item.draft && this.model.isRevealed(item.suggestion))) {
        const box = row.kind === "mine" ? item : item.suggestion;
        const [from, to] = [scale.x(box.start_s), scale.x(box.end_s)];
        context.strokeStyle = ink.text;
        context.lineWidth = row.kind === "mine" || !item.mine ? 2.5 : 1.2;
        context.setLineDash(row.kind === "mine" && !item.mine ? [5, 4] : []);
        context.strokeRect(from + 1, row.top + 2, Math.max(to - from - 3, 2), row.height - 4);
        context.setLineDash([]);
        if (row.kind === "mine" && item.mine) this.handles(row, from, to);
      }
    }
  }

  handles(row, left, right) {
    const { context, ink } = this;
    for (const x of [left, right - 1]) {
      context.fillStyle = ink.text;
      context.fillRect(x - 3, row.top + row.height / 2 - 8, 6, 16);
      context.fillStyle = ink.panel;
      context.fillRect(x - 0.5, row.top + row.height / 2 - 5, 1, 10);
    }
  }

  /** A stretch that is being made or moved. */
  ghost({ start_s, end_s, emotion }) {
    const { context, scale, ink } = this;
    const row = this.rows.find((each) => each.kind === "mine");
    const [left, right] = [scale.x(start_s), scale.x(end_s)];
    context.globalAlpha = 0.7;
    context.fillStyle = emotion ? this.model.emotion(emotion).colour : ink.accent;
    context.fillRect(left, row.top + 3, Math.max(right - left, 1), row.height - 6);
    context.globalAlpha = 1;
    this.font(11, 600);
    const text = stretch(start_s, end_s);
    const x = Math.min(Math.max(left, 2), scale.width - this.measure(text) - 8);
    context.fillStyle = ink.text;
    context.fillRect(x, row.top - 15, this.measure(text) + 8, 16);
    context.fillStyle = ink.panel;
    context.textBaseline = "middle";
    context.fillText(text, x + 4, row.top - 6.5);
  }

  pattern(colour) {
    if (!this.patterns.has(colour)) this.patterns.set(colour, hatch(this.context, colour));
    return this.patterns.get(colour);
  }

  font(size, weight = 400) {
    this.context.font = `${weight} ${size}px ${this.ink.font}`;
  }

  measure(text) {
    const key = this.context.font + text;
    if (this.widths.size > 5000) this.widths.clear();
    if (!this.widths.has(key)) this.widths.set(key, this.context.measureText(text).width);
    return this.widths.get(key);
  }
}
