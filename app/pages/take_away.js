/**
 * Taking things away, on every tab: a button at each figure saves it as PNG, SVG or HTML; links to files that the studio
 * makes say that they are being made, and why where they cannot be.
 *
 * Saved figures are light, whatever the page is: they go into papers. The HTML is light or dark as its reader likes, holds
 * all it needs and opens offline.
 */
const WIDTH = 900;
const KINDS = ["PNG", "SVG", "HTML"];

/** The words of a file's name, as file systems and mails like them. */
function fileName(...parts) {
  const clean = parts.filter(Boolean).map((part) => part.replace(/\.\w{2,4}$/, "").replace(/[^\p{L}\p{N}]+/gu, "-"));
  return clean.map((part) => part.replace(/^-|-$/g, "")).filter(Boolean).join("_").slice(0, 120);
}

/** Clip, figure and model version of a plot, for the name of its file. */
function nameOf(plot) {
  const tab = plot.closest('[role="tabpanel"]');
  const clip = plot.layout.meta?.follows && tab?.querySelector('[id$="-clip"] input')?.value;
  const version = document.getElementById("model-version")?.textContent.match(/model \d+/)?.[0];
  return fileName(clip, plot.closest("[id]:not(.js-plotly-plot)")?.id || "figure", plot.layout.meta?.cue, version);
}

/** A plot as plain values: whole labels, and the value that the page marks on it, where it marks one. */
function valuesOf(plot) {
  const plain = (value) => JSON.parse(JSON.stringify(value, (_, each) => (ArrayBuffer.isView(each) ? [...each] : each)));
  const layout = plain({ ...plot.layout, width: undefined });
  for (const label of layout.annotations || []) if (label.name) label.text = label.name;
  const line = plot.querySelector(".st-cursor-line");
  if (layout.meta?.follows === "cue" && line && !line.hidden) {
    const at = Number(line.dataset.at);
    const mark = { type: "line", x0: at, x1: at, y0: 0, y1: 1, yref: "paper", line: { color: "#d0021b", width: 2 } };
    const label = { x: at, y: 1, yref: "paper", yanchor: "bottom", showarrow: false, text: line.textContent };
    layout.shapes = [...(layout.shapes || []), mark];
    layout.annotations = [...(layout.annotations || []), label];
  }
  return { data: plain(plot.data), layout };
}

/** A page of its own with one figure; Plotly's script comes from the studio, which has it from the Python package. */
async function pageOf(title, { data, layout }) {
  const answer = await fetch(address("/plotly.min.js"));
  if (!answer.ok) throw new Error("The studio did not give Plotly's script.");
  const plotly = await answer.text();
  const figure = JSON.stringify({ data, layout: { ...layout, autosize: true } }).replace(/</g, "\\u003c");
  const name = make("title", {}, title).outerHTML;
  return `<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">${name}
<style>body { margin: 0; background: #fff } @media (prefers-color-scheme: dark) { body { background: #0b0f19 } }</style>
</head><body><div id="figure"></div>
<script>${plotly}<\/script>
<script>
const figure = ${figure};
const dark = matchMedia("(prefers-color-scheme: dark)");
function draw() {
  const layout = structuredClone(figure.layout);
  if (dark.matches) {
    layout.paper_bgcolor = "#0b0f19";
    layout.font = { ...layout.font, color: "#e5e7eb" };
    layout.hoverlabel = { ...layout.hoverlabel, bgcolor: "#1f2937", font: { color: "#e5e7eb" } };
    for (const [key, axis] of Object.entries(layout)) {
      if (/^[xy]axis/.test(key)) Object.assign(axis, { gridcolor: "#374151", linecolor: "#374151", tickcolor: "#374151" });
    }
  }
  Plotly.react("figure", figure.data, layout, { responsive: true, displaylogo: false });
}
dark.addEventListener("change", draw);
draw();
<\/script></body></html>`;
}

/** Put a file into the reader's downloads. */
function give(blob, name) {
  const link = make("a", { href: URL.createObjectURL(blob), download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

async function save(plot, kind) {
  const name = nameOf(plot);
  const values = valuesOf(plot);
  if (kind === "HTML") return give(new Blob([await pageOf(name, values)], { type: "text/html" }), `${name}.html`);
  const width = Math.max(WIDTH, plot.clientWidth);
  const size = { width, height: plot._fullLayout.height, scale: kind === "PNG" ? 2 : 1 };
  const url = await window.Plotly.toImage(values, { format: kind.toLowerCase(), ...size });
  return give(await (await fetch(url)).blob(), `${name}.${kind.toLowerCase()}`);
}

/** The button of a plot: it opens to the kinds of files that there are. */
function buttonOf(plot) {
  const said = make("output", { class: "st-unseen" });
  const box = make(
    "details",
    { class: "st-save" },
    make("summary", { title: "Save this figure", "aria-label": "Save this figure" }, "Save"),
    make("div", {}, ...KINDS.map((kind) => make("button", { type: "button", class: "st-small", onclick: () => act(kind) }, kind))),
    said,
  );
  async function act(kind) {
    box.setAttribute("aria-busy", "true");
    try {
      await save(plot, kind);
      write(said, `Saved as ${kind}.`);
    } catch (error) {
      write(said, "The figure could not be saved.");
      console.error("The figure could not be saved.", error);
    }
    box.removeAttribute("aria-busy");
    box.open = false;
  }
  for (const press of ["pointerdown", "mousedown", "touchstart"]) box.addEventListener(press, (event) => event.stopPropagation());
  box.addEventListener("keydown", (event) => event.key === "Escape" && (box.open = false));
  return box;
}

function adopt() {
  for (const plot of document.querySelectorAll(".js-plotly-plot")) {
    if (plot._fullLayout && !plot.querySelector(":scope > .st-save")) plot.append(buttonOf(plot));
  }
}

/** Fetch the file of a link with a word of patience, and say why where the studio refuses. */
async function follow(link) {
  const said = link.parentElement.querySelector("output");
  const words = link.textContent;
  link.setAttribute("aria-busy", "true");
  write(said, `${link.dataset.making || "Making the file"} …`);
  try {
    const answer = await fetch(link.href);
    if (!answer.ok) throw new Error(answer.status === 401 ? "Sign in to the studio first." : await answer.text());
    const named = answer.headers.get("content-disposition")?.match(/filename\*=utf-8''([^;]+)/i);
    const plain = answer.headers.get("content-disposition")?.match(/filename="([^"]+)"/);
    give(await answer.blob(), named ? decodeURIComponent(named[1]) : plain?.[1] || words);
    write(said, "Saved.");
  } catch (error) {
    write(said, error instanceof TypeError ? "The studio does not answer." : error.message);
  }
  link.removeAttribute("aria-busy");
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-making]");
  if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault();
    if (!link.hasAttribute("aria-busy")) follow(link);
  }
  for (const open of document.querySelectorAll(".st-save[open]")) if (!open.contains(event.target)) open.open = false;
});
new MutationObserver(adopt).observe(document.documentElement, { childList: true, subtree: true });
