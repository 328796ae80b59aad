/** A key that is down for less than this, seconds, was a tap and labels the segment under the cursor as ever. */
const TAP = 0.2;

/**
 * Painting while the clip plays: an emotion lasts as long as its key is held, several at once too. People press a moment
 * after they have seen it: their own reaction time is taken off the onset, and the raw times are kept beside it.
 */
class Painting {
  constructor(work) {
    this.work = work;
    this.on = false;
    this.strokes = new Map();
    addEventListener("blur", () => this.endAll(), { signal: work.life });
  }

  /** Whether an emotion's key paints now. */
  get ready() {
    return this.on && this.work.player.playing;
  }

  /** Start or stop painting; who has never measured their reaction time is asked to first. */
  paint() {
    this.on = !this.on;
    this.show();
    if (!this.on) return;
    if (this.work.reaction === null && !this.asked) {
      this.asked = true;
      this.work.player.stop();
      this.work.calibration.open();
      return;
    }
    this.work.say("Painting: play, and hold an emotion's key while it lasts. T stops painting.");
  }

  /** Measure the reaction time, or write it down. */
  measure() {
    this.work.player.stop();
    this.work.calibration.open();
  }

  show() {
    const { work } = this;
    work.part("paint").setAttribute("aria-pressed", String(this.on));
    const off = work.reaction === null ? "reaction time not measured" : `${work.reaction.toFixed(2)} s reaction time`;
    work.part("paint").title = `Hold an emotion's key while it lasts (T); ${off}`;
    write(work.part("reaction"), work.reaction === null ? "reaction time…" : `reaction ${work.reaction.toFixed(2)} s…`);
  }

  begin(code, emotion) {
    if (this.strokes.has(code)) return;
    const { player } = this.work;
    this.strokes.set(code, { emotion, from: player.time, reaction: (this.work.reaction || 0) * player.video.playbackRate });
    this.work.showUnderway();
    this.follow();
  }

  /** Draw what is being painted up to the cursor. */
  follow() {
    const { model, player } = this.work;
    if (!this.strokes.size && !model.strokes.length) return;
    model.strokes = [...this.strokes.values()].map(({ emotion, from, reaction }) =>
      ({ start_s: Math.max(0, from - reaction), end_s: Math.max(player.time, from), emotion, uid: null }));
    this.work.dirty();
  }

  end(code) {
    const stroke = this.strokes.get(code);
    if (!stroke) return;
    this.strokes.delete(code);
    this.work.showUnderway();
    const { model, player, outbox, actions } = this.work;
    const to = Math.min(player.time, model.clip.duration_s);
    this.follow();
    if (to - stroke.from < TAP * player.video.playbackRate) {
      actions.choose(stroke.emotion);
      return;
    }
    const raw = { start_s: rounded(stroke.from), end_s: rounded(to), reaction_s: rounded(stroke.reaction) };
    const start_s = rounded(Math.max(0, raw.start_s - raw.reaction_s));
    const uid = randomName();
    outbox.correct({
      uid, id: null, version: null, start_s, end_s: raw.end_s, degrees: { [stroke.emotion]: 1 }, intensity: null, note: "", painted: raw,
    }, !model.hides);
    model.select(model.items.find((item) => item.mine?.uid === uid) || null);
    this.work.spoken(`${stroke.emotion}, ${stretch(start_s, raw.end_s)}`);
  }

  /** The clip stopped or goes on from somewhere else, or the window lost its keys: what is held ends here. */
  endAll() {
    for (const code of [...this.strokes.keys()]) this.end(code);
  }
}
