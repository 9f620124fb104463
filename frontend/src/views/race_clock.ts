// The race's clock: all entrants are at the same step. It rolls, stops, goes back, and is dragged to any step.

import { button, h, replaceText } from "../drawing/element";
import type { Frames } from "../drawing/frames";

const SECONDS = 6;
const SLOWEST = 4;
const FASTEST = 90;

export class RaceClock {
  /** Between two steps while it rolls. */
  position = 0;
  readonly controls: readonly HTMLElement[];
  private last = 0;
  private playing = false;
  private before = 0;
  private readonly roll = button("Start the race", () => this.toggle(), { class: "primary" });
  private readonly range = h("input", { type: "range", min: 0, max: 1, value: 0, "aria-label": "Step of the race" });
  private readonly told = h("p", { class: "big" }, "step 0");

  constructor(
    private readonly frames: Frames,
    private readonly onMoved: () => void,
  ) {
    this.range.addEventListener("input", () => this.go(Number(this.range.value)));
    this.controls = [this.roll, button("Reset", () => this.reset()), this.range, this.told];
  }

  get step(): number {
    return Math.floor(this.position);
  }

  /** Where the last of the entrants ends. */
  set lastStep(last: number) {
    this.last = last;
    this.range.max = String(last);
    this.go(this.position);
  }

  stop(): void {
    if (this.playing) this.toggle();
  }

  private toggle(): void {
    this.playing = !this.playing;
    if (this.playing && this.position >= this.last) this.position = 0;
    replaceText(this.roll, this.playing ? "Pause" : "Start the race");
    this.before = 0;
    if (this.playing) this.frames.animate(this.advance);
  }

  private reset(): void {
    this.stop();
    this.go(0);
  }

  private go(position: number): void {
    this.position = Math.max(0, Math.min(position, this.last));
    this.range.value = String(this.step);
    replaceText(this.told, `step ${this.step}`);
    this.onMoved();
  }

  private readonly advance = (now: number): boolean => {
    if (!this.playing) return false;
    const seconds = this.before ? Math.min(0.1, (now - this.before) / 1000) : 0;
    this.before = now;
    this.go(this.position + seconds * Math.max(SLOWEST, Math.min(FASTEST, this.last / SECONDS)));
    if (this.position >= this.last) this.toggle();
    return this.playing;
  };
}
