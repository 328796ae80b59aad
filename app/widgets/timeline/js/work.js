/** Cue lanes that are shown until somebody chooses others. */
const FIRST_CUES = ["smile", "pitch", "loudness"];

/** How long somebody stays on a segment before its reasons, and then what is behind them, are asked for, ms. */
const STAYS = 140;
const RESTS = 1500;

/** How often others' work on the open clip is looked at, ms. */
const OTHERS = 10000;

/** The server is told again who works on what after so long, ms: Gradio forgets a page an hour after its connection broke. */
const REMIND = 20 * 60 * 1000;

/** What can be done while another clip is on its way: nothing that is about the one that is shown still. */
const ANYWHERE = new Set(["nextClip", "previousClip", "undo", "redo", "adapt", "goBack", "help"]);

/** The annotator's workplace: keeps video, timeline, panel and bar in step with the model and the server. */
class Work {
  constructor(root, server, trigger, life) {
    Object.assign(this, { root, server, trigger, life });
    this.who = { study: null, annotator: null, name: "" };
    this.autoplay = recall("autoplay", false);
    this.cues = recall("cues", null);
    this.reasons = new Map();
    this.asked = 0;
    this.loading = null;
    this.told = Date.now();
    this.askWhy = latest((item, key) => this.fetchWhy(item, key));
    this.askBehind = latest((item, why) => this.fetchBehind(item, why));
    this.model = new Model();
    this.scale = new Scale(() => this.dirty());
    this.actions = new Actions(this);
    this.editing = new Editing(this);
    this.reaction = null;
    this.painter = new Painter(this.part("canvas"), this.model, this.scale);
    this.gutter = new Gutter(this.part("gutter"));
    this.player = new Player(this.part("video"), {
      onTime: (time) => this.model.setTime(time), onJump: () => this.painting.endAll(),
      onState: () => this.showTransport(), onError: () => this.cannotPlay(), life,
    });
    this.panel = new Panel(this.part("panel"), this);
    this.outbox = new Outbox(server, this.model, {
      life,
      onState: (outbox) => this.bar.showSaved(outbox),
      onKept: () => this.showUnderway(),
      onSaved: (entry) => this.learning.afterSave(entry),
      onConflict: (conflict) => askConflict(this.part("conflict"), conflict),
    });
    this.bar = new Bar(this.part("bar"), this);
    this.learning = new Learning(this);
    this.overview = new Overview(this.part("overview"), this);
    const { model, scale, actions } = this;
    this.gestures = new Gestures(this.part("area"), { model, scale, rows: () => this.painter.rows, actions, life });
    this.painting = new Painting(this);
    this.calibration = new Calibration(this);
    this.visits = new Visits(this);
    this.histories = new Histories(this);
    this.keys = new Keys(root, this);
    this.listen();
    this.showUnderway();
  }

  part(name) {
    return this.root.querySelector(`[data-part="${name}"]`);
  }

  /** Do what a key or a button is for. */
  run(action, shift = false) {
    if (this.leaving && !ANYWHERE.has(action)) return;
    const owner = [this.actions, this.editing, this.painting, this.visits, this.histories, this.learning].find((each) => action in each);
    this.during(owner[action](shift));
  }

  /** Count as underway what takes until an answer has come, where it is such a thing. */
  async during(asked) {
    if (!(asked instanceof Promise)) return;
    this.asked += 1;
    this.showUnderway();
    await asked.finally(() => {
      this.asked -= 1;
      this.showUnderway();
    });
  }

  /** How many things that the person wants done are not: corrections on their way, what is painted or typed, undo. */
  showUnderway() {
    const { outbox, painting, panel } = this;
    const typed = panel.editor.pending ? 1 : 0;
    this.root.dataset.underway = outbox.entries.length + painting.strokes.size + typed + this.asked;
  }

