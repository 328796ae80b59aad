/**
 * Why the model answers as it does: the sentence, how sure it is, the modalities' shares and the rules that fired, of the
 * segment that shows the answer most; `item` is the stretch it is in.
 */
function reasonsOf(why, item) {
  const sure = `The model is ${certainty(why.uncertainty)} (uncertainty ${degreeText(why.uncertainty)}).`;
  const shares = Object.entries(why.shares).filter(([, share]) => share >= 0.005);
  const rules = why.rules.slice(0, 4);
  const elsewhere = Math.abs(why.start_s - item.start_s) + Math.abs(why.end_s - item.end_s) > 0.1;
  return [
    make("p", { class: "tl-quote" }, why.told),
    elsewhere ? make("p", { class: "tl-soft" }, `Read where it shows most, at ${stretch(why.start_s, why.end_s)}.`) : "",
    ...why.situation.map((sentence) => make("p", { class: "tl-situation" }, sentence)),
    make("p", { class: "tl-soft" }, sure),
    shares.length ? shareBar(shares) : "",
    rules.length ? make("ul", { class: "tl-rules" }, ...rules.map(ruleLine)) : "",
  ];
}

/** What comes a moment later, since it takes the model longer: what would change the answer, and what pulled it there. */
function behind(panel, pulled) {
  if (!pulled) return [make("p", { class: "tl-soft" }, "Looking for what would change it …")];
  const { corrections, remembered, learned_from: learned, emotion } = pulled;
  const lines = corrections.map((each) =>
    make(
      "li",
      {},
      make("span", { class: "tl-strength", title: `Its share of all that pulls towards ${emotion}` }, percent(each.share)),
      make(
        "span",
        {},
        make("button", { type: "button", class: "st-link", title: "Play this correction", onclick: () => panel.actions.work.visit(each) },
          `${each.clip_name} ${stretch(each.start_s, each.end_s)}`),
        ` ${each.emotion} by ${each.annotator}`,
      ),
    ));
  const knew = remembered >= 0.005 ? ` What the model knew before: ${percent(remembered)}.` : "";
  const none = learned ? "No correction is like this segment." : "This model has learned from no correction yet.";
  return [
    pulled.changed ? make("p", { class: "tl-changed" }, pulled.changed) : "",
    ...(lines.length
      ? [make("h4", {}, "Corrections that pulled it there"), make("ul", { class: "tl-rules tl-pulled" }, ...lines)]
      : []),
    emotion ? make("p", { class: "tl-soft" }, `${lines.length ? "Shares of all that pulls towards" : `${none} Pull towards`} ${emotion}.${knew}`) : "",
  ];
}

/** Ask what would have changed the answer, to anything else or to one emotion. */
function whyNot(panel, item, why) {
  const answer = strongest(why.memberships);
  const others = Object.keys(why.memberships).filter((name) => name !== answer);
  const told = make("p", { class: "tl-soft", role: "status" });
  const choice = make(
    "select",
    { "aria-label": "Ask why the model does not say something else", onchange: () => ask() },
    make("option", { value: "" }, "Why not …?"),
    make("option", { value: "*" }, "What would change it?"),
    ...others.map((name) => make("option", { value: name }, `Why not ${name}?`)),
  );
  const ask = async () => {
    if (!choice.value) return write(told, "");
    write(told, "…");
    const wanted = choice.value === "*" ? null : choice.value;
    const { start_s, end_s } = item;
    const answered = await panel.actions.work.server.why_not({ clip: panel.model.clip.id, start_s, end_s, wanted });
    return write(told, answered?.sentence || answered?.refused || NO_ANSWER);
  };
  return make("div", { class: "tl-why-not" }, choice, told);
}

/** Sliders for the signs of which the rules speak: what the model would say, and which rules would fire, if they were others. */
function whatIf(panel, item, why, reasons) {
  const values = {};
  const said = make("p", { class: "tl-soft", role: "status" });
  const show = (answer) => {
    panel.shownWhy = null;
    reasons.replaceChildren(...reasonsOf(answer, item));
    panel.renderDegrees(item, answer.memberships);
  };
  const ask = latest(async () => {
    const { start_s, end_s } = item;
    const answered = await panel.actions.work.server.explain({ clip: panel.model.clip.id, start_s, end_s, values });
    if (panel.model.selected?.start_s !== start_s || panel.model.selected?.end_s !== end_s) return;
    if (answered?.why) {
      const emotion = strongest(answered.why.memberships);
      write(said, `Then: ${emotion} ${degreeText(answered.why.memberships[emotion])}.`);
      show(answered.why);
    } else write(said, answered?.refused || NO_ANSWER);
  });
  const sliders = why.cues.map((cue) => {
    const value = make("output", {}, measured(cue.value, cue.unit));
    const input = make("input", {
      type: "range", min: cue.low, max: cue.high, step: (cue.high - cue.low) / 100, value: cue.value, "aria-label": `What if ${cue.name} were`,
      oninput: () => {
        values[cue.name] = Number(input.value);
        write(value, measured(values[cue.name], cue.unit));
        ask();
      },
    });
    return { cue, input, value, row: make("label", { class: "tl-what-if-row" }, make("span", {}, cue.name), input, value) };
  });
  const reset = () => {
    for (const { cue, input, value } of sliders) {
      delete values[cue.name];
      input.value = cue.value;
      write(value, measured(cue.value, cue.unit));
    }
    write(said, "");
    show(why);
    panel.render();
  };
  return make(
    "details",
    { class: "tl-what-if" },
    make("summary", {}, "What if …"),
    ...(sliders.length ? sliders.map(({ row }) => row) : [make("p", { class: "tl-soft" }, "No rule that fires here speaks of a sign that was measured.")]),
    said,
    make("button", { type: "button", class: "st-button tl-small", onclick: reset }, "as measured"),
  );
}

/** How much each modality weighs, as one bar and in words. */
function shareBar(shares) {
  return make(
    "div",
    { class: "tl-shares" },
    make(
      "div",
      { class: "tl-share-bar", "aria-hidden": "true" },
      ...shares.map(([name, share]) => make("span", { class: `tl-share tl-share-${name}`, style: { width: `${100 * share}%` } })),
    ),
    make(
      "p",
      {},
      ...shares.map(([name, share]) =>
        make("span", { class: `tl-share-word tl-share-word-${name}` }, `${MODALITY_WORDS[name] || name} ${percent(share)}`)),
    ),
  );
}

/** A rule that fired: how strongly, and its sentence with the measured values beside the words they are about. */
function ruleLine(rule) {
  const conditions = rule.conditions.flatMap(({ cue, term, value, unit }, at) => [
    make("span", { class: "tl-join" }, at ? " AND " : "IF "),
    `${cue} is ${term} `,
    make("span", { class: "tl-measured" }, `(${measured(value, unit)})`),
  ]);
  const degrees = Object.entries(rule.consequent).filter(([, degree]) => degree >= 0.1).sort((a, b) => b[1] - a[1]);
  const answer = degrees.map(([name, degree]) => `${name} ${degreeText(degree)}`).join(", ");
  return make(
    "li",
    {},
    make("span", { class: "tl-strength", title: "How strongly this rule fired" }, percent(rule.strength)),
    make("span", {}, ...conditions, make("span", { class: "tl-join" }, " THEN "), answer),
  );
}
