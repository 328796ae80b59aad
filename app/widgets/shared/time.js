/** Seconds as 01:05.20, or 1:00:05.20 from an hour on. */
function clock(seconds) {
  const hundredths = Math.round(Math.max(0, seconds) * 100);
  const two = (number) => String(number).padStart(2, "0");
  const minutes = Math.floor(hundredths / 6000);
  const rest = `${two(Math.floor(hundredths / 100) % 60)}.${two(hundredths % 100)}`;
  return minutes < 60 ? `${two(minutes)}:${rest}` : `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${rest}`;
}

/** A length for people: 26 s, 3 min 05 s, 1 h 02 min. */
function duration(seconds) {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
  return `${Math.floor(whole / 3600)} h ${String(Math.floor(whole / 60) % 60).padStart(2, "0")} min`;
}

/** A stretch of time: 12.5 – 14.5 s below ten minutes, with the clock beyond. */
function stretch(start, end) {
  const short = (value) => (Math.abs(value * 10 - Math.round(value * 10)) < 0.01 ? value.toFixed(1) : value.toFixed(2));
  return end < 600 ? `${short(start)} – ${short(end)} s` : `${clock(start)} – ${clock(end)}`;
}

/** A measured value with its unit: 182 Hz, 0.62, −12.4 dB. */
function measured(value, unit) {
  if (value === null || value === undefined) return "–";
  const size = Math.abs(value);
  const text = size >= 100 ? value.toFixed(0) : size >= 10 ? value.toFixed(1) : value.toFixed(2);
  const shown = /^[−-]?\d/.test(unit) ? "" : unit;
  return text.replace("-", "−") + (shown && !shown.startsWith("°") ? " " : "") + shown;
}

/** A degree in [0, 1] as 0.71. */
function degreeText(value) {
  return value.toFixed(2);
}

/** A share in [0, 1] as 71 %. */
function percent(share) {
  return `${Math.round(100 * share)} %`;
}
