/** A pen that measures text as wide as the plots write it. */
function measure(plot) {
  const pen = document.createElement("canvas").getContext("2d");
  pen.font = "13px " + getComputedStyle(plot).getPropertyValue("--st-sans");
  return (text) => pen.measureText(text).width;
}

/** Lines over the strips, whose whole text is in their name: as much of it as the plot is wide. */
function fitLabels(plot) {
  const wide = measure(plot);
  const changes = {};
  (plot.layout.annotations || []).forEach(({ name, text }, at) => {
    if (!name || !plot.clientWidth) return;
    let fits = name;
    while (fits.length > 8 && wide(fits) > plot._fullLayout._size.w - 12) fits = fits.slice(0, -2).trimEnd() + "…";
    if (fits !== text) changes["annotations[" + at + "].text"] = fits;
  });
  if (Object.keys(changes).length) window.Plotly.relayout(plot, changes);
}

/** Words in rows so that none covers another at the scale the plot has now; without room, only their bar remains. */
function layWords(plot) {
  const index = plot.data?.findIndex((trace) => trace.meta?.words);
  if (index === undefined || index < 0 || !plot.clientWidth) return;
  const trace = plot.data[index];
  const axis = plot._fullLayout.xaxis;
  const wide = measure(plot);
  const free = new Array(trace.meta.rows).fill(-Infinity);
  const rows = [];
  const texts = [];
  trace.meta.words.forEach((word, at) => {
    const left = axis.d2p(trace.x[at]);
    const width = wide(word);
    const row = left < -1 || left + width > axis._length + 8 ? -1 : free.findIndex((end) => end <= left);
    if (row >= 0) free[row] = left + width + 8;
    rows.push(Math.max(row, 0) + 1);
    texts.push(row >= 0 ? word : "");
  });
  const before = JSON.stringify([trace.y, trace.text]);
  if (before !== JSON.stringify([rows, texts])) window.Plotly.restyle(plot, { y: [rows], text: [texts] }, [index]);
}
