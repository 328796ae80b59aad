/** Seconds that an arrow key moves the cursor, alone and with Shift. */
const HOP = 0.5;
const LEAP = 5;

/** Everything a person can do on the open clip, whether by key, by button or by pointer. */
class Actions {
  constructor(work) {
    this.work = work;
  }

  // --- playback -------------------------------------------------------------------------------------------------

  play() {
    if (this.work.model.clip) this.work.player.toggle();
  }

  playItem() {
    const item = this.work.model.selected;
    if (item) this.work.player.playPart(item.start_s, item.end_s);
  }

  seek(time) {
    const { model, player } = this.work;
    player.part = null;
    player.seek(Math.min(Math.max(time, 0), model.clip ? model.clip.duration_s : 0));
  }

  hop(seconds) {
    this.seek(this.work.model.time + seconds);
    this.work.scale.follow(this.work.model.time);
  }

  back(far) {
    this.hop(far ? -LEAP : -HOP);
  }

  forth(far) {
    this.hop(far ? LEAP : HOP);
  }

  frameBack() {
    this.work.player.step(-1);
  }

  frameOn() {
    this.work.player.step(1);
  }

  speed() {
    this.work.player.nextRate();
  }

  slower() {
    this.changeSpeed(-1);
  }

  faster() {
    this.changeSpeed(1);
  }

  changeSpeed(step) {
    const speeds = [...SPEEDS].sort((a, b) => a - b);
    const at = speeds.indexOf(this.work.player.video.playbackRate) + step;
    if (speeds[at]) this.work.player.setRate(speeds[at]);
  }

  loop() {
    this.work.player.loop = !this.work.player.loop;
    this.work.showTransport();
  }

  autoplay() {
    this.work.autoplay = !this.work.autoplay;
    remember("autoplay", this.work.autoplay);
    this.work.showTransport();
    if (this.work.autoplay) this.playItem();
  }

  // --- finding --------------------------------------------------------------------------------------------------

  select(item) {
    this.work.panel.editor.flush();
    this.work.model.select(item);
  }

  /** Go to an item: select it, bring it in sight and put the cursor at its start. */
  goTo(item) {
    const { model, player, scale } = this.work;
    this.select(item);
    scale.reveal(item.start_s, item.end_s);
    if (this.work.autoplay) player.playPart(item.start_s, item.end_s);
    else if (!player.playing || player.part) {
      player.stop();
      player.seek(item.start_s);
    } else this.seek(item.start_s);
    model.tell("selection");
  }

  next() {
    const item = this.work.model.neighbour(1);
    if (item) this.goTo(item);
    else this.work.say("That was the last segment. Page ↓ opens the next clip.");
  }

  previous() {
    const item = this.work.model.neighbour(-1);
    if (item) this.goTo(item);
  }

  nextUnsure() {
    const item = this.work.model.nextUnsure();
    if (item) this.goTo(item);
    else this.work.say("Nothing on this clip needs attention any more. Page ↓ opens the next clip.");
  }

  /** Settle the selected stretch as somebody said, and go on. */
  take(degrees) {
    const item = this.work.model.selected;
    if (!item) return;
    this.save(item, { degrees });
    this.next();
  }

  /** Leave the selected segment unanswered; it does not ask for attention again before the clip is opened anew. */
  skip() {
    const { model } = this.work;
    if (model.selected) model.skipped.add(model.selected.start_s);
    this.nextUnsure();
  }

  nextClip() {
    announce("step", { by: 1, from: this.work.here });
  }

  previousClip() {
    announce("step", { by: -1, from: this.work.here });
  }

  /** Open a clip at a moment: from a list of what changed, for instance. */
  visit({ clip, start_s }) {
    if (clip === this.work.model.clip?.id && !this.work.leaving) this.goTo(this.work.model.itemAt(start_s + 0.01) || this.work.model.items[0]);
    else announce("open", { clip, at: start_s });
  }

  // --- labelling ------------------------------------------------------------------------------------------------

  /** Save values for an item: a new annotation, or a change of the own one. Nothing is sent where nothing changes. */
  save(item, values) {
    const { model, outbox } = this.work;
    const shown = !model.hides || Boolean(item.suggestion);
    const former = item.mine && model.byUid(item.mine.uid);
    const plain = { uid: randomName(), id: null, version: null, intensity: null, note: "" };
    const base = former || { ...plain, start_s: item.start_s, end_s: item.end_s, degrees: null };
    const wanted = { ...base, ...values };
    if (!wanted.degrees || (former && sameContent(former, wanted))) return;
    outbox.correct(wanted, shown);
    const placed = model.items.find((each) => each.mine?.uid === wanted.uid);
    if (item.draft) model.draft = null;
    if (model.selected === item || item.draft || model.selected?.mine?.uid === wanted.uid) {
      model.selected = placed || model.selected;
      model.tell("selection");
    }
  }

