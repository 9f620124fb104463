// The losses of several runs over the steps, on a scale of powers of ten where they are positive and span some.

import { axesOf, clipTo, disc, drawAxes, stroke } from "../drawing/axes";
import { Board } from "../drawing/board";

interface Curve {
  readonly losses: Float64Array;
  readonly color: string;
}

const LOWEST = 1e-18;
/** Losses of a smaller ratio are told apart better as they are: 9 to 5 is no power of ten. */
const SPAN = 30;

export class LossCurves extends Board {
  curves: readonly Curve[] = [];
  step = 0;

  protected override paintMoving(context: CanvasRenderingContext2D): void {
    const { palette } = this.theme;
    const all = this.curves.flatMap(({ losses }) => Array.from(losses).filter(Number.isFinite));
    if (all.length === 0) return;
    const [least, most] = all.reduce(([a, b], loss) => [Math.min(a, loss), Math.max(b, loss)], [Infinity, -Infinity]);
    const isLog = least >= 0 && most > SPAN * least;
    const scaled = (loss: number): number => (isLog ? Math.log10(Math.max(loss, LOWEST)) : loss);
    const low = scaled(least);
    const high = Math.min(scaled(most), scaled(this.first() * 1e3));
    const room = (high - low || 1) * 0.06;
    const last = Math.max(1, ...this.curves.map(({ losses }) => losses.length - 1));
    const box = { left: 58, top: 26, width: this.width - 74, height: this.height - 70 };
    const intervals = [
      [0, last],
      [low - room, high + room],
    ] as const;
    const axes = axesOf(box, ...intervals);
    drawAxes(context, axes, intervals, palette, {
      x: "step",
      y: isLog ? "loss, as a power of ten" : "loss",
      grid: true,
    });
    context.save();
    clipTo(context, box);
    context.strokeStyle = palette.soft;
    stroke(context, axes.x(this.step), box.top, axes.x(this.step), box.top + box.height);
    this.curves.forEach(({ losses, color }, k) => {
      context.strokeStyle = context.fillStyle = color;
      context.lineWidth = 2.5;
      context.setLineDash(DASHES[k % DASHES.length] ?? []);
      context.beginPath();
      losses.forEach((loss, row) => context.lineTo(axes.x(row), axes.y(scaled(loss))));
      context.stroke();
      context.setLineDash([]);
      const row = Math.min(this.step, losses.length - 1);
      disc(context, axes.x(row), axes.y(scaled(losses[row] ?? NaN)), 5);
    });
    context.restore();
  }

  /** The loss at the start: one that explodes must not flatten the others. */
  private first(): number {
    return Math.abs(this.curves[0]?.losses[0] ?? 1) || 1;
  }
}

/** So that curves are told apart without colour. */
const DASHES: readonly number[][] = [[], [8, 4], [2, 3], [10, 3, 2, 3], [14, 4], [5, 2]];
