/** What happened to the segments of a clip, newest first, and every state to go back to. */
class Histories {
  constructor(work) {
    this.work = work;
    this.dialog = work.part("histories");
  }

  /** Open the history: of the selected annotation, with the whole clip one click away, or of the clip. */
  async history() {
    const { work } = this;
    const { model } = work;
    if (!model.clip) return;
    this.only = model.selected?.mine?.id || null;
    if (!(await work.outbox.settled())) {
      work.say("The history can be read when everything is saved.");
      return;
    }
    if (model.selected?.mine) this.only = model.byUid(model.selected.mine.uid)?.id || null;
    const answer = await work.server.history({ clip: model.clip.id });
    if (!answer || answer.refused) {
      work.say(answer?.refused || NO_ANSWER);
      return;
    }
    this.events = answer.events;
    this.render();
    if (!this.dialog.open) this.dialog.showModal();
  }

  render() {
    const shown = this.events.filter((each) => !this.only || each.annotation === this.only);
    const scope = make(
      "button",
      { type: "button", class: "st-button tl-small", onclick: () => this.widen() },
      "the whole clip",
    );
    const title = this.only ? "History of this segment" : "History of this clip";
    const empty = make("p", { class: "tl-soft" }, "Nothing was labelled here yet.");
    this.dialog.replaceChildren(
      make(
        "form",
        { method: "dialog", class: "tl-sheet" },
        make("div", { class: "tl-sheet-head" }, make("h3", {}, title), this.only ? scope : null,
          make("button", { class: "st-button", autofocus: true }, "close")),
        shown.length ? make("ol", { class: "tl-events" }, ...shown.map((each) => this.line(each))) : empty,
      ),
    );
  }

  widen() {
    this.only = null;
    this.render();
  }

  line(event) {
    const { after } = event;
    const what = after ? `${sayDegrees(after.degrees)}, ${stretch(after.start_s, after.end_s)}` : "removed";
    const more = after && [after.intensity === null ? "" : `intensity ${degreeText(after.intensity)}`, after.note && `“${after.note}”`].filter(Boolean).join(", ");
    const back = make(
      "button",
      { type: "button", class: "st-button tl-small", "aria-label": `Bring back ${what}`, onclick: () => this.work.during(this.restore(event)) },
      "bring back",
    );
    return make(
      "li",
      {},
      make("time", { datetime: event.at, title: new Date(event.at).toLocaleString() }, when(event.at)),
      make("span", {}, make("strong", {}, event.who), ` ${event.did}`),
      make("span", { class: "tl-state" }, what, more ? make("small", {}, ` ${more}`) : null),
      event.restorable ? back : null,
    );
  }

  async restore({ annotation, event, version }) {
    const { work } = this;
    const answer = await work.server.restore({ annotation, event, version, annotator: work.who.annotator });
    if (!answer || answer.refused) {
      work.say(answer?.refused || NO_ANSWER);
      this.dialog.close();
      return;
    }
    Object.assign(work.model, { canUndo: true, canRedo: false });
    await work.refresh();
    work.say("Brought back; Ctrl+Z takes it back.");
    work.learning.count();
    await this.history();
  }
}

/** When something was: the time today, else the date as well. */
function when(iso) {
  const at = new Date(iso);
  const time = at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  return at.toDateString() === new Date().toDateString() ? time : `${at.toLocaleDateString()} ${time}`;
}
