/** Playback speeds in the order in which the button walks through them. */
const SPEEDS = [1, 1.25, 1.5, 2, 0.5, 0.75];

/**
 * The video of the widget. The time of the video's own clock is the truth; `onTime` is called once per drawn frame while
 * it plays, and after every seek; `onJump` is called before a seek, while the time is still the old one. `part` is the
 * stretch that is played instead of the whole clip, or null.
 */
class Player {
  constructor(video, { onTime, onJump, onState, onError, life }) {
    Object.assign(this, { video, onTime, onJump, onState, onError });
    this.part = null;
    this.loop = false;
    this.frame_s = 1 / 30;
    const on = (name, listener) => video.addEventListener(name, listener, { signal: life });
    on("play", () => this.tick());
    on("pause", () => this.settle());
    on("ratechange", () => onState());
    on("seeked", () => video.paused && onTime(this.time));
    on("ended", () => this.loop && this.toggle());
    on("loadedmetadata", () => this.wanted && this.seek(this.wanted));
    on("error", () => video.getAttribute("src") && onError());
    if (video.requestVideoFrameCallback) this.measureFrames();
  }

  get playing() {
    return !this.video.paused && !this.video.ended;
  }

  get time() {
    return this.video.readyState > 0 ? this.video.currentTime : this.wanted || 0;
  }

  open(url, poster) {
    this.stop();
    this.wanted = 0;
    this.frame_s = 1 / 30;
    if (poster) this.video.poster = poster;
    else this.video.removeAttribute("poster");
    this.video.src = url;
    this.video.playbackRate = this.rate || 1;
  }

  close() {
    this.stop();
    this.video.removeAttribute("src");
    this.video.removeAttribute("poster");
    this.video.load();
  }

  stop() {
    this.part = null;
    this.video.pause();
  }

  /** Play or pause the whole clip. */
  toggle() {
    if (this.playing) return this.stop();
    this.part = null;
    if (this.video.ended || this.time >= this.video.duration - 0.02) this.seek(0);
    return this.start();
  }

  /** Play from one moment to another, over and over where the loop is on. */
  playPart(start_s, end_s) {
    this.part = { start_s, end_s };
    this.seek(start_s);
    return this.start();
  }

  async start() {
    try {
      await this.video.play();
    } catch (error) {
      if (error.name === "NotSupportedError") this.onError();
    }
    this.onState();
  }

  seek(time) {
    this.onJump();
    this.wanted = Math.max(0, time);
    if (this.video.readyState > 0) this.video.currentTime = Math.min(this.wanted, this.video.duration || this.wanted);
    this.onTime(this.wanted);
  }

  /** One frame back (-1) or on (+1), by the frame length measured while the clip played. */
  step(count) {
    this.stop();
    this.seek(this.time + count * this.frame_s);
  }

  setRate(rate) {
    this.rate = rate;
    this.video.defaultPlaybackRate = rate;
    this.video.playbackRate = rate;
  }

  nextRate() {
    this.setRate(SPEEDS[(SPEEDS.indexOf(this.video.playbackRate) + 1) % SPEEDS.length]);
  }

  tick() {
    this.onState();
    const frame = () => {
      if (!this.playing) return this.settle();
      if (this.part && this.time >= this.part.end_s) this.endPart();
      this.onTime(this.time);
      return requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  }

  endPart() {
    const { start_s, end_s } = this.part;
    if (this.loop) this.seek(start_s);
    else {
      this.stop();
      this.video.currentTime = Math.max(start_s, end_s - 0.001);
    }
  }

  settle() {
    this.onTime(this.time);
    this.onState();
  }

  measureFrames() {
    let last = null;
    const frame = (now, { mediaTime }) => {
      const length = last === null ? 0 : mediaTime - last;
      if (length > 0.004 && length < 0.2 && !this.video.seeking) this.frame_s = 0.7 * this.frame_s + 0.3 * length;
      last = mediaTime;
      this.video.requestVideoFrameCallback(frame);
    };
    this.video.requestVideoFrameCallback(frame);
  }
}
