/** How often a reason has its turn, in words; the slider goes through them. */
const AMOUNTS = [
  ["none", 0],
  ["very little", 0.25],
  ["less", 0.5],
  ["normal", 1],
  ["more", 2],
  ["much more", 4],
];

/** The place of a weight among the amounts: the nearest one. */
function amountOf(weight) {
  const distances = AMOUNTS.map(([, amount]) => Math.abs(amount - weight));
  return distances.indexOf(Math.min(...distances));
}

/** The sliders of the mix: one a reason. `onChange` gets the weight of the reason that was changed. */
class Mix {
  constructor(root, onChange) {
    Object.assign(this, { root, onChange });
  }

  show(weights) {
    this.weights = { ...weights };
    if (this.root.contains(document.activeElement)) return;
    this.root.replaceChildren(...Object.keys(REASONS).map((kind) => this.slider(kind)));
  }

  slider(kind) {
    const word = make("span", { class: "qu-amount" }, AMOUNTS[amountOf(this.weights[kind])][0]);
    const field = make("input", {
      type: "range", min: 0, max: AMOUNTS.length - 1, step: 1, "aria-label": REASONS[kind][0], "aria-valuetext": word.textContent,
      oninput: () => {
        write(word, AMOUNTS[field.value][0]);
        field.setAttribute("aria-valuetext", word.textContent);
      },
      onchange: () => {
        this.weights[kind] = AMOUNTS[field.value][1];
        this.onChange({ [kind]: this.weights[kind] });
      },
    });
    field.value = amountOf(this.weights[kind]);
    return make("div", { class: "qu-slider" }, make("span", {}, REASONS[kind][0]), word, field);
  }
}
