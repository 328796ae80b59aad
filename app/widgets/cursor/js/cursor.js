/** One video for a whole tab: it shows the face and the cues at its time, and every plot of the tab follows it. */
const life = lifeOf("cursor-" + props.place);
const part = (selector) => element.querySelector(selector);
const video = part("video");
const stage = part(".st-stage");
const scope = element.closest('[role="tabpanel"]') || document.body;
const plots = new FollowingPlots(scope, life, (time) => seek(time));

let clip = null;
let chunk = null;
let asked = null;
let setBars = () => {};
let shown = null;

/** Show another clip, or the same one after something about it changed. */
function open(next) {
  const same = clip && next && clip.id === next.id;
  clip = next;
  plots.clip = next ? next.id : null;
  show(part(".st-player"), Boolean(next));
  if (!next || same) return again();
  [chunk, asked, shown] = [null, null, null];
  setBars = () => {};
  part(".st-cues").replaceChildren();
  part(".st-shapes").replaceChildren();
  stage.classList.toggle("st-sound", !next.has_video);
  show(part(".st-now"), next.has_video);
  show(part(".st-overlay"), next.has_video);
  video.src = address(next.media_url);
  return again();
}

function seek(time) {
  video.currentTime = Math.min(Math.max(time, 0), clip.duration_s);
  again();
}

/** Ask the studio for the minute around a time, once. */
async function need(time) {
  const start = Math.floor(time / clip.chunk_s) * clip.chunk_s;
  const wanted = clip.id + " " + start;
  if (asked === wanted) return;
  asked = wanted;
  try {
    const found = await server.moments({ clip: clip.id, start_s: start });
    if (asked !== wanted) return;
    if (!found || found.refused) throw new Error(found?.refused || "The studio does not answer.");
    found.packed = found.points ? unpack(found.points) : null;
    chunk = found;
    const face = found.cues.filter((cue) => found.bars.includes(cue.name));
    const setCues = barsOf(part(".st-cues"), "Cues", face);
    const shapes = found.blendshapes.map((shape) => ({ ...shape, low: 0, high: 1, unit: "0–1", meaning: "" }));
    const setShapes = barsOf(part(".st-shapes"), "Blendshapes", shapes);
    setBars = (frame) => [setCues(frame), setShapes(frame)];
    shown = null;
    again();
  } catch (error) {
    asked = null;
    console.error("The moments of the clip could not be read.", error);
  }
}

/** The mean of a cue over the length of a segment around the cursor: what the rules see; null where unknown. */
function meanNow(name, time) {
  const cue = chunk?.cues.find((each) => each.name === name);
  if (!cue) return null;
  const reach = (clip.segment_s / 2) * chunk.rate_hz;
  const middle = (time - chunk.start_s) * chunk.rate_hz;
  const near = cue.values.slice(Math.max(0, Math.round(middle - reach)), Math.max(1, Math.round(middle + reach)));
  const known = near.filter((value) => value !== null);
  return known.length ? known.reduce((sum, value) => sum + value, 0) / known.length : null;
}

function caption(time) {
  const near = (chunk?.words || []).filter(([, start, end]) => end > time - 2.5 && start < time + 2.5);
  const words = near.flatMap(([text, start, end]) => [make(start <= time && time < end ? "b" : "span", {}, text), " "]);
  part(".st-caption").replaceChildren(...words);
}

/** Everything that is drawn once a track frame. */
function drawMoment(time) {
  const inside = chunk && time >= chunk.start_s && time < chunk.end_s;
  const frame = inside ? Math.round((time - chunk.start_s) * chunk.rate_hz) : -1;
  const points = inside ? pointsAt(chunk, frame, clip.points) : null;
  const lines = part(".st-overlay input").checked ? points : null;
  drawOnVideo(part(".st-stage canvas"), video, lines, clip.contours);
  const ink = getComputedStyle(element).getPropertyValue("--st-text");
  drawClose(part(".st-face canvas"), points, clip.contours, video.videoWidth / video.videoHeight || 1, ink);
  write(part(".st-face figcaption"), inside && !points ? "no face here" : "");
  setBars(frame);
  caption(time);
}

function again() {
  if (!clip || !stage.offsetParent) return;
  const time = video.currentTime;
  need(time);
  write(part(".st-clock"), clock(time));
  plots.move(time, (cue) => meanNow(cue, time));
  const moment = [clip.id, Math.round(time * 10), chunk?.start_s, stage.clientWidth, video.videoWidth].join(" ");
  if (moment === shown) return;
  shown = moment;
  drawMoment(time);
}

function tick() {
  if (life.aborted) return;
  if (!stage.offsetParent) video.pause();
  again();
  if (!video.paused) requestAnimationFrame(tick);
}

video.addEventListener("play", tick, { signal: life });
for (const event of ["seeked", "seeking", "pause", "loadeddata"]) video.addEventListener(event, again, { signal: life });
part(".st-overlay input").addEventListener("change", () => ((shown = null), again()), { signal: life });
new ResizeObserver(again).observe(stage);
const look = new MutationObserver(() => ((shown = null), again()));
look.observe(document.body, { attributes: true, attributeFilter: ["class"] });
life.addEventListener("abort", () => look.disconnect());
watch("value", () => open(props.value));
open(props.value);
