/** Faces drawn from landmarks, and bars of what is measured at the cursor. */

/** The points of a chunk: little-endian uint16 pairs in base64, 65535 where no face is seen. */
function unpack(base64) {
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  return new Uint16Array(bytes.buffer);
}

/** The points of one frame in 0–1 of the picture, or null where no face is seen. */
function pointsAt(chunk, frame, count) {
  const from = frame * count * 2;
  if (!chunk.packed || from + count * 2 > chunk.packed.length || chunk.packed[from] === 65535) return null;
  return Array.from({ length: count }, (_, k) => [
    chunk.packed[from + 2 * k] / 65534,
    chunk.packed[from + 2 * k + 1] / 65534,
  ]);
}

/** Give a canvas as many pixels as the screen has there; returns its pen, scaled to CSS pixels, and its size. */
function penOf(canvas) {
  const { width, height } = canvas.getBoundingClientRect();
  const scale = window.devicePixelRatio || 1;
  if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
  }
  const pen = canvas.getContext("2d");
  pen.setTransform(scale, 0, 0, scale, 0, 0);
  pen.clearRect(0, 0, width, height);
  return { pen, width, height };
}

/** Draw the contours through `place`, which puts a point of the picture on the canvas. */
function drawFace(pen, points, contours, place, colour, thickness) {
  pen.strokeStyle = colour;
  pen.lineWidth = thickness;
  pen.lineJoin = "round";
  for (const line of contours) {
    pen.beginPath();
    line.forEach((index, at) => {
      const [x, y] = place(points[index]);
      if (at) pen.lineTo(x, y);
      else pen.moveTo(x, y);
    });
    pen.stroke();
  }
}

/** The face over the playing picture, which is letter-boxed inside its element. */
function drawOnVideo(canvas, video, points, contours) {
  const { pen, width, height } = penOf(canvas);
  if (!points || !video.videoWidth) return;
  const scale = Math.min(width / video.videoWidth, height / video.videoHeight);
  const left = (width - video.videoWidth * scale) / 2;
  const top = (height - video.videoHeight * scale) / 2;
  const place = ([x, y]) => [left + x * video.videoWidth * scale, top + y * video.videoHeight * scale];
  drawFace(pen, points, contours, place, "rgba(0, 0, 0, 0.55)", 3);
  drawFace(pen, points, contours, place, "#7fe3ff", 1.3);
}

/** The face alone, as large as it fits; `shape` is the picture's width over its height. */
function drawClose(canvas, points, contours, shape, colour) {
  const { pen, width, height } = penOf(canvas);
  if (!points) return;
  const xs = points.map(([x]) => x * shape);
  const ys = points.map(([, y]) => y);
  const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const scale = 0.86 * Math.min(width / (right - left), height / (bottom - top));
  const place = ([x, y]) => [
    width / 2 + (x * shape - (left + right) / 2) * scale,
    height / 2 + (y - (top + bottom) / 2) * scale,
  ];
  drawFace(pen, points, contours, place, colour, 1.8);
}

/** One row a sign: its name, a bar from the low to the high end of its range, its value with its unit where that is
 *  short, else on the name. Returns what sets frame t. */
function barsOf(box, title, signs) {
  box.replaceChildren(make("h3", {}, title));
  const rows = signs.map((sign) => {
    const bar = make("i");
    const value = make("b");
    const title = (sign.meaning + " " + sign.unit).trim();
    box.append(make("span", { title }, sign.name), bar, value);
    return { sign, bar, value };
  });
  show(box, signs.length > 0);
  return (frame) => {
    for (const { sign, bar, value } of rows) {
      const now = sign.values[frame] ?? null;
      const share = now === null ? 0 : (now - sign.low) / (sign.high - sign.low);
      bar.style.setProperty("--share", Math.min(1, Math.max(0, share)).toFixed(3));
      write(value, measured(now, sign.unit.length > 4 ? "" : sign.unit));
    }
  };
}
