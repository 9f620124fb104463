// The marble's roll through the rows of the path. `position` lies between two rows while it moves.

import type { Laboratory } from "./laboratory";
import type { Frames } from "../drawing/frames";

const SECONDS = 6;
const SLOWEST = 3;
const FASTEST = 90;
/** Seconds that a long path takes at most. */
const LONGEST = 30;

export class Player {
  position = 0;
  playing = false;
  speed = 1;
  private last = 0;

  constructor(
    private readonly laboratory: Laboratory,
    private readonly frames: Frames,
    private readonly isStill: () => boolean,
  ) {
    laboratory.on("path", () => {
      this.position = Math.min(this.position, this.lastRow);
    });
  }

  get row(): number {
    return Math.min(Math.floor(this.position + 1e-9), this.lastRow);
  }

  get lastRow(): number {
    return Math.max(0, (this.laboratory.path?.n_rows ?? 1) - 1);
  }

  go(row: number): void {
    this.position = Math.max(0, Math.min(row, this.lastRow));
    this.laboratory.tell("step");
  }

  toggle(): void {
    if (this.playing) return this.pause();
    if (this.position >= this.lastRow) this.position = 0;
    this.playing = true;
    this.last = 0;
    this.laboratory.tell("play", "step");
    this.frames.animate(this.advance);
  }

  pause(): void {
    if (!this.playing) return;
    this.playing = false;
    this.position = this.row;
    this.laboratory.tell("play", "step");
  }

  reset(): void {
    this.playing = false;
    this.position = 0;
    this.laboratory.tell("play", "step");
  }

  /** Where to draw the marble; whole rows where motion is to be reduced. */
  get shown(): number {
    return this.isStill() ? this.row : this.position;
  }

  private readonly advance = (now: number): boolean => {
    if (!this.playing) return false;
    const seconds = this.last ? Math.min(0.1, (now - this.last) / 1000) : 0;
    this.last = now;
    const fastest = Math.max(FASTEST, this.lastRow / LONGEST);
    const pace = Math.max(SLOWEST, Math.min(fastest, this.lastRow / SECONDS)) * this.speed;
    this.position = Math.min(this.lastRow, this.position + seconds * pace);
    if (this.position >= this.lastRow) {
      this.playing = false;
      this.laboratory.tell("play");
    }
    this.laboratory.tell("step");
    return this.playing;
  };
}
