/**
 * Make an element. Text is always text, never markup; attributes are set as attributes, `on…` functions as listeners.
 *   make("button", {class: "chip", "aria-label": "Play", onclick: play}, "text", child)
 */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "style") for (const [key, text] of Object.entries(value)) element.style.setProperty(key, text);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** Set an element's text only where it differs: no needless work while a video plays. */
function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Show or hide. */
function show(element, visible) {
  element.hidden = !visible;
}

/** Black or white, whichever reads better on a colour `#rrggbb`. */
function inkOn(colour) {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const part = parseInt(colour.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.22 ? "#101318" : "#ffffff";
}

/** A small square with an emotion's letter on its colour: never colour alone. */
function badge(emotion) {
  const style = { background: emotion.colour, color: inkOn(emotion.colour) };
  return make("span", { class: "st-badge", style, "aria-hidden": "true" }, emotion.letter.toUpperCase());
}
