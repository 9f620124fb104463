// A canvas that fills its place, sharp on every screen, and is drawn anew when its size or the colours change.

import type { Frames } from "./frames";
import type { Theme } from "./theme";

export abstract class Board {
  readonly canvas = document.createElement("canvas");
  protected width = 0;
  protected height = 0;
  private readonly context: CanvasRenderingContext2D | null;
  private readonly paint = (): void => this.draw();

  constructor(
    protected readonly frames: Frames,
    protected readonly theme: Theme,
  ) {
    this.context = this.canvas.getContext("2d");
    theme.onChange(() => this.changed());
    new ResizeObserver(() => this.measure()).observe(this.canvas);
  }

  /** Draw at the next frame. */
  changed(): void {
    this.frames.draw(this.paint);
  }

  protected abstract paintOn(context: CanvasRenderingContext2D): void;

  protected measure(): void {
    const ratio = Math.min(window.devicePixelRatio || 1, 2);
    this.width = this.canvas.clientWidth;
    this.height = this.canvas.clientHeight;
    this.canvas.width = Math.round(this.width * ratio);
    this.canvas.height = Math.round(this.height * ratio);
    this.context?.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.changed();
  }

  private draw(): void {
    if (!this.context || this.width < 2 || this.height < 2) return;
    this.context.clearRect(0, 0, this.width, this.height);
    this.paintOn(this.context);
  }
}
