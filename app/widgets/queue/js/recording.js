/** What browsers record, best first; Safari knows only the last. */
const RECORDED = ["video/webm;codecs=vp8,opus", "video/webm", "video/mp4"];

/**
 * A clip from the camera and the microphone. `onDone` gets the file; nothing leaves the page before the recording is
 * stopped, which it is by itself after `longest` seconds.
 */
class Recording {
  constructor(root, { longest, onDone, life }) {
    Object.assign(this, { root, longest, onDone });
    life.addEventListener("abort", () => this.end());
  }

  async begin() {
    if (this.stream) return this.end();
    try {
      this.stream = await navigator.mediaDevices.getUserMedia({ video: true, audio: true });
    } catch (error) {
      const denied = error?.name === "NotAllowedError";
      return this.say(denied ? "The browser was not allowed to use the camera and the microphone." : "There is no camera with a microphone here, or another program uses it.");
    }
    const picture = make("video", { muted: true, playsinline: true, "aria-label": "What the camera sees" });
    Object.assign(picture, { srcObject: this.stream, muted: true });
    const button = (text, onclick, kind = "") => make("button", { type: "button", class: `st-button ${kind}`, onclick }, text);
    this.time = make("span", { class: "qu-time", role: "timer" });
    this.start = button("Start recording", () => this.record(), "st-primary");
    this.root.replaceChildren(picture, make("div", { class: "qu-choose" }, this.start, button("Leave it", () => this.end()), this.time));
    show(this.root, true);
    await picture.play().catch(() => {});
    this.start.focus();
  }

  record() {
    const mimeType = RECORDED.find((each) => MediaRecorder.isTypeSupported(each));
    const parts = [];
    const recorder = new MediaRecorder(this.stream, mimeType ? { mimeType } : {});
    this.recorder = recorder;
    recorder.ondataavailable = ({ data }) => data.size && parts.push(data);
    recorder.onstop = () => {
      const kept = this.recorder === recorder;
      this.end();
      const type = (recorder.mimeType || "video/webm").split(";")[0];
      const when = new Date().toTimeString().slice(0, 8).replaceAll(":", "-");
      if (kept) this.onDone(new File(parts, `recording ${when}.${type === "video/mp4" ? "mp4" : "webm"}`, { type }));
    };
    recorder.start(1000);
    const since = performance.now();
    const tick = () => {
      const passed = (performance.now() - since) / 1000;
      write(this.time, `${passed.toFixed(0)} s of ${this.longest} s`);
      if (passed >= this.longest) recorder.stop();
    };
    tick();
    this.timer = setInterval(tick, 250);
    this.start.replaceWith((this.stop = make("button", { type: "button", class: "st-button st-primary", onclick: () => recorder.stop() }, "Stop and add")));
    this.stop.focus();
  }

  say(sentence) {
    this.root.replaceChildren(make("p", { role: "alert" }, sentence));
    show(this.root, true);
  }

  /** Let go of the camera; what was recorded and not stopped is forgotten. */
  end() {
    clearInterval(this.timer);
    const { recorder } = this;
    this.recorder = null;
    if (recorder?.state === "recording") recorder.stop();
    for (const track of this.stream?.getTracks() || []) track.stop();
    this.stream = null;
    this.root.replaceChildren();
    show(this.root, false);
  }
}
