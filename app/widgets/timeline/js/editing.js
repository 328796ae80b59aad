/** How far a key nudges a segment, seconds, alone and with Shift. */
const NUDGE = 0.1;
const SHOVE = 1;

/** Changing where the selected segment starts and ends, splitting it and merging it, all by key. */
class Editing {
  constructor(work) {
    this.work = work;
  }

  /** The own annotation that is selected; where there is none, say what to do. */
  chosen() {
    const { model } = this.work;
    const annotation = model.selected?.mine && model.byUid(model.selected.mine.uid);
    if (!annotation) this.work.say("Choose a segment of yours first: only what you labelled can be changed.");
    return annotation || null;
  }

  /** Without a segment of one's own a new one starts, or ends, here. */
  startHere() {
    const { model, actions } = this.work;
    const { time, draft, selected } = model;
    if (draft && time < draft.end_s - SHORTEST) actions.draft(time, draft.end_s);
    else if (selected?.mine && !draft) this.trim(time, selected.end_s);
    else if (model.clip) actions.newHere();
  }

  endHere() {
    const { model, actions } = this.work;
    const { time, draft, selected } = model;
    if (draft && time > draft.start_s + SHORTEST) actions.draft(draft.start_s, time);
    else if (selected?.mine && !draft) this.trim(selected.start_s, time);
    else this.work.say("Start the segment first: I, or Insert.");
  }

  trim(start_s, end_s) {
    const annotation = this.chosen();
    if (!annotation) return;
    if (end_s - start_s < SHORTEST) this.work.say("A segment must end after it starts: move the cursor first.");
    else this.work.actions.trim(annotation.uid, start_s, end_s);
  }

  nudgeBack(far) {
    this.nudge(far ? -SHOVE : -NUDGE);
  }

  nudgeOn(far) {
    this.nudge(far ? SHOVE : NUDGE);
  }

  nudge(seconds) {
    const annotation = this.chosen();
    if (!annotation) return;
    const { start_s, end_s } = annotation;
    const by = Math.min(Math.max(seconds, -start_s), this.work.model.clip.duration_s - end_s);
    if (by) this.work.actions.trim(annotation.uid, rounded(start_s + by), rounded(end_s + by));
  }

  /** Two segments that say the same, with the cursor between them; the second one is selected. */
  split() {
    const annotation = this.chosen();
    if (!annotation) return;
    const { time } = this.work.model;
    if (time < annotation.start_s + SHORTEST || time > annotation.end_s - SHORTEST) {
      this.work.say("Put the cursor inside the segment to split it there.");
      return;
    }
    const second = { ...annotation, uid: randomName(), id: null, version: null, start_s: time, painted: null };
    this.send([{ ...annotation, kind: "keep", end_s: time }, { ...second, kind: "keep" }], second.uid);
    this.work.say(`Split at ${clock(time)}; Ctrl+Z takes it back.`);
  }

  /** One segment from the start of the earlier to the end of the later, with the emotions of the selected one. */
  merge() {
    const annotation = this.chosen();
    if (!annotation) return;
    const later = this.work.model.mine.filter((each) => each.uid !== annotation.uid && each.start_s >= annotation.start_s);
    const next = later.sort((a, b) => a.start_s - b.start_s)[0];
    if (!next) {
      this.work.say("There is no later segment of yours to merge this one with.");
      return;
    }
    const notes = [annotation.note, next.note].filter(Boolean);
    const joined = { ...annotation, end_s: Math.max(annotation.end_s, next.end_s), note: [...new Set(notes)].join("\n") };
    this.send([{ ...joined, kind: "keep" }, { ...next, kind: "remove" }], annotation.uid);
    this.work.say(`Merged: ${sayDegrees(annotation.degrees)}, ${stretch(joined.start_s, joined.end_s)}; Ctrl+Z takes it back.`);
  }

  /** What the key of a painted segment said, without the reaction time, or with it taken off again. */
  useRaw(raw) {
    const annotation = this.chosen();
    if (!annotation?.painted) return;
    const { start_s, reaction_s } = annotation.painted;
    this.trim(raw ? start_s : Math.max(0, start_s - reaction_s), annotation.end_s);
  }

  send(parts, selected) {
    const { work } = this;
    work.panel.editor.flush();
    work.outbox.edit(parts);
    work.model.select(work.model.items.find((item) => item.mine?.uid === selected) || null);
    work.dirty();
  }
}

/** Seconds without the dust that adding tenths leaves. */
function rounded(seconds) {
  return Math.round(seconds * 1000) / 1000;
}