  listen() {
    const { model, life, root } = this;
    model.on("clip", () => this.showClip());
    model.on("data", () => this.showData());
    model.on("time", () => this.showTime());
    model.on("selection", () => this.showSelection());
    root.addEventListener("click", (event) => {
      const button = event.target instanceof Element && event.target.closest("[data-do]");
      if (button) this.run(button.dataset.do);
    }, { signal: life });
    hear("open", life, ({ clip, at = null, until = null }) => {
      if (clip !== model.clip?.id || this.loading) return this.open(clip, { at, until });
      if (at !== null) this.arrive(at, until);
      return this.refresh();
    });
    hear("labels", life, () => this.reopen());
    hear("queue", life, ({ clips }) => this.noClip(clips));
    hear("closed", life, () => this.leave());
    hear("say", life, ({ text }) => this.say(text));
    const sizes = new ResizeObserver(() => {
      this.resize();
      this.playAwaited();
      if (!root.offsetParent) this.learning.tellWaiting();
    });
    sizes.observe(this.part("area"));
    const looks = new MutationObserver(() => this.relook());
    for (const element of [document.body, document.documentElement]) looks.observe(element, { attributeFilter: ["class"] });
    life.addEventListener("abort", () => [sizes, looks].forEach((each) => each.disconnect()));
    document.addEventListener("visibilitychange", () => this.look(), { signal: life });
    const looking = setInterval(() => this.look(), OTHERS);
    life.addEventListener("abort", () => clearInterval(looking));
    this.part("threshold").addEventListener("input", (event) => this.hatchFrom(Number(event.target.value), false), { signal: life });
    this.part("threshold").addEventListener("change", (event) => this.during(this.hatchFrom(Number(event.target.value), true)), { signal: life });
    this.part("cues").addEventListener("toggle", () => this.listCues());
    document.addEventListener("pointerdown", (event) => this.closeMenus(event), { signal: life });
    this.panel.why.addEventListener("pointerenter", () => this.lookBehind(0), { signal: life });
    addEventListener("beforeunload", () => this.panel.editor.flush(), { signal: life, capture: true });
  }

  /** Look what others did meanwhile; after a machine has slept, say, the server may have forgotten this page as well. */
  look() {
    if (document.hidden) return;
    if (this.who.study && navigator.onLine && Date.now() - this.told > REMIND) this.tellWho();
    if (this.root.offsetParent && !this.player.playing) this.refresh();
  }

  // --- who and what ---------------------------------------------------------------------------------------------

  /** Another study, or another person, from the header. */
  async setWho(who) {
    if (!who || !who.study || !who.annotator) return;
    const moved = who.study !== this.who.study;
    const changed = moved || who.annotator !== this.who.annotator;
    const first = this.who.annotator === null;
    this.who = who;
    Object.assign(this.outbox, { annotator: who.annotator, name: who.name });
    if (first) this.outbox.adopt();
    if (who.clip && who.clip !== this.here) this.open(who.clip);
    else if (changed && (first || !moved)) this.reopen();
    if (!changed) {
      this.refresh();
      return;
    }
    this.learning.count(false);
    if (moved) this.learning.forget();
    if (moved && !first) this.leave();
  }

  /** Tell the other tabs' side of the server who works on what. */
  tellWho() {
    this.told = Date.now();
    this.trigger("select", { clip: this.model.clip?.id ?? null, study: this.who.study, annotator: this.who.annotator });
  }

  leave() {
    this.player.close();
    this.model.close();
    this.shown = null;
    show(this.part("open"), false);
    show(this.part("panel"), false);
    show(this.part("empty"), true);
    setAddress("clip", null);
  }

  /** Nothing is open: say what to do. */
  noClip(clips) {
    if (this.here) return;
    write(this.part("empty-head"), clips.length ? "Choose a clip" : "No clips yet");
    const how = "Add a video on the left: with its subtitles or typed words if there are any. Its timeline opens here as soon as it is analysed.";
    write(this.part("empty-text"), clips.length ? "Click a clip in the queue to see what the model says about it." : how);
  }

  /** The clip that was asked for last: on its way, or open. */
  get here() {
    return this.loading ? this.loading.clip : this.model.clip?.id;
  }

  /** Whether another clip than the one that is shown still is on its way. */
  get leaving() {
    return this.loading !== null && this.loading.clip !== this.model.clip?.id;
  }

  /** Fetch what is open, or on its way, anew. */
  async reopen(options = {}) {
    if (this.here) await this.open(this.here, { ...this.loading?.options, ...options });
  }

