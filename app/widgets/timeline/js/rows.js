/** Heights of the rows of the timeline, in CSS pixels. */
const HEIGHTS = { ruler: 22, words: 20, suggested: 34, mine: 36, other: 24, cue: 26 };

/** The rows of the timeline from top to bottom: [{kind, name, top, height, …}]. `shown` are the names of cue lanes. */
function rowsOf(model, annotator, shown) {
  const rows = [{ kind: "ruler", name: "" }];
  if (model.words.length) rows.push({ kind: "words", name: "words" });
  if (model.before) rows.push({ kind: "suggested", name: "before", list: model.before });
  const live = model.review ? "people" : model.before ? "after" : "suggested";
  rows.push({ kind: "suggested", name: live, list: model.suggestions, live: true });
  rows.push({ kind: "mine", name: model.review ? "consensus" : annotator || "you" });
  const others = new Set(model.annotations.filter((each) => !each.mine).map((each) => each.annotator));
  for (const name of [...others].sort()) rows.push({ kind: "other", name });
  for (const lane of model.lanes) if (shown.includes(lane.name)) rows.push({ kind: "cue", name: lane.name, lane });
  let top = 0;
  for (const row of rows) {
    Object.assign(row, { top, height: HEIGHTS[row.kind] });
    top += row.height;
  }
  return rows;
}

/** Whether rows are the same ones at the same places; what lies in them may differ. */
function sameRows(a, b) {
  return a.length === b.length && a.every((row, at) => ["kind", "name", "lane", "top"].every((what) => row[what] === b[at][what]));
}

/** The names of the rows beside the timeline, with the value of each cue at the cursor. */
class Gutter {
  constructor(element) {
    this.element = element;
    this.values = [];
  }

  /** Write the names anew: after a clip was opened or the rows changed. */
  render(rows) {
    this.values = [];
    this.element.replaceChildren(
      ...rows.map((row) => {
        const value = row.kind === "cue" ? make("span", { class: "tl-value" }) : null;
        if (value) this.values.push({ element: value, lane: row.lane });
        const title = row.lane ? `${row.lane.name} (${row.lane.modality}, ${row.lane.unit}). ${row.lane.meaning || ""}` : row.name;
        const style = { height: `${row.height}px` };
        return make("div", { class: `tl-name tl-name-${row.kind}`, style, title }, make("span", {}, row.name), value);
      }),
    );
  }

  update(time) {
    for (const { element, lane } of this.values) write(element, measured(laneValue(lane, time), lane.unit));
  }
}

/** The value of a cue at a moment, null where it cannot be measured. */
function laneValue(lane, time) {
  return lane.values[Math.min(Math.floor(time * lane.rate_hz + 1e-6), lane.values.length - 1)] ?? null;
}

/**
 * Lowest and highest value of a cue per 2, 4, 8 … frames, made once, so that an hour of it is drawn as fast as a second.
 * `levels[k]` has one pair per 2^k frames; NaN where nothing is known.
 */
function pyramid(lane) {
  if (lane.levels) return lane.levels;
  const base = Float32Array.from(lane.values, (value) => value ?? NaN);
  const levels = [{ low: base, high: base }];
  while (levels[levels.length - 1].low.length > 512) {
    const { low, high } = levels[levels.length - 1];
    const half = Math.ceil(low.length / 2);
    const next = { low: new Float32Array(half), high: new Float32Array(half) };
    for (let at = 0; at < half; at++) {
      next.low[at] = least(low[2 * at], low[2 * at + 1]);
      next.high[at] = -least(-high[2 * at], -high[2 * at + 1]);
    }
    levels.push(next);
  }
  lane.levels = levels;
  return levels;
}

/** The lesser of two numbers of which either may be unknown. */
function least(a, b) {
  if (!(a === a)) return b ?? NaN;
  return b === b && b < a ? b : a;
}

/** The runs of known values between two positions, both included: [[first, last], …]. */
function knownRuns(values, first, last) {
  const runs = [];
  for (let at = first; at <= last; at++) {
    if (!(values[at] === values[at])) continue;
    const run = runs[runs.length - 1];
    if (run && run[1] === at - 1) run[1] = at;
    else runs.push([at, at]);
  }
  return runs;
}
