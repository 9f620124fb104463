// A canvas that fills its place, sharp on every screen. What stands still, such as axes and a curve, is drawn once on a
// layer of its own; a frame copies it and draws what moves.

import type { Frames } from "./frames";
import type { Theme } from "./theme";

export abstract class Board {
  readonly canvas = document.createElement("canvas");
  protected width = 0;
  protected height = 0;
  private readonly context: CanvasRenderingContext2D | null;
  private readonly layer = document.createElement("canvas");
  private isStale = true;
  private readonly paint = (): void => this.draw();

  constructor(
    protected readonly frames: Frames,
    protected readonly theme: Theme,
  ) {
    this.context = this.canvas.getContext("2d");
    theme.onChange(() => this.renew());
    new ResizeObserver(() => this.measure()).observe(this.canvas);
  }

  /** What moves has changed: draw at the next frame. */
  changed(): void {
    this.frames.draw(this.paint);
  }

  /** What stands still has changed too. */
  renew(): void {
    this.isStale = true;
    this.changed();
  }

  protected paintStill(_context: CanvasRenderingContext2D): void {}

  protected abstract paintMoving(context: CanvasRenderingContext2D): void;

  private measure(): void {
    this.width = this.canvas.clientWidth;
    this.height = this.canvas.clientHeight;
    const ratio = Math.min(window.devicePixelRatio || 1, 2);
    for (const canvas of [this.canvas, this.layer]) {
      canvas.width = Math.round(this.width * ratio);
      canvas.height = Math.round(this.height * ratio);
      canvas.getContext("2d")?.setTransform(ratio, 0, 0, ratio, 0, 0);
    }
    this.renew();
  }

  private draw(): void {
    const { context, width, height } = this;
    if (!context || width < 2 || height < 2) return;
    const still = this.isStale ? this.layer.getContext("2d") : undefined;
    if (still) {
      still.clearRect(0, 0, width, height);
      this.paintStill(still);
      this.isStale = false;
    }
    context.clearRect(0, 0, width, height);
    context.drawImage(this.layer, 0, 0, width, height);
    this.paintMoving(context);
  }
}
