/** The label set of the study: emotions are added, renamed, merged and recoloured; every change can be undone. */
class Labels {
  constructor(root, server, trigger, life) {
    Object.assign(this, { root, server, trigger });
    this.who = { study: null, annotator: null };
    hear("label-form", life, () => this.toggle());
    hear("labels", life, ({ by }) => by !== this && this.open && this.load());
    hear("corrected", life, () => this.say(""));
    this.part("close").addEventListener("click", () => this.toggle());
    this.part("add").addEventListener("submit", (event) => this.add(event));
    this.part("mode").addEventListener("change", ({ target }) => this.change("mode", { mode: target.value }));
    root.addEventListener("keydown", (event) => event.key === "Escape" && this.toggle());
    document.addEventListener("pointerdown", (event) => this.closeColours(event), { signal: life });
  }

  part(name) {
    return this.root.querySelector(`[data-part="${name}"]`);
  }

  get open() {
    return !this.root.hidden;
  }

  setWho(who) {
    if (!who?.study) return;
    const moved = who.study !== this.who.study;
    this.who = who;
    if (moved) write(this.part("said"), "");
    if (moved && this.open) this.load();
  }

  async toggle() {
    if (this.open) {
      show(this.root, false);
      return;
    }
    write(this.part("said"), "");
    await this.load();
    show(this.root, true);
    this.part("new").focus();
  }

  async load() {
    const answer = await this.server.labels(this.who);
    if (answer?.emotions && answer.study === this.who.study) this.render(answer);
  }

  // --- changing -------------------------------------------------------------------------------------------------

  async change(what, values) {
    const answer = await this.server[what]({ ...this.who, ...values });
    if (!answer || answer.refused) {
      this.say(answer?.refused || "The studio does not answer. Nothing was changed.", true);
      await this.load();
      return false;
    }
    this.render(answer);
    this.say(answer.sentence, false, what !== "undo" && what !== "mode");
    announce("labels", { by: this });
    this.trigger("input", this.who);
    return true;
  }

  async add(event) {
    event.preventDefault();
    const name = this.part("new").value.trim();
    if (name && (await this.change("add", { name }))) this.part("new").value = "";
  }

  say(text, bad = false, undoable = false) {
    const back = make("button", { type: "button", class: "st-button tl-small", onclick: () => this.change("undo", {}) }, "Undo");
    this.part("said").classList.toggle("lb-bad", bad);
    this.part("said").replaceChildren(text || "", undoable ? back : "");
  }

  // --- showing --------------------------------------------------------------------------------------------------

  render({ emotions, palette, known, mode }) {
    this.part("known").replaceChildren(...known.map((name) => make("option", { value: name })));
    const focused = this.root.contains(document.activeElement) && document.activeElement.dataset.of;
    this.part("list").replaceChildren(...emotions.map((emotion) => this.row(emotion, emotions, palette)));
    if (focused) this.part("list").querySelector(`input[data-of="${CSS.escape(focused)}"]`)?.focus();
    for (const choice of this.part("mode").querySelectorAll("input")) choice.checked = choice.value === mode;
  }

  row(emotion, emotions, palette) {
    const { name, used } = emotion;
    const rename = ({ target }) => {
      const wanted = target.value.trim();
      if (wanted && wanted !== name) this.change("rename", { name, new: wanted });
      else target.value = name;
    };
    const others = emotions.filter((each) => each !== emotion).map((each) => make("option", { value: each.name }, each.name));
    return make(
      "li",
      { class: "lb-row" },
      this.colours(emotion, palette),
      make("input", { type: "text", value: name, maxlength: 60, "data-of": name, "aria-label": `Name of ${name}`, onchange: rename }),
      make(
        "select",
        { "aria-label": `Make ${name} a part of`, onchange: ({ target }) => this.change("merge", { name, into: target.value }) },
        make("option", { value: "", selected: true }, "merge into …"),
        ...others,
      ),
      make("span", { class: "lb-used" }, `${used} ×`),
    );
  }

  colours(emotion, palette) {
    const { name, colour } = emotion;
    const choose = (wanted) => wanted !== colour && this.change("recolour", { name, colour: wanted });
    const swatch = (each, number) =>
      make("button", {
        type: "button", style: { background: each }, "aria-pressed": String(each === colour), "aria-label": `Colour ${number + 1}, ${each}`, title: each,
        onclick: () => choose(each),
      });
    return make(
      "details",
      { class: "lb-colour" },
      make("summary", { "aria-label": `Colour of ${name}`, title: "Another colour" }, badge(emotion)),
      make(
        "div",
        { class: "lb-colours" },
        make("p", {}, "These can be told apart by colour-blind people:"),
        ...palette.map(swatch),
        make("label", {}, "your own", make("input", { type: "color", value: colour, onchange: ({ target }) => choose(target.value) })),
      ),
    );
  }

  closeColours(event) {
    for (const menu of this.root.querySelectorAll("details[open]")) if (!menu.contains(event.target)) menu.open = false;
  }
}

const labels = new Labels(element.querySelector("[data-part=root]"), server, trigger, lifeOf("labels"));
watch("value", () => labels.setWho(props.value));
labels.setWho(props.value);
