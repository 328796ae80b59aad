/** What of a folder is sent: videos, sound, and the subtitles beside them. */
const MEDIA = /\.(mp4|m4v|mov|mkv|webm|avi|mpe?g|wmv|flv|3gp|ogv|mts|m2ts|mp3|wav|m4a|aac|flac|ogg|opus)$/i;
const SUBTITLES = /\.(srt|vtt)$/i;

/** The files of a drop, those of folders included: [{file, folder}]. */
async function dropped(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.some((entry) => entry.isDirectory)) return [...transfer.files].map((file) => ({ file, folder: "" }));
  const found = [];
  const walk = async (entry, folder) => {
    if (entry.isFile) {
      const file = await new Promise((resolve) => entry.file(resolve, () => resolve(null)));
      if (file) found.push({ file, folder });
      return;
    }
    const reader = entry.createReader();
    for (;;) {
      const some = await new Promise((resolve) => reader.readEntries(resolve, () => resolve([])));
      if (!some.length) return;
      for (const each of some) await walk(each, entry.name);
    }
  };
  for (const entry of entries) await walk(entry, "");
  return found;
}

/** The files that somebody chose, with the folder each lies in. */
function chosen(input) {
  return [...input.files].map((file) => ({ file, folder: (file.webkitRelativePath || "").split("/").at(-2) || "" }));
}

/** Part 2 before part 10. */
const natural = new Intl.Collator(undefined, { numeric: true }).compare;

/**
 * Which subtitles belong to which video: those of the same name beside it, or the only ones beside an only video.
 * Returns the videos to send, each {clip, name, words}, and the names of what is left out: other files of a folder, and
 * subtitles without a video. Files of one name from several folders get their folder's name before their own.
 */
function sortOut(files) {
  const seen = files.filter(({ file }) => !file.name.startsWith("."));
  seen.sort((a, b) => natural(a.folder, b.folder) || natural(a.file.name, b.file.name));
  const words = seen.filter(({ file }) => SUBTITLES.test(file.name));
  const clips = seen.filter((each) => !words.includes(each) && (!each.folder || MEDIA.test(each.file.name)));
  const stem = ({ file }) => file.name.replace(/\.[^.]*$/, "").toLowerCase();
  const match = (clip) => words.find((each) => each.folder === clip.folder && (stem(each) === stem(clip) || stem(each).startsWith(`${stem(clip)}.`)));
  const only = clips.length === 1 && words.length === 1 ? words[0] : null;
  const names = clips.map(({ file }) => file.name);
  const videos = clips.map((clip) => {
    const twice = names.filter((name) => name === clip.file.name).length > 1;
    return { clip: clip.file, name: twice && clip.folder ? `${clip.folder} – ${clip.file.name}` : clip.file.name, words: match(clip) || only };
  });
  const used = new Set(videos.map((video) => video.words));
  const leftOut = seen.filter((each) => !clips.includes(each) && !used.has(each)).map(({ file }) => file.name);
  return { videos: videos.map((video) => ({ ...video, words: video.words?.file || null })), leftOut };
}

/** How long a browser may take to say how long a video is, ms. */
const MEASURING = 5000;

/** The length of a video or a recording in seconds as this browser reads it; null where it cannot. */
function lengthOf(file) {
  return new Promise((resolve) => {
    const media = document.createElement("video");
    const url = URL.createObjectURL(file);
    const tell = () => {
      resolve(Number.isFinite(media.duration) ? media.duration : null);
      clearTimeout(timer);
      media.removeAttribute("src");
      URL.revokeObjectURL(url);
    };
    const timer = setTimeout(tell, MEASURING);
    Object.assign(media, { preload: "metadata", muted: true, onloadedmetadata: tell, onerror: tell, src: url });
  });
}

/** Send one video: `onProgress` gets the share sent. Resolves to {job} or {refused: sentence}. */
async function sendFile({ clip, name, words }, study, typed, onProgress) {
  const lost = { refused: `${name} could not be sent: the studio does not answer. Try again in a moment.` };
  let token = null;
  try {
    const announced = { study, name, size: clip.size, typed, subtitles: words ? [words.name, await words.text()] : null };
    const headers = { "Content-Type": "application/json" };
    const response = await fetch(address("/upload"), { method: "POST", headers, body: JSON.stringify(announced) });
    const answer = await response.json();
    if (!answer.token) return { refused: answer.refused || `${name} was not accepted.` };
    token = answer.token;
  } catch {
    return lost;
  }
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    request.open("POST", address(`/upload/${token}`));
    request.responseType = "json";
    request.upload.onprogress = (event) => event.lengthComputable && onProgress(event.loaded / event.total);
    request.onload = () => resolve(request.response || lost);
    request.onerror = () => resolve(lost);
    request.send(clip);
  });
}
