/**
 * The plots of a tab that follow a video: a line at the cursor without drawing the plot anew, clicks that seek, one zoom
 * for all, and words laid out for the width there is. A plot says in `layout.meta` what it follows: `{follows: "time",
 * clip}` or `{follows: "cue", cue}`.
 */
class FollowingPlots {
  constructor(scope, life, seek) {
    this.scope = scope;
    this.seek = seek;
    this.clip = null;
    this.last = null;
    this.lines = new Map();
    this.sizes = new ResizeObserver((entries) => entries.forEach((entry) => this.fit(entry.target)));
    const changes = new MutationObserver(() => this.adopt());
    changes.observe(scope, { childList: true, subtree: true });
    life.addEventListener("abort", () => {
      changes.disconnect();
      this.sizes.disconnect();
    });
    this.adopt();
  }

  /** Take in plots that came since, let go of those that went. */
  adopt() {
    for (const plot of this.lines.keys()) if (!plot.isConnected) this.forget(plot);
    for (const plot of this.scope.querySelectorAll(".js-plotly-plot")) {
      if (this.lines.has(plot) || !plot._fullLayout?.xaxis || !plot.layout?.meta?.follows || !plot.on) continue;
      const line = make("div", { class: "st-cursor-line", hidden: true }, make("span"));
      plot.querySelector(".svg-container").append(line);
      this.lines.set(plot, line);
      this.bind(plot);
    }
  }

  bind(plot) {
    if (matchMedia("(pointer: coarse)").matches) window.Plotly.relayout(plot, { dragmode: false });
    plot.addEventListener("pointerdown", (down) => this.press(plot, down), true);
    plot.on("plotly_relayout", (change) => this.relaid(plot, change));
    plot.on("plotly_afterplot", () => this.again());
    this.sizes.observe(plot);
    this.lay(plot);
    this.again();
  }

  /** Lay out anew what depends on the width. */
  lay(plot) {
    layWords(plot);
    fitLabels(plot);
  }

  forget(plot) {
    this.sizes.unobserve(plot);
    this.lines.delete(plot);
  }

  /** A plot drawn while its tab or accordion was closed has the wrong width, and not the others' zoom. */
  async fit(plot) {
    const width = plot.clientWidth;
    if (!width || !plot._fullLayout) return;
    if (Math.abs(width - plot._fullLayout.width) > 1) await window.Plotly.Plots.resize(plot);
    this.lay(plot);
    this.zoom(plot);
    this.again();
  }

  /** A press without a drag on a plot over time seeks the video; a finger that scrolls the page does not. */
  press(plot, down) {
    const { follows, clip } = plot.layout.meta;
    if (down.button !== 0 || follows !== "time" || clip !== this.clip || down.target.closest(".st-save")) return;
    const over = new AbortController();
    const release = (up) => {
      over.abort();
      const moved = Math.hypot(up.clientX - down.clientX, up.clientY - down.clientY) > 5;
      if (up.type === "pointercancel" || moved) return;
      const box = plot.getBoundingClientRect();
      const { xaxis: axis, _size: size } = plot._fullLayout;
      const x = up.clientX - box.left - axis._offset;
      const y = up.clientY - box.top - size.t;
      if (x >= 0 && x <= axis._length && y >= 0 && y <= size.h) this.seek(axis.p2d(x));
    };
    for (const event of ["pointerup", "pointercancel"]) {
      window.addEventListener(event, release, { signal: over.signal, capture: true });
    }
  }

  /** A plot that was zoomed takes the others along; one that only got another width would take them back. */
  relaid(plot, change) {
    if (plot.layout.meta.follows !== "time") return;
    layWords(plot);
    if (Object.keys(change || {}).some((key) => key.startsWith("xaxis"))) this.share(plot);
  }

  /** All plots over the same clip's time show the same stretch of it; those out of sight once they are seen. */
  share(plot) {
    this.stretch = { clip: plot.layout.meta.clip, range: [...plot._fullLayout.xaxis.range] };
    for (const other of this.lines.keys()) this.zoom(other);
  }

  /** Show of a plot over time what the others show. */
  zoom(plot) {
    const { follows, clip } = plot.layout.meta;
    if (follows !== "time" || clip !== this.stretch?.clip || !plot.clientWidth) return;
    const { range } = this.stretch;
    const shown = plot._fullLayout.xaxis.range;
    const differs = Math.abs(shown[0] - range[0]) + Math.abs(shown[1] - range[1]) > 1e-6;
    if (differs) window.Plotly.relayout(plot, { "xaxis.range": [...range] });
  }

  /** Put every line where it belongs; `valueOf(cue)` gives a cue's value now, or null. */
  move(time, valueOf) {
    this.last = [time, valueOf];
    for (const [plot, line] of this.lines) {
      const { xaxis: axis, _size: size } = plot._fullLayout;
      const meta = plot.layout.meta;
      const at = meta.follows === "cue" ? valueOf(meta.cue) : meta.clip === this.clip ? time : null;
      const px = at === null ? NaN : axis.d2p(at);
      const inside = px >= -0.5 && px <= axis._length + 0.5;
      show(line, inside);
      if (!inside) continue;
      line.dataset.at = at;
      line.style.top = size.t + "px";
      line.style.height = size.h + "px";
      line.style.transform = "translateX(" + (axis._offset + px - 1).toFixed(1) + "px)";
      if (meta.follows === "cue") this.tell(plot, line, at, px / axis._length);
    }
  }

  /** What a cue's value is called: its degree of every term, read off the curves that are drawn. */
  tell(plot, line, value, share) {
    const degrees = plot._fullData
      .filter((trace) => trace.meta?.term)
      .map((trace) => [trace.meta.term, interpolate(trace.x, trace.y, value)])
      .filter(([, degree]) => degree >= 0.05)
      .sort((one, other) => other[1] - one[1])
      .map(([term, degree]) => term + " " + degreeText(degree));
    const label = line.firstChild;
    write(label, measured(value, plot.layout.meta.unit) + ": " + degrees.join(", "));
    label.style.transform = "translateX(" + -100 * Math.min(1, Math.max(0, share)) + "%)";
  }

  again() {
    if (this.last) this.move(...this.last);
  }
}

/** The value at `at` of a curve given by ascending `xs` and `ys`. */
function interpolate(xs, ys, at) {
  let next = 0;
  while (next < xs.length && xs[next] < at) next += 1;
  if (next === 0) return ys[0];
  if (next === xs.length) return ys[xs.length - 1];
  const share = (at - xs[next - 1]) / (xs[next] - xs[next - 1]);
  return ys[next - 1] + share * (ys[next] - ys[next - 1]);
}
