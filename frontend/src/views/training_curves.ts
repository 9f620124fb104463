// The losses of a training over its steps: of the batches with the span between them, of the epochs, and of the rows
// that were held out.

import { type Axes, axesOf, clipTo, disc, drawAxes, type Interval } from "../drawing/axes";
import { Board } from "../drawing/board";
import type { Training } from "../state/answers";

const LOWEST = 1e-18;
/** Losses that span more than this are drawn by powers of ten. */
const SPAN = 30;
const DASH = [7, 4];

export class TrainingCurves extends Board {
  private training: Training | undefined;

  show(training: Training): void {
    this.training = training;
    this.changed();
  }

  protected override paintMoving(context: CanvasRenderingContext2D): void {
    const { batches, epochs, n_steps = 1 } = this.training ?? {};
    if (!batches || !epochs || batches.step.data.length === 0) return;
    const { palette } = this.theme;
    const drawn = [...batches.loss.data, ...epochs.validation.data].filter(Number.isFinite);
    if (drawn.length === 0) return;
    const least = Math.min(...drawn, ...Array.from(batches.low.data).filter(Number.isFinite));
    const high = Array.from(batches.high.data)
      .filter(Number.isFinite)
      .sort((a, b) => a - b);
    const most = Math.max(...drawn, high[high.length >> 1] ?? -Infinity);
    const isLog = least > 0 && most > SPAN * least;
    const scaled = (loss: number): number => (isLog ? Math.log10(Math.max(loss, LOWEST)) : loss);
    const room = (scaled(most) - scaled(least) || 1) * 0.06;
    const box = { left: 64, top: 26, width: this.width - 82, height: this.height - 70 };
    const intervals: [Interval, Interval] = [
      [0, Math.max(1, n_steps)],
      [scaled(least) - room, scaled(most) + room],
    ];
    const axes = axesOf(box, ...intervals);
    const y = isLog ? "loss, as a power of ten" : "loss";
    drawAxes(context, axes, intervals, palette, { x: "step", y, grid: true });
    context.save();
    clipTo(context, box);
    context.lineWidth = 2;
    this.fillSpan(context, axes, scaled);
    context.strokeStyle = palette.curve;
    line(context, axes, batches.step.data, batches.loss.data, scaled);
    if (epochs.validation.data.some(Number.isFinite)) {
      context.strokeStyle = context.fillStyle = palette.path;
      context.setLineDash(DASH);
      line(context, axes, epochs.step.data, epochs.validation.data, scaled);
      context.setLineDash([]);
      epochs.validation.data.forEach((loss, k) =>
        disc(context, axes.x(epochs.step.data[k] ?? 0), axes.y(scaled(loss)), 3),
      );
    }
    context.restore();
  }

  /** From the lowest to the highest of the batches that share a place. */
  private fillSpan(context: CanvasRenderingContext2D, axes: Axes, scaled: (loss: number) => number): void {
    const { step, low, high } = this.training?.batches ?? {};
    if (!step || !low || !high) return;
    context.save();
    context.globalAlpha = 0.2;
    context.fillStyle = this.theme.palette.curve;
    context.beginPath();
    step.data.forEach((at, k) => context.lineTo(axes.x(at), axes.y(scaled(high.data[k] ?? NaN))));
    for (let k = step.data.length - 1; k >= 0; k--) {
      context.lineTo(axes.x(step.data[k] ?? 0), axes.y(scaled(low.data[k] ?? NaN)));
    }
    context.fill();
    context.restore();
  }
}

function line(
  context: CanvasRenderingContext2D,
  axes: Axes,
  steps: Float64Array,
  losses: Float64Array,
  scaled: (loss: number) => number,
): void {
  context.beginPath();
  steps.forEach((step, k) => context.lineTo(axes.x(step), axes.y(scaled(losses[k] ?? NaN))));
  context.stroke();
}