  /** Give the selected item one emotion. */
  choose(emotion, goOn = false) {
    const { model, player } = this.work;
    if (!model.selected && model.clip) {
      const here = model.itemAt(model.time);
      if (here) this.select(here);
    }
    const item = model.selected;
    if (!item) {
      this.work.say("Select a segment first: click one, or press J.");
      return;
    }
    this.work.panel.editor.forget();
    this.save(item, { degrees: { [emotion]: 1 } });
    this.work.spoken(`${emotion}, ${stretch(item.start_s, item.end_s)}`);
    if (goOn && (!player.playing || player.part)) this.next();
  }

  /**
   * Accept the suggestion of the selected item, unless the person has answered already, and go on; with `all`, accept
   * every suggestion that the model is sure of.
   */
  accept(all = false) {
    const { model } = this.work;
    if (all) {
      this.work.run("acceptSure");
      return;
    }
    const item = model.selected;
    if (!item) {
      this.next();
      return;
    }
    if (item.draft) {
      this.work.say("Choose an emotion for the new segment, or press Esc to let go of it.");
      return;
    }
    if (!item.mine && item.suggestion) this.save(item, { degrees: answerOf(item.suggestion) });
    this.next();
  }

  remove() {
    const { model, outbox } = this.work;
    const item = model.selected;
    if (!item?.mine) {
      this.letGo();
      return;
    }
    this.work.panel.editor.forget();
    const annotation = model.byUid(item.mine.uid);
    outbox.remove(annotation);
    this.work.say(`Removed ${sayDegrees(annotation.degrees)} at ${stretch(annotation.start_s, annotation.end_s)}; Ctrl+Z brings it back.`);
    model.tell("selection");
  }

  /** Forget a new stretch that has no emotion yet. */
  letGo() {
    const { model } = this.work;
    if (model.draft) model.select(model.itemAt(model.draft.start_s));
  }

  /** A new segment of the usual length at the cursor: for fingers and keys, which do not drag. */
  newHere() {
    const { model } = this.work;
    if (!model.clip) return;
    const { duration_s: duration } = model.clip;
    const start = Math.min(model.time, Math.max(duration - SHORTEST, 0));
    this.draft(start, Math.min(start + model.usual_s, duration));
    this.work.scale.reveal(start, start + model.usual_s);
  }

  draft(start_s, end_s) {
    this.work.panel.editor.flush();
    this.work.model.startDraft(start_s, end_s);
    this.work.say("New segment: choose its emotion by its key, or Esc to let go of it.");
  }

  ghost(ghost) {
    if (!ghost && !this.work.model.ghost) return;
    this.work.model.ghost = ghost;
    this.work.dirty();
  }

  /** Change when an annotation starts and ends. */
  trim(uid, start_s, end_s) {
    const { model } = this.work;
    const item = model.items.find((each) => each.mine?.uid === uid);
    if (!item) return;
    this.save(item, { start_s, end_s });
    this.select(model.items.find((each) => each.mine?.uid === uid));
    this.work.dirty();
  }

  undo() {
    return this.work.learning.takeBack("undo");
  }

  redo() {
    return this.work.learning.takeBack("redo");
  }

  // --- view -----------------------------------------------------------------------------------------------------

  zoomIn() {
    this.zoom(1.6);
  }

  zoomOut() {
    this.zoom(1 / 1.6);
  }

  zoom(factor) {
    const { scale, model } = this.work;
    const inSight = model.time >= scale.from && model.time <= scale.to;
    scale.zoom(factor, inSight ? model.time : (scale.from + scale.to) / 2);
  }

  zoomAll() {
    this.work.scale.show(0, this.work.scale.duration);
  }

  compare() {
    return this.work.compare(!this.work.model.before);
  }

  /** Choose the emotion of the selected segment by the first letters of its name. */
  find() {
    if (this.work.model.selected) this.work.panel.startFinding();
    else this.work.say("Select a segment first: click one, or press J.");
  }

  /** Open degrees, intensity and note of the selected segment, and go there. */
  details() {
    if (this.work.model.selected) this.work.panel.editor.enter();
    else this.work.say("Select a segment first: click one, or press J.");
  }

  help() {
    const sheet = this.work.part("help-sheet");
    sheet.replaceChildren(helpSheet(this.work.model.emotions));
    sheet.showModal();
  }

  // --- learning -------------------------------------------------------------------------------------------------

  adapt() {
    return this.work.learning.adapt();
  }

  goBack() {
    return this.work.learning.goBack();
  }
}

/** What accepting a suggestion says: its emotion; where people agree, to the degrees that they gave. */
function answerOf({ emotion, uncertainty, memberships, said }) {
  return said && uncertainty === 0 ? memberships : { [emotion]: 1 };
}