  async open(clip, options = {}) {
    const { at = null, until = null, compareTo = null, review = null } = options;
    const ticket = (this.ticket = (this.ticket || 0) + 1);
    this.panel.editor.flush();
    this.loading = { clip, options };
    if (this.leaving) {
      this.painting.endAll();
      this.player.stop();
      this.gestures.stopDrag();
    }
    this.showLeaving();
    const { saves, annotator } = this.outbox;
    const same = this.model.clip?.id === clip;
    const asked = { clip, annotator, compare_to: compareTo, review: review ?? this.model.review };
    const answer = await this.server.open(asked).catch(() => null);
    if (ticket !== this.ticket) return;
    this.loading = null;
    this.showLeaving();
    if (!answer || answer.refused) {
      this.bar.say(answer?.refused || "The studio does not answer. Try again in a moment.", 12000);
      if (answer?.refused) setAddress("clip", null);
      return;
    }
    this.reasons.clear();
    this.shownTo = annotator;
    this.reaction = answer.timeline.reaction_s;
    this.model.open(answer.timeline);
    this.outbox.reapply();
    this.visits.show();
    this.painting.show();
    if (!same && at === null) this.visits.resume(answer.timeline.position_s);
    this.stale = saves !== this.outbox.saves;
    if (this.stale) this.refresh();
    if (at !== null) this.arrive(at, until);
  }

  /** What is shown still can be neither labelled nor heard once another clip is on its way. */
  showLeaving() {
    this.root.classList.toggle("tl-loading", this.leaving);
    for (const name of ["area", "overview", "panel"]) this.part(name).inert = this.leaving;
  }

  /** Go to a moment of the open clip and select what is there; with `until`, play up to that moment. */
  arrive(at, until = null) {
    const { actions, model, player, scale } = this;
    const item = model.itemAt(at + 0.01);
    if (item) actions.goTo(item);
    scale.reveal(at, until ?? at);
    this.awaited = until === null ? null : { at, until };
    if (until === null && !player.part) actions.seek(at);
    this.playAwaited();
  }

  /** Play what was asked for from another tab, as soon as this one is in sight. */
  playAwaited() {
    if (!this.awaited || !this.root.offsetParent) return;
    const { at, until } = this.awaited;
    this.awaited = null;
    this.player.playPart(at, until);
  }

  /**
   * Fetch everybody's annotations again where nothing of our own is on its way: others may have worked on the clip. Where
   * another version of the model answers now, or the emotions are others, all of it is fetched.
   */
  async refresh() {
    if (!this.model.clip || this.loading || this.outbox.entries.length) return;
    const { saves } = this.outbox;
    const { clip, review } = this.model;
    const answer = await this.server.annotations({ clip: clip.id, annotator: this.who.annotator, review });
    if (!answer?.annotations || this.loading || answer.clip !== this.model.clip?.id || review !== this.model.review) return;
    const { emotions, version } = this.model;
    if (answer.version !== version.id || answer.emotions.join("\n") !== emotions.map((each) => each.name).join("\n")) {
      await this.reopen();
      return;
    }
    if (answer.suggestions) this.model.suggestions = answer.suggestions;
    else if (answer.unsure !== this.model.unsure && document.activeElement !== this.part("threshold")) {
      this.model.setUnsure(answer.unsure);
      this.showMode();
    }
    this.stale = saves !== this.outbox.saves || this.outbox.entries.length > 0;
    if (!this.stale) this.model.setAnnotations(answer.annotations, answer.can_undo, answer.can_redo);
    else this.refresh();
  }

  // --- showing --------------------------------------------------------------------------------------------------

  showClip() {
    const { clip, emotions, version, before } = this.model;
    const opened = this.shown !== clip.id;
    this.shown = clip.id;
    show(this.part("empty"), false);
    show(this.part("open"), true);
    show(this.part("panel"), true);
    write(this.part("name"), clip.name);
    write(this.part("notes"), clip.notes.join(" "));
    write(this.part("total"), clock(clip.duration_s));
    this.panel.setEmotions(emotions);
    this.part("compare").setAttribute("aria-pressed", String(Boolean(before)));
    show(this.part("compare"), version.kind === "adapted" && !this.model.review);
    this.showMode();
    if (opened) {
      this.captioned = null;
      show(this.part("nopicture"), !clip.has_video);
      write(this.part("nopicture"), clip.has_video ? "" : "This clip has sound only.");
      this.part("picture").classList.toggle("tl-sound-only", !clip.has_video);
      show(this.part("caption"), this.model.words.length > 0);
      this.player.open(address(clip.media_url), clip.has_video ? address(`${clip.media_url}/thumbnail`) : null);
      this.scale.reset(clip.duration_s);
      setAddress("clip", clip.id);
      announce("opened", { clip: clip.id });
      this.tellWho();
    }
    this.showTransport();
  }

