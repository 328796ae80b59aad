/** What no answer means, for people. */
const NO_ANSWER = "The studio does not answer. Nothing was changed; try again in a moment.";

/** How long after a correction it is counted, and how long work rests before the other tabs are told, ms. */
const COUNT_AFTER = 250;
const TELL_AFTER = 1500;

/** What corrections lead to: counts, undo and redo, and model versions that learn from them. */
class Learning {
  constructor(work) {
    this.work = work;
    this.report = null;
  }

  /** Another study: nothing has been learned here yet. */
  forget() {
    this.report = null;
    this.work.bar.showStanding(null, null);
  }

  afterSave(entry) {
    const { model, bar, panel } = this.work;
    if (entry) Object.assign(model, { canUndo: true, canRedo: false });
    bar.showUndo(model);
    if (this.work.stale || !entry) this.work.refresh();
    if (!panel.explained && model.selected) this.work.explain(model.selected);
    clearTimeout(this.counting);
    this.counting = setTimeout(() => this.count(false), COUNT_AFTER);
    clearTimeout(this.telling);
    this.telling = setTimeout(() => this.tell(), TELL_AFTER);
  }

  /** Tell the other tabs that corrections, or the model that answers, have changed. */
  tell() {
    clearTimeout(this.telling);
    this.telling = null;
    const { study, annotator } = this.work.who;
    this.work.trigger("input", { study, annotator });
  }

  /** Another tab comes in sight: it must know at once. */
  tellWaiting() {
    if (this.telling) this.tell();
  }

  /** Count corrections anew and see which model answers, here and, with `tell`, on the other tabs at once. */
  async count(tell = true) {
    const { server, model, bar, who } = this.work;
    const answer = await server.readiness({ study: who.study });
    if (!answer || answer.refused || who.study !== this.work.who.study) return;
    if (this.report && this.report.number !== answer.standing?.number) this.report = null;
    this.standing = answer.standing;
    bar.showReadiness(answer.counts, answer.missing);
    bar.showStanding(answer.standing, this.report);
    if (model.clip && this.work.shownTo === who.annotator) announce("corrected", { clip: model.clip.id, mine: model.mine.length });
    if (tell) this.tell();
  }

  /** Accept every suggestion of the clip that the model is sure of and that is not answered yet: one step, one undo. */
  async acceptSure() {
    const { work } = this;
    const { model, who } = work;
    if (!model.clip || model.review || model.hides) {
      work.say(model.clip ? "That works on the model's suggestions only, where they are shown." : "Open a clip first.");
      return;
    }
    const asked = { clip: model.clip.id, annotator: who.annotator, version: model.version.id };
    work.panel.editor.flush();
    if (!(await work.outbox.settled())) {
      work.say("That waits until everything is saved.");
      return;
    }
    const answer = await work.server.accept_sure(asked);
    if (!answer || answer.refused) {
      work.say(answer?.refused || NO_ANSWER);
      await work.refresh();
      return;
    }
    const many = answer.accepted === 1 ? "1 suggestion" : `${answer.accepted} suggestions`;
    work.say(answer.accepted ? `Accepted ${many} that the model is sure of; one Ctrl+Z takes all of them back.` : "No suggestion that the model is sure of is left here.");
    await work.refresh();
    this.count();
  }

  /** Undo or redo this person's last change in the study. */
  async takeBack(which) {
    const { work } = this;
    work.panel.editor.flush();
    if (!(await work.outbox.settled())) {
      work.say("That waits until everything is saved.");
      return;
    }
    const { study, annotator } = work.who;
    const answer = await work.server[which]({ study, annotator, clip: work.model.clip?.id ?? null, review: work.model.review });
    if (!answer || answer.refused) {
      work.say(answer?.refused || NO_ANSWER);
      return;
    }
    work.say(answer.sentence);
    if (answer.clip && answer.clip === work.model.clip?.id) {
      work.model.setAnnotations(answer.annotations, answer.can_undo, answer.can_redo);
    }
    work.model.tell("selection");
    if (answer.clips_changed) announce("clips");
    if (answer.labels_changed) announce("labels");
    else if (answer.clips_changed) await work.reopen();
    this.count();
  }

  /** Let the model learn from all corrections of the study, and show before and after. */
  async adapt() {
    const { work } = this;
    work.panel.editor.flush();
    if (!(await work.outbox.settled())) {
      work.say("The model can adapt when everything is saved.");
      return;
    }
    const { study, annotator } = work.who;
    work.bar.showAdapting("Adapting…");
    const answer = await work.server.adapt({ study, annotator });
    work.bar.showAdapting("");
    if (!answer || answer.refused) {
      work.say(answer?.refused || NO_ANSWER);
      return;
    }
    this.report = answer.report;
    this.work.bar.showStanding(this.report, this.report);
    const unused = this.report.unused ? ` ${this.report.unused} of them could not be used: nobody is seen or heard there.` : "";
    const also = this.report.unlabelled ? ` and ${this.report.unlabelled} segments without a label` : "";
    const left = this.report.left_out
      ? ` ${this.report.left_out} segments without a label had no say: with them it would not answer as corrected.`
      : "";
    work.say(`Model ${this.report.number} has learned from ${this.report.corrections} corrections${also}.${unused}${left}`);
    await this.showAnew(this.report.former.id);
  }

  /** Let the version before answer again. */
  async goBack() {
    const { work } = this;
    const { study, annotator } = work.who;
    const answer = await work.server.activate({ study, annotator, version: this.standing?.former?.id ?? this.report?.former?.id });
    if (!answer || answer.refused) {
      work.say(answer?.refused || NO_ANSWER);
      return;
    }
    this.report = null;
    work.say(`Model ${answer.version.number} answers again. The newer one is kept.`);
    await this.showAnew(null);
  }

  /** Another model answers: count, order the queue and draw the open clip anew. */
  async showAnew(compareTo) {
    const { work } = this;
    this.count();
    announce("clips");
    await work.reopen({ compareTo });
  }
}
