/** "Find an emotion": its clearest moments over all clips, played from there. Alt with ↓ and ↑ goes on from anywhere. */
class Finding {
  constructor(root, { server, who, life }) {
    Object.assign(this, { root, server, who });
    this.moments = [];
    this.at = -1;
    this.part("emotion").addEventListener("change", () => this.search());
    for (const choice of root.querySelectorAll("[data-by]")) choice.addEventListener("click", () => this.choose(choice));
    this.part("moments").addEventListener("keydown", (event) => this.press(event));
    document.addEventListener("keydown", (event) => this.pressAnywhere(event), { signal: life });
    hear("corrected", life, () => (this.stale = true));
  }

  part(name) {
    return this.root.querySelector(`[data-part="${name}"]`);
  }

  get open() {
    return !this.root.hidden;
  }

  /** The emotions of the study; where people label first, the model's moments are nobody's to find. */
  setStudy({ emotions, mode }) {
    const byPeople = mode === "label first";
    const [model, people] = this.root.querySelectorAll("[data-by]");
    show(model, !byPeople);
    if (byPeople && people.getAttribute("aria-pressed") === "false") this.choose(people);
    const chosen = this.part("emotion").value;
    this.part("emotion").replaceChildren(...emotions.map(({ name }) => make("option", { value: name, selected: name === chosen }, name)));
    if (this.open && (this.part("emotion").value !== chosen || this.stale)) this.search(true);
  }

  show(visible) {
    show(this.root, visible);
    if (visible) this.search();
  }

  choose(choice) {
    for (const each of this.root.querySelectorAll("[data-by]")) each.setAttribute("aria-pressed", String(each === choice));
    if (this.open) this.search();
  }

  /** Ask for the moments; again as long as the model has not looked through all clips. */
  async search(again = false) {
    clearTimeout(this.timer);
    this.stale = false;
    const ticket = (this.ticket = (this.ticket || 0) + 1);
    const emotion = this.part("emotion").value;
    const byPeople = this.root.querySelector('[data-by][aria-pressed="true"]').dataset.by === "people";
    if (!emotion) return;
    const answer = await this.server.find({ ...this.who(), emotion, by_people: byPeople });
    if (ticket !== this.ticket) return;
    if (!answer || answer.refused) {
      write(this.part("found"), answer?.refused || "The studio does not answer. Try again in a moment.");
      return;
    }
    const playing = again ? this.moments[this.at] : null;
    this.moments = answer.moments;
    this.at = playing ? this.moments.findIndex((each) => each.clip_id === playing.clip_id && each.start_s === playing.start_s) : -1;
    this.render(emotion, byPeople, answer.looking);
    if (answer.looking && this.open) this.timer = setTimeout(() => this.search(true), 1500);
  }

  render(emotion, byPeople, looking) {
    const { length } = this.moments;
    const clips = new Set(this.moments.map((each) => each.clip_id)).size;
    const none = byPeople ? `Nobody has labelled anything ${emotion} yet.` : `The model sees no ${emotion} in these clips.`;
    const many = `${length} ${length === 1 ? "moment" : "moments"} in ${clips} ${clips === 1 ? "clip" : "clips"}, the clearest first.`;
    const rest = looking ? ` The model is looking through ${looking} more ${looking === 1 ? "clip" : "clips"}.` : "";
    write(this.part("found"), (length ? many : looking ? "" : none) + rest);
    const focused = this.part("moments").contains(document.activeElement);
    this.part("moments").replaceChildren(...this.moments.map((moment, at) => this.row(moment, at)));
    if (focused) this.focus(Math.max(this.at, 0));
  }

  row(moment, at) {
    const bar = make("span", { class: "qu-degree" });
    bar.style.setProperty("--degree", `${100 * moment.degree}%`);
    return make(
      "li",
      { class: "qu-item" },
      clipPicture(moment.clip_id, moment.has_video),
      make(
        "button",
        {
          type: "button", class: "qu-moment", "aria-current": String(at === this.at), onclick: () => this.play(at),
          "aria-label": `${moment.clip}, ${stretch(moment.start_s, moment.end_s)}, degree ${degreeText(moment.degree)}${moment.who ? `, by ${moment.who}` : ""}. Play.`,
        },
        make("span", { class: "qu-name" }, moment.clip),
        make("span", { class: "qu-facts" }, `${stretch(moment.start_s, moment.end_s)}${moment.who ? ` · ${moment.who}` : ""}`),
        make("span", { class: "qu-strength" }, bar, degreeText(moment.degree)),
      ),
    );
  }

  play(at) {
    const moment = this.moments[at];
    if (!moment) return;
    this.at = at;
    const rows = [...this.part("moments").querySelectorAll(".qu-moment")];
    rows.forEach((row, number) => row.setAttribute("aria-current", String(number === at)));
    rows[at].scrollIntoView({ block: "nearest" });
    openClip({ clip: moment.clip_id, at: moment.start_s, until: moment.end_s });
  }

  step(by) {
    const next = this.at + by;
    if (this.moments[next]) this.play(next);
    else announce("say", { text: by > 0 ? "That was the last moment found." : "This is the first moment found." });
  }

  focus(at) {
    this.part("moments").querySelectorAll(".qu-moment")[at]?.focus();
  }

  /** In the list Enter plays a moment, and the arrows play the next and the previous. */
  press(event) {
    const by = { ArrowDown: 1, ArrowUp: -1, Enter: 0 }[event.key];
    if (by === undefined || event.altKey || event.ctrlKey) return;
    event.preventDefault();
    if (by) this.step(by);
    else this.play([...this.part("moments").querySelectorAll(".qu-moment")].indexOf(event.target));
    this.focus(this.at);
  }

  pressAnywhere(event) {
    const by = event.altKey && { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!by || event.defaultPrevented || !this.open || !this.root.offsetParent) return;
    event.preventDefault();
    this.step(by);
  }
}