  /** How the study wants it: labels first or suggestions first, hatched from where on; and whose lane this is. */
  showMode() {
    const { model } = this;
    this.root.classList.toggle("tl-reviewing", model.review);
    this.part("review").setAttribute("aria-pressed", String(model.review));
    if (model.review) return;
    this.part("threshold").value = String(Math.round(100 * model.unsure));
    write(this.part("threshold-value"), percent(model.unsure));
  }

  /** Hatch suggestions from an uncertainty in percent on; `keep` it for everybody in the study. */
  async hatchFrom(percents, keep) {
    const { model, who } = this;
    write(this.part("threshold-value"), `${percents} %`);
    if (!model.review) model.setUnsure(percents / 100);
    if (!keep) return;
    const answer = await this.server.threshold({ study: who.study, annotator: who.annotator, unsure: percents / 100 });
    if (!answer || answer.refused) this.say(answer?.refused || NO_ANSWER);
    else announce("clips");
  }

  showData() {
    const { clip, suggestions, mine } = this.model;
    this.part("area").setAttribute("aria-label", `Timeline of ${clip?.name}: ${suggestions.length} suggestions, ${mine.length} annotations of yours`);
    const chosen = this.cues || this.firstCues();
    const rows = rowsOf(this.model, this.who.name, chosen);
    const moved = !sameRows(rows, this.painter.rows);
    this.painter.rows = rows;
    if (moved) this.gutter.render(rows);
    this.bar.showUndo(this.model);
    show(this.part("review"), this.model.review || this.model.annotations.some((each) => !each.mine));
    show(this.part("reveal"), this.model.hides);
    if (moved) this.resize();
    else this.dirty(true);
    this.showTime();
    this.panel.render();
  }

  /** The usual lanes, made up to as many by others where the clip has not all of them. */
  firstCues() {
    const names = this.model.lanes.map((lane) => lane.name);
    const usual = FIRST_CUES.filter((name) => names.includes(name));
    return [...new Set([...usual, ...names])].slice(0, FIRST_CUES.length);
  }

  showTime() {
    const { model, scale, player } = this;
    if (!model.clip) return;
    if (player.playing && !this.root.offsetParent) player.stop();
    this.painting.follow();
    if (player.playing) {
      scale.follow(model.time);
      const here = player.part || this.panel.editor.inUse ? null : model.itemAt(model.time);
      if (here && here !== model.selected && !model.draft) model.select(here);
    }
    write(this.part("now"), clock(model.time));
    this.placeCursor();
    this.gutter.update(model.time);
    this.caption();
  }

  placeCursor() {
    const x = this.scale.x(this.model.time);
    const cursor = this.part("cursor");
    cursor.style.transform = `translateX(${x.toFixed(2)}px)`;
    cursor.style.visibility = x < -1 || x > this.scale.width + 1 ? "hidden" : "visible";
    this.overview.place();
  }

  /** The words around the cursor, under the picture. */
  caption() {
    const { words, time } = this.model;
    const at = firstEndingAfter(words, time);
    const near = words[at] && words[at].start_s - time < 1 ? at : -1;
    if (near === this.captioned) return;
    this.captioned = near;
    const line = near < 0 ? [] : words.slice(Math.max(0, near - 4), near + 5);
    this.part("caption").replaceChildren(
      ...line.map((word) => make("span", { class: word === words[near] ? "tl-spoken" : "" }, `${word.text} `)),
    );
  }

  showSelection() {
    const item = this.model.selected;
    this.panel.render();
    this.dirty();
    if (!item) return;
    const what = item.mine ? `yours: ${sayDegrees(item.mine.degrees)}` : item.suggestion ? `${item.suggestion.uncertainty >= AT_A_LOSS ? "the model does not know, its guess:" : "suggested:"} ${item.suggestion.emotion}, ${certainty(item.suggestion.uncertainty)}` : "no suggestion";
    if (!this.player.playing) this.spoken(`${stretch(item.start_s, item.end_s)}, ${what}`);
    this.explain(item);
  }

  /** Fetch why the model answers as it does, once somebody stays on a segment. */
  explain(item) {
    const { clip, version } = this.model;
    const key = `${clip.id} ${version.id} ${item.start_s} ${item.end_s}`;
    clearTimeout(this.explaining);
    if (this.reasons.has(key)) {
      this.panel.renderWhy(item, this.reasons.get(key));
      this.lookBehind();
      return;
    }
    this.panel.waitForWhy();
    this.explaining = setTimeout(() => this.askWhy(item, key), STAYS);
  }

