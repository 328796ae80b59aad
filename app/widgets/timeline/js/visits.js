/** How often the place on the clip is told to the server at most, ms. */
const TELL = 4000;

/** How far the person is with the open clip: where they were, whether they have finished, and what is shown when. */
class Visits {
  constructor(work) {
    this.work = work;
    this.told = 0;
    const timer = setInterval(() => this.tell(), TELL);
    work.life.addEventListener("abort", () => clearInterval(timer));
    hear("finished", work.life, ({ clip, finished }) => this.heard(clip, finished));
    addEventListener("pagehide", () => this.tell(), { signal: work.life });
  }

  /** Tell the server where the person is, where they have moved. */
  tell() {
    const { model, who } = this.work;
    if (!model.clip || document.hidden || Math.abs(model.time - this.told) < 0.5) return;
    this.told = model.time;
    this.work.server.visit({ clip: model.clip.id, annotator: who.annotator, position_s: model.time }).catch(() => {});
  }

  /** Begin where the person was last; from the end one begins at the start again. */
  resume(position_s) {
    const { model, player } = this.work;
    this.told = position_s;
    if (position_s > 0.5 && position_s < model.clip.duration_s - 0.5) player.seek(position_s);
  }

  /** The clip is finished, or not after all. */
  async finish() {
    const { work } = this;
    const { model, who } = work;
    if (!model.clip) return;
    const asked = { clip: model.clip.id, annotator: who.annotator, finished: !model.finished };
    if (!(await work.outbox.settled())) {
      work.say("That waits until everything is saved.");
      return;
    }
    const answer = await work.server.finish(asked);
    if (!answer || answer.refused) {
      work.say(answer?.refused || NO_ANSWER);
      return;
    }
    this.heard(asked.clip, answer.finished);
    work.say(answer.finished ? "Finished ✓ Page ↓ opens the next clip." : "Not finished after all.");
    announce("clips");
  }

  /** Somebody said in the queue that a clip is finished, or not. */
  heard(clip, finished) {
    const { model, bar } = this.work;
    if (clip !== model.clip?.id) return;
    Object.assign(model, { finished, canUndo: true, canRedo: false });
    this.show();
    bar.showUndo(model);
  }

  show() {
    const { model } = this.work;
    const button = this.work.part("finish");
    button.setAttribute("aria-pressed", String(model.finished));
    write(button, model.finished ? "finished ✓" : "finish");
  }

  /** Where labels come first: show the model's answers now, once something is labelled. */
  reveal() {
    const { model } = this.work;
    if (!model.hides) this.work.say("Nothing is hidden here.");
    else if (!model.mine.length) this.work.say("Label first: the model's answers can be shown once you have labelled something.");
    else model.reveal();
  }

  /** Settle what people say differently, on the lane of the consensus; or go back to one's own lane. */
  async review() {
    const { work } = this;
    if (!work.model.clip) return;
    work.panel.editor.flush();
    await work.reopen({ review: !work.model.review });
  }
}
