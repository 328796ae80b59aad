/** Which subtitle file belongs to which video: the one of the same name, or the only one beside an only video. */
function pairUp(files) {
  const isWords = (file) => /\.(srt|vtt)$/i.test(file.name);
  const stem = (file) => file.name.replace(/\.[^.]*$/, "").toLowerCase();
  const words = files.filter(isWords);
  const clips = files.filter((file) => !isWords(file));
  const match = (clip) => words.find((each) => stem(each) === stem(clip) || stem(each).startsWith(`${stem(clip)}.`));
  return clips.map((clip) => ({ clip, words: match(clip) || (clips.length === 1 && words.length === 1 ? words[0] : null) }));
}

/** Send one video: `onProgress` gets the share sent. Resolves to {job} or {refused: sentence}. */
async function sendFile({ clip, words }, study, typed, onProgress) {
  const lost = { refused: `${clip.name} could not be sent: the studio does not answer. Try again in a moment.` };
  const announced = { study, name: clip.name, size: clip.size, typed, subtitles: words ? [words.name, await words.text()] : null };
  let token = null;
  try {
    const headers = { "Content-Type": "application/json" };
    const response = await fetch(address("/upload"), { method: "POST", headers, body: JSON.stringify(announced) });
    const answer = await response.json();
    if (!answer.token) return { refused: answer.refused || `${clip.name} was not accepted.` };
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