  async fetchWhy(item, key) {
    if (!this.rests(item)) return;
    const answer = await this.server.explain({ clip: this.model.clip.id, start_s: item.start_s, end_s: item.end_s });
    const why = answer && !answer.refused ? answer.why : null;
    if (why) this.reasons.set(key, why);
    if (this.rests(item)) this.panel.renderWhy(this.model.selected, why);
    this.lookBehind();
  }

  /** Whether a stretch is selected still. */
  rests({ start_s, end_s }) {
    const now = this.model.selected;
    return Boolean(now) && now.start_s === start_s && now.end_s === end_s;
  }

  /**
   * Fetch what would change the answer, and which corrections pulled it there, once the clip rests on a segment: it
   * takes the studio longer than all else, and who goes on at once does not read it.
   */
  lookBehind(wait = RESTS) {
    clearTimeout(this.looking);
    const { clip, version, selected: item, hides } = this.model;
    const why = item && this.reasons.get(`${clip.id} ${version.id} ${item.start_s} ${item.end_s}`);
    if (!why || why.pulled || this.player.playing || (hides && !item.suggestion)) return;
    this.looking = setTimeout(() => this.askBehind(item, why), wait);
  }

  async fetchBehind(item, why) {
    if (!this.rests(item) || why.pulled) return;
    const answer = await this.server.pulled({ clip: this.model.clip.id, start_s: item.start_s, end_s: item.end_s });
    if (!answer || answer.refused) return;
    why.pulled = answer;
    if (this.rests(item)) this.panel.renderBehind(why);
  }

  /** Play a stretch of any clip. */
  visit({ clip, start_s, end_s }) {
    if (clip === this.model.clip?.id) this.arrive(start_s, end_s);
    else this.open(clip, { at: start_s, until: end_s });
  }

  showTransport() {
    const { player } = this;
    if (!player.playing) this.painting.endAll();
    const play = this.part("play");
    write(play, player.playing ? "❚❚" : "▶");
    play.setAttribute("aria-label", player.playing ? "Pause" : "Play");
    this.part("loop").setAttribute("aria-pressed", String(player.loop));
    this.part("autoplay").setAttribute("aria-pressed", String(this.autoplay));
    if (!player.playing) this.lookBehind();
    write(this.part("speed"), `${player.video.playbackRate}×`);
  }

  cannotPlay() {
    show(this.part("nopicture"), true);
    write(this.part("nopicture"), "This browser cannot play the clip. Its timeline works all the same.");
  }

  listCues() {
    const chosen = this.cues || this.firstCues();
    const choice = (lane) =>
      make(
        "label",
        { title: lane.meaning || "" },
        make("input", { type: "checkbox", checked: chosen.includes(lane.name), onchange: (event) => this.chooseCue(lane.name, event.target.checked) }),
        `${lane.name} (${lane.modality}, ${lane.unit})`,
      );
    const none = make("p", { class: "tl-soft" }, "No cue of this clip can be measured.");
    this.part("cue-list").replaceChildren(...(this.model.lanes.length ? this.model.lanes.map(choice) : [none]));
  }

  chooseCue(name, shown) {
    const chosen = new Set(this.cues || this.firstCues());
    if (shown) chosen.add(name);
    else chosen.delete(name);
    this.cues = [...chosen];
    remember("cues", this.cues);
    this.showData();
  }

  closeMenus(event) {
    for (const menu of this.root.querySelectorAll("details.tl-menu[open]")) if (!menu.contains(event.target)) menu.open = false;
  }

  resize() {
    this.painter.resize();
    this.dirty(true);
  }

  relook() {
    this.painter.refreshInk();
    this.dirty(true);
  }

  /** Draw anew before the next frame; `everything` includes the strip of the whole clip. */
  dirty(everything = false) {
    this.stripDirty = this.stripDirty || everything;
    if (this.drawing) return;
    this.drawing = requestAnimationFrame(() => {
      this.drawing = 0;
      this.painter.paint();
      if (this.stripDirty) this.overview.paint();
      this.stripDirty = false;
      if (this.model.clip) this.placeCursor();
    });
  }

  say(text) {
    this.bar.say(text);
    this.spoken(text);
  }

  /** Tell screen readers. */
  spoken(text) {
    write(this.part("spoken"), text);
  }

  /** Show the answers of the version before beside those of now, or only those of now. */
  async compare(beside) {
    await this.reopen({ compareTo: beside ? "parent" : null });
  }
}
