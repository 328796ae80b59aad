/** Least seconds across the timeline: closer than this a 0.1 s grid says nothing more. */
const CLOSEST = 0.5;

/** Which stretch of the clip the timeline shows, and how seconds become pixels. */
class Scale {
  constructor(onChange) {
    this.onChange = onChange;
    this.width = 1;
    this.calm = matchMedia("(prefers-reduced-motion: reduce)");
    this.reset(1);
  }

  /** Show a whole clip. */
  reset(duration) {
    this.duration = Math.max(duration, 0.1);
    this.show(0, this.duration);
  }

  get span() {
    return this.to - this.from;
  }

  get zoomed() {
    return this.span < this.duration - 1e-6;
  }

  x(time) {
    return ((time - this.from) / this.span) * this.width;
  }

  time(x) {
    return this.from + (x / this.width) * this.span;
  }

  /** Show a stretch, moved so that it lies within the clip. */
  show(from, to) {
    const span = Math.min(Math.max(to - from, Math.min(CLOSEST, this.duration)), this.duration);
    this.from = Math.min(Math.max(from, 0), this.duration - span);
    this.to = this.from + span;
    this.onChange();
  }

  /** Zoom in (factor > 1) or out around a moment that stays where it is. */
  zoom(factor, around) {
    const span = Math.min(Math.max(this.span / factor, CLOSEST), this.duration);
    const share = (around - this.from) / this.span;
    this.show(around - share * span, around + (1 - share) * span);
  }

  pan(seconds) {
    this.show(this.from + seconds, this.to + seconds);
  }

  /** Bring a stretch into sight with some room around it, without changing the zoom unless it does not fit. */
  reveal(start, end) {
    const room = Math.min(0.08 * this.span, 2);
    if (end - start > this.span) this.show(start - room, end + room);
    else if (start < this.from) this.show(start - room, start - room + this.span);
    else if (end > this.to) this.show(end + room - this.span, end + room);
  }

  /**
   * Keep the cursor in sight while it moves: it runs to three quarters, then the timeline moves under it; page by page
   * for people who asked their system for less motion.
   */
  follow(time) {
    if (!this.zoomed) return;
    const ahead = this.from + 0.75 * this.span;
    if (!this.calm.matches && time > ahead && this.to < this.duration) this.pan(Math.min(time - ahead, this.duration - this.to));
    if (time < this.from || time > this.to) this.show(time - 0.1 * this.span, time + 0.9 * this.span);
  }
}

/** Seconds between two ticks of the ruler so that labels do not touch. */
function tickStep(span, width) {
  const steps = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800];
  return steps.find((step) => (step / span) * width >= 64) || 3600;
}
